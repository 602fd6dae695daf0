"""What tasks ask of other DAGs: a run, once for the attempt that asks; states, as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from lifecycle.scene import Scene, dag, task
from msgspec import Raw
from store.follower import Follower
from store.test_projection_laws import log_of

from penstock.coordinator.intake import TriggerRefusedError
from penstock.coordinator.other_runs import OtherRuns
from penstock.coordinator.triggers import Triggers
from penstock.events.questions import AskStates, AskTrigger, FoundRun, Triggered
from penstock.store.reading import Reading

BY = "task d/r fire try 1"


class Leader:
    """A coordinator as far as these questions know one: its log is a scene, its file is real."""

    def __init__(self, folder: Path) -> None:
        other = dag(task("a"), task("g.b", "a"), task("g.c", "a", over=3), dag_id="other")
        self.scene = Scene(other, dag(task("x"), dag_id="still"))
        self.follower = Follower(folder / "d.db")
        self.reading = Reading(folder / "d.db")
        self.projected = 0
        self.state = self.scene.state
        self.sequencer = SimpleNamespace(ask=self.append)
        self.room = SimpleNamespace(check=lambda: None)
        parsed = asyncio.Event()
        parsed.set()
        self.files = SimpleNamespace(first_parse=parsed)
        self.triggers = Triggers(cast(Any, self))
        self.other_runs = OtherRuns(cast(Any, self))

    async def append(self, event: Any) -> int:
        self.scene.say(event)
        return len(self.scene.entries)

    async def caught_up(self) -> None:
        log = log_of(self.scene)
        self.follower.follow(log[self.projected :], 1)
        self.projected = len(log)

    async def trigger(self, run_id: str = "o", by: str = BY, **asked: Any) -> Triggered:
        asked = {"dag_id": "other", **asked}
        return await self.other_runs.trigger(AskTrigger(run_id=run_id, by=by, **asked))

    async def states(self, **asked: Any) -> tuple[tuple[FoundRun, ...], str]:
        asked = {"dag_id": "other", **asked}
        answer = await self.other_runs.states(AskStates(**asked))
        return answer.runs, answer.missing


@pytest.fixture
def leader(tmp_path: Path) -> Iterator[Leader]:
    made = Leader(tmp_path)
    yield made
    made.reading.close()
    made.follower.close()


async def test_an_attempt_that_asks_again_has_the_run_that_it_got(leader: Leader) -> None:
    asked = [await leader.trigger(conf=Raw(b'{"x":1}'), logical_date=7) for _ in range(2)]
    assert asked == [Triggered(run_id="o", state="running", is_new=True)] * 2
    assert list(leader.state.runs) == ["other/o"]
    triggered = leader.state.runs["other/o"].triggered
    assert (bytes(triggered.conf), triggered.logical_date, triggered.by) == (b'{"x":1}', 7, BY)


async def test_another_try_is_told_that_the_run_was_there_before(leader: Leader) -> None:
    await leader.trigger()
    assert not (await leader.trigger(by="task d/r fire try 2")).is_new


async def test_it_is_the_same_when_the_run_has_left_the_memory(leader: Leader) -> None:
    await leader.trigger()
    leader.scene.cancel("other/o")
    await leader.caught_up()
    del leader.state.runs["other/o"]
    assert await leader.trigger() == Triggered(run_id="o", state="failed", is_new=True)
    assert not (await leader.trigger(by="somebody")).is_new


async def test_what_cannot_be_triggered_is_refused_with_the_reason(leader: Leader) -> None:
    with pytest.raises(TriggerRefusedError, match=r"there is no DAG 'nope' .known: other, still"):
        await leader.trigger(dag_id="nope")
    leader.state.dags["still"].paused = True
    paused = await leader.trigger(dag_id="still", unless_paused=True)
    assert (paused.state, paused.is_new) == ("paused", False)
    assert (await leader.trigger(dag_id="still")).is_new


async def test_states_are_those_of_now(leader: Leader) -> None:
    await leader.trigger(logical_date=7)
    leader.scene.succeed("a", run="other/o")
    leader.scene.succeed("g.c", 1, run="other/o")
    [run], missing = await leader.states(logical_dates=(7, 8), tasks=("a", "g.c"))
    assert (run.run_id, run.logical_date, run.state, run.live) == ("o", 7, "running", True)
    assert run.tasks == {"a": {"success": 1}, "g.c": {"queued": 2, "success": 1}}
    assert missing == ""
    [run], _ = await leader.states(run_ids=("o", "p"), group="g")
    assert run.tasks == {"g.b": {"queued": 1}, "g.c": {"queued": 2, "success": 1}}


async def test_of_two_runs_of_one_date_the_newest_is_meant(leader: Leader) -> None:
    await leader.trigger("o", logical_date=7)
    await leader.trigger("p", logical_date=7)
    leader.scene.cancel("other/p")
    [run], _ = await leader.states(logical_dates=(7,))
    assert (run.run_id, run.state, run.live) == ("p", "failed", False)


async def test_what_is_not_there_is_said(leader: Leader) -> None:
    assert await leader.states(dag_id="nope") == ((), "there is no DAG 'nope'")
    assert (await leader.states(tasks=("a", "z")))[1] == "DAG 'other' has no task 'z'"
    assert (await leader.states(group="h"))[1] == "DAG 'other' has no task group 'h'"
