"""Every law that is dropped on purpose is missed by its story; the same story is well without."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, UNFOUND
from tests.simulation.test_stories import play, program


@pytest.mark.parametrize("name", [name for name in MUTANTS if name not in UNFOUND])
def test_a_dropped_law_is_missed(name: str) -> None:
    kind, seed = MUTANTS[name].found_by
    story = (str(seed), str(seed + 1), "--kind", kind)
    done = program(*story, "--mutant", name)
    assert done.returncode == 1, f"{name}: {kind}:{seed} ended well. {MUTANTS[name].law}"
    assert " 1 bad" in done.stdout
    play(*story)
