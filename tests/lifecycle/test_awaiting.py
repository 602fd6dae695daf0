"""A try that waits for another DAG's run or task goes on when that ends: no clock, no scan."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.scene import SECOND, Scene, dag, of, task
from penstock.events.types import Awaited, TimerDue, Xcom
from penstock.lifecycle import pauses
from penstock.lifecycle.commands import Ready
from penstock.lifecycle.explain import explain
from penstock.lifecycle.turn import Turn

RESUME = Xcom(key="resume")


def two(*, date: int | None = None) -> Scene:
    """DAG `d` waits, DAG `other` has a run `o` under way."""
    other = dag(task("first"), task("second", "first"), dag_id="other")
    scene = Scene(dag(task("wait"), task("use", "wait")), other)
    scene.trigger()
    scene.trigger("o", "other", logical_date=date)
    return scene


def wait(scene: Scene, *awaits: Awaited) -> None:
    scene.pause("wait", until=scene.now + 60 * SECOND, awaits=awaits)


def test_it_goes_on_when_the_run_ends_and_not_before() -> None:
    scene = two()
    wait(scene, Awaited("other", "o", live=True))
    scene.succeed("first", run="other/o")
    assert scene.states()["wait"] == "up_for_reschedule"
    scene.succeed("second", run="other/o")
    assert scene.states()["wait"] == "queued"
    assert scene.current("wait").phase == 1
    scene.succeed("wait")
    assert scene.state.awaited == {}


def test_it_goes_on_when_the_task_ends() -> None:
    scene = two()
    wait(scene, Awaited("other", "o", task="first", live=True))
    scene.succeed("first", run="other/o")
    assert scene.states()["wait"] == "queued"


def test_a_mapped_task_has_ended_with_its_last_instance() -> None:
    scene = Scene(dag(task("wait")), dag(task("each", over=2), dag_id="other"))
    scene.trigger()
    scene.trigger("o", "other")
    wait(scene, Awaited("other", "o", task="each", live=True))
    scene.succeed("each", 1, run="other/o")
    assert scene.states()["wait"] == "up_for_reschedule"
    scene.succeed("each", 0, run="other/o")
    assert scene.states()["wait"] == "queued"


def test_a_run_that_was_not_there_is_known_by_its_logical_date() -> None:
    scene = Scene(dag(task("wait")), dag(task("first"), dag_id="other"))
    scene.trigger()
    wait(scene, Awaited("other", logical_date=7), Awaited("other", "named"))
    scene.trigger("p", "other", logical_date=8)
    scene.succeed("first", run="other/p")
    assert scene.states()["wait"] == "up_for_reschedule"
    scene.trigger("o", "other", logical_date=7)
    scene.succeed("first", run="other/o")
    assert scene.states()["wait"] == "queued"
    assert scene.state.awaited == {}


@pytest.mark.parametrize(
    "awaited", [Awaited("other", "o", live=True), Awaited("other", "o", task="second", live=True)]
)
def test_what_ended_between_the_question_and_the_pause_is_not_missed(awaited: Awaited) -> None:
    scene = two()
    scene.succeed("first", run="other/o")
    scene.succeed("second", run="other/o")
    wait(scene, awaited)
    assert scene.told("wait")[-2:] == ["up_for_reschedule", "queued"]
    assert (scene.states()["wait"], scene.state.awaited) == ("queued", {})


def test_a_run_that_is_stopped_ends_its_tasks_too() -> None:
    scene = two()
    wait(scene, Awaited("other", "o", task="second", live=True))
    scene.cancel("other/o")
    assert scene.states()["wait"] == "queued"


def test_a_wait_that_is_over_otherwise_is_waited_for_no_more() -> None:
    scene = two()
    wait(scene, Awaited("other", "o", live=True))
    scene.ring("resume")
    assert (scene.states()["wait"], scene.state.awaited) == ("queued", {})
    wait(scene, Awaited("other", "o", live=True))
    scene.cancel()
    assert scene.state.awaited == {}


def test_an_end_wakes_all_that_wait_for_it_each_once() -> None:
    scene = Scene(dag(task("wait", over=3)), dag(task("first"), dag_id="other"))
    scene.trigger()
    scene.trigger("o", "other", logical_date=5)
    awaits = (Awaited("other", "o", live=True), Awaited("other", logical_date=5))
    for index in (2, 0, 1):
        scene.pause("wait", index, until=scene.now + SECOND, awaits=awaits)
    commands = scene.succeed("first", run="other/o")
    assert [(ready.task, ready.first) for ready in of(Ready, commands)] == [
        ("wait", 0),
        ("wait", 1),
        ("wait", 2),
    ]


def test_it_is_said_what_is_awaited() -> None:
    scene = two()
    wait(scene, Awaited("other", "o", task="first", live=True))
    assert explain(scene.state, "d/r", "wait") == [
        "Task 'wait' is up_for_reschedule, try 1 of 1: it looks again when run o of DAG 'other', "
        "task 'first' ends, or at 1970-01-01T00:17:40Z"
    ]
    scene.ring("resume")
    awaits = (Awaited("other", logical_date=0),)
    scene.pause("wait", until=scene.now + SECOND, resume=RESUME, awaits=awaits)
    assert explain(scene.state, "d/r", "wait") == [
        "Task 'wait' is deferred, try 1 of 1, until run 1970-01-01T00:00:00Z of DAG 'other' ends, "
        "or 1970-01-01T00:17:41Z"
    ]


ENDS = (
    Awaited("other", "o", live=True),
    Awaited("other", "o", task="first", live=True),
    Awaited("other", "o", task="second"),
    Awaited("other", logical_date=7),
    Awaited("other", logical_date=7, task="second"),
    Awaited("d", "r", task="wait", live=True),
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_happens_nobody_is_lost_or_waits_twice(data: st.DataObject) -> None:
    """The scene recounts `State.awaited` after every fact."""
    other = dag(task("first", retries=1), task("second", "first"), dag_id="other")
    scene = Scene(dag(task("wait", over=2, retries=1), task("use", "wait")), other)
    scene.trigger()
    for _ in range(data.draw(st.integers(1, 25))):
        what = data.draw(st.sampled_from(("run", "pause", "end", "end", "ring", "cancel")))
        held = sorted(scene.held, key=str)
        if what == "run" and "other/o" not in scene.state.runs:
            scene.trigger("o", "other", logical_date=7)
        elif what == "cancel" and data.draw(st.integers(0, 5)) == 0:
            scene.cancel(data.draw(st.sampled_from(sorted(scene.state.runs))))
        elif what == "ring" and scene.timers:
            scene.ring_timer(data.draw(st.sampled_from(scene.timers)))
        elif what in ("pause", "end") and held:
            one = data.draw(st.sampled_from(held))
            if what == "end":
                data.draw(st.sampled_from((scene.succeed, scene.fail)))(
                    one.task, one.index, run=one.run
                )
                continue
            awaits = tuple(data.draw(st.lists(st.sampled_from(ENDS), unique=True, max_size=4)))
            until = scene.now + data.draw(st.integers(1, 100)) * SECOND
            scene.pause(one.task, one.index, run=one.run, until=until, awaits=awaits)
    for run in scene.state.runs.values():
        if run.state == "running":
            scene.cancel(run.key)
    assert scene.state.awaited == {}


def test_of_many_ends_that_are_waited_for_the_first_are_named() -> None:
    scene = two()
    wait(scene, *(Awaited("other", f"o{number}") for number in range(8)))
    [said] = explain(scene.state, "d/r", "wait")
    assert "run o0 of DAG 'other'" in said
    assert "more ends" in said


def test_a_run_in_quarantine_waits_for_nothing() -> None:
    scene = two()
    wait(scene, Awaited("other", "o", live=True))
    scene.say(TimerDue(what="nonsense", due=1, run="d/r"))
    assert (scene.run().state, scene.state.awaited) == ("quarantined", {})


def test_nobody_is_woken_who_is_not_there() -> None:
    scene = two()
    turn = Turn(scene.state, scene.now, "1-1.0")
    pauses.wake(turn, "d/r", "nowhere", -1)
    pauses.wake(turn, "d/r", "wait", 7)
    assert turn.commands == []
