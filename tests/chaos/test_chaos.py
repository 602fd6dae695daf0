"""The short form of `make chaos`: a few kills, each kind of process once, and the same verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from .daemon import KINDS
from .storm import Plan, Storm
from .work import Line, misbehaved


@pytest.mark.chaos
async def test_every_run_ends_as_it_would_have_whatever_is_killed(tmp_path: Path) -> None:
    plan = Plan(kills=len(KINDS), seed=7, in_turn=True, pause=1.0)
    verdict = await Storm(tmp_path, plan).run()
    assert verdict.wrong == []
    assert verdict.runs >= 3


def line(what: str, try_number: int, task: str = "each") -> Line:
    return Line(what, "long", "r", task, 0, try_number, 1, 0.0)


def test_the_judge_sees_an_earlier_try_that_runs_after_a_later_one() -> None:
    lines = [line("begin", 1), line("begin", 2), line("end", 1), line("end", 2)]
    (found,) = misbehaved(lines)
    assert "try 1 ran (end) after" in found


def test_the_judge_sees_an_exclusive_task_in_two_places_and_one_that_never_ended() -> None:
    lines = [line("begin", 1, "alone"), line("twice", 1, "alone"), line("begin", 1, "alone")]
    twice, unended = misbehaved(lines)
    assert "ran in two places" in twice
    assert "none ever ended" in unended
