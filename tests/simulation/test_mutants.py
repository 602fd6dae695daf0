"""Every law that is dropped on purpose is missed by a story, which is well without the mutant.

The story known to find it comes first; since each change of the product moves stories a little, the
next ones may do it in its place.
"""

from __future__ import annotations

import pytest

from tests.simulation.mutants import FOUND, MUTANTS, name_of
from tests.simulation.test_stories import play, program

MORE = 300
"""Stories tried from the known one on: what one in 35 finds is found by 300 but once in 6,000."""


@pytest.mark.parametrize("name", [name_of(function) for function, _ in FOUND])
def test_a_dropped_law_is_missed(name: str) -> None:
    kind, seed = MUTANTS[name].found_by
    done = program(
        str(seed), str(seed + MORE), "--kind", kind, "--mutant", name, "--stop", "1", "--jobs", "1"
    )
    assert done.returncode == 1, f"{name}: all of {kind} ended well. {MUTANTS[name].law}"
    bad = done.stdout.partition("BAD ")[2].split()[0].partition(":")[2]
    play(bad, str(int(bad) + 1), "--kind", kind)
