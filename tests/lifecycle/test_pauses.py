"""A try that waits holds nothing, keeps its number, and goes on in its next phase."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from lifecycle.scene import SECOND, Scene, dag, of, succeeded, task
from penstock.coordinator.recovery import in_doubt, to_come
from penstock.events.types import Attempt, Delivery, TimerDue, Xcom
from penstock.lifecycle.commands import InstanceRow, Ready, Remind, XcomRows
from penstock.lifecycle.compare import same
from penstock.lifecycle.explain import explain
from penstock.lifecycle.state import NOTHING_LOST, Callback, Waiting

TRIGGER = Xcom(key="trigger", value=Raw(b'{"path":"mine.Trigger"}'))
RESUME = Xcom(key="resume", value=Raw(b'{"method":"done"}'))
FIRED = (Xcom(key="event", value=Raw(b'"42"')),)


def waiting(**options: Any) -> Scene:
    scene = Scene(dag(task("wait", **options), task("use", "wait")))
    scene.trigger()
    return scene


def record(scene: Scene) -> Any:
    return scene.run().record("wait")


# ---------------------------------------------------------------- a moment


def test_a_sensor_looks_again_at_its_moment_as_the_same_try() -> None:
    scene = waiting()
    commands = scene.pause("wait", until=scene.now + 60 * SECOND)
    assert scene.states() == {"wait": "up_for_reschedule", "use": "none"}
    assert of(Remind, commands) == [
        Remind(scene.now + 60 * SECOND, "resume", "d/r", "wait", caused_by="1-4.0")
    ]
    scene.ring("resume")
    again = scene.current("wait")
    assert (again.try_number, again.phase) == (1, 1)
    scene.succeed("wait")
    assert scene.states() == {"wait": "success", "use": "queued"}
    assert scene.told("wait") == [
        *("queued", "running", "up_for_reschedule"),
        *("queued", "running", "success"),
    ]


def test_a_wait_is_over_at_its_own_moment_only_and_once() -> None:
    scene = waiting()
    due = scene.now + SECOND
    scene.pause("wait", until=due)
    wrong = TimerDue(what="resume", due=due - 1, run="d/r", task="wait")
    right = TimerDue(what="resume", due=due, run="d/r", task="wait")
    assert scene.say(wrong) == []
    assert of(Ready, scene.say(right)) != []
    assert scene.say(right) == []


def test_the_phases_remember_when_the_try_began() -> None:
    scene = waiting()
    began = scene.now - 5
    for _ in range(3):
        scene.pause("wait", until=scene.now + SECOND)
        scene.ring("resume")
    assert record(scene).waits[0].since == began
    assert scene.current("wait").phase == 3


def test_an_outcome_of_an_earlier_phase_is_inert() -> None:
    """The worker was thought dead, the try was sent again, and it is the second that paused."""
    scene = waiting()
    lost, delivery = scene.current("wait"), scene.held[scene.current("wait")]
    scene.lose_worker(scene.lend("wait"))
    scene.pause("wait", until=scene.now + SECOND)
    assert scene.say(succeeded(lost, delivery, scene.now)) == []
    scene.ring("resume")
    assert scene.say(succeeded(lost, delivery, scene.now)) == []
    assert scene.states()["wait"] == "queued"


def test_a_phase_that_is_lost_is_sent_again_as_that_phase() -> None:
    scene = waiting()
    scene.pause("wait", until=scene.now + SECOND)
    scene.ring("resume")
    scene.lose_worker(scene.lend("wait"))
    assert (scene.current("wait").phase, scene.states()["wait"]) == (1, "queued")


def test_a_try_that_fails_after_waiting_begins_anew() -> None:
    scene = waiting(retries=1)
    scene.pause("wait", until=scene.now + SECOND)
    scene.ring("resume")
    scene.fail("wait")
    scene.ring("retry")
    again = scene.current("wait")
    assert (again.try_number, again.phase, record(scene).waits) == (2, 0, {})


def test_each_instance_of_a_mapped_task_waits_by_itself() -> None:
    scene = Scene(dag(task("each", over=3)))
    scene.trigger()
    scene.pause("each", 1, until=scene.now + SECOND)
    scene.succeed("each", 0)
    scene.ring("resume")
    scene.succeed("each", 2)
    assert scene.run().state == "running"
    scene.succeed("each", 1)
    assert scene.run().state == "success"


# ---------------------------------------------------------------- a trigger


def test_a_trigger_runs_as_an_attempt_of_its_own_and_the_try_goes_on_when_it_fires() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    assert scene.states()["wait"] == "deferred"
    trigger = scene.current("~trigger:wait")
    assert (trigger.try_number, trigger.phase) == (1, 1)
    scene.succeed("~trigger:wait", xcoms=FIRED)
    assert scene.states()["wait"] == "queued"
    assert record(scene).waits[0].event == FIRED[0]
    scene.succeed("wait")
    assert scene.states() == {"wait": "success", "use": "queued"}


def heard(scene: Scene) -> tuple[str, bool]:
    """What the task is told of its trigger's failure when it goes on."""
    waits = record(scene).waits[0]
    return waits.failure, waits.late


def test_a_task_goes_on_with_the_failure_of_its_trigger_and_may_fail_of_it() -> None:
    scene = waiting(retries=1)
    scene.pause("wait", trigger=TRIGGER, resume=RESUME, deadline=scene.now + SECOND)
    scene.fail("~trigger:wait", reason="no such host")
    assert (scene.states()["wait"], scene.current("wait").phase) == ("queued", 1)
    assert heard(scene) == ("its trigger failed: no such host", False)
    scene.fail("wait")
    assert scene.states()["wait"] == "up_for_retry"
    scene.ring("retry")
    assert record(scene).waits == {}


def test_a_trigger_that_skips_has_failed_as_well() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    scene.skip("~trigger:wait")
    assert heard(scene) == ("its trigger failed: it was skipped", False)


def test_a_failure_is_forgotten_when_the_try_waits_again() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    scene.fail("~trigger:wait")
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    assert heard(scene) == ("", False)


def test_a_trigger_that_does_not_fire_in_time_is_late_and_wanted_no_more() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME, deadline=scene.now + SECOND)
    trigger = scene.current("~trigger:wait")
    scene.ring("resume")
    assert scene.states()["wait"] == "queued"
    assert heard(scene) == ("its trigger did not fire in the time that it was given", True)
    assert not scene.state.is_wanted(trigger)
    assert scene.say(succeeded(trigger, scene.held[trigger], scene.now, FIRED)) == []


def test_a_lost_trigger_is_sent_again_and_has_failed_when_it_is_lost_too_often() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    for _ in range(3):
        scene.interrupt("~trigger:wait")
        assert scene.states()["wait"] == "deferred"
    scene.interrupt("~trigger:wait")
    assert "its trigger was lost 4 times" in heard(scene)[0]


@pytest.mark.parametrize(
    ("end", "state"), [("success", "success"), ("failed", "failed"), ("skipped", "skipped")]
)
def test_a_trigger_may_end_its_task_which_does_not_go_on(end: str, state: str) -> None:
    scene = waiting(retries=3)
    scene.pause("wait", trigger=TRIGGER, resume=RESUME, xcoms=(Xcom(key="a"), Xcom(key="b")))
    told = (Xcom(key=f"end:{end}"), Xcom(key="xcom:b", length=7), Xcom(key="xcom:event"))
    commands = scene.succeed("~trigger:wait", xcoms=told)
    assert (scene.states()["wait"], record(scene).waits) == (state, {})
    [rows] = of(XcomRows, commands)
    assert (rows.task, [xcom.key for xcom in rows.xcoms]) == ("wait", ["a", "b", "event"])
    assert rows.xcoms[1].length == 7


def test_a_task_that_its_trigger_ended_can_be_mapped_over() -> None:
    scene = Scene(dag(task("wait"), task("each", "wait", over="wait")))
    scene.trigger()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    told = (Xcom(key="end:success"), Xcom(key="xcom:return_value", length=2))
    scene.succeed("~trigger:wait", xcoms=told)
    assert scene.states() == {"wait": "success", "each[0]": "queued", "each[1]": "queued"}


def test_a_moment_may_end_its_task_without_a_worker() -> None:
    scene = waiting()
    scene.pause("wait", until=scene.now + SECOND, resume=RESUME, ends=True)
    scene.ring("resume")
    assert scene.states() == {"wait": "success", "use": "queued"}
    assert scene.wrong_rows() == []


def test_a_trigger_of_an_earlier_phase_is_inert() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    first = scene.current("~trigger:wait")
    delivery = scene.held[first]
    scene.succeed("~trigger:wait", xcoms=FIRED)
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    assert scene.say(succeeded(first, delivery, scene.now, FIRED)) == []
    assert scene.current("~trigger:wait").phase == 2


def test_a_cancelled_run_waits_for_nothing() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME, deadline=scene.now + SECOND)
    scene.cancel()
    assert scene.states() == {"wait": "failed", "use": "skipped"}
    assert scene.run().callbacks == {}
    assert (record(scene).waits, record(scene).due) == ({}, {})


# ---------------------------------------------------------------- told and kept


def test_it_is_said_what_is_waited_for() -> None:
    scene = waiting()
    scene.pause("wait", until=3_600 * SECOND)
    assert explain(scene.state, "d/r", "wait") == [
        "Task 'wait' is up_for_reschedule, try 1 of 1: it looks again at 1970-01-01T01:00:00Z"
    ]
    scene.ring("resume")
    scene.pause("wait", until=7_200 * SECOND, resume=RESUME)
    assert explain(scene.state, "d/r", "wait") == [
        "Task 'wait' is deferred, try 1 of 1, until 1970-01-01T02:00:00Z"
    ]
    scene.ring("resume")
    scene.pause("wait", trigger=TRIGGER, resume=RESUME, deadline=10_800 * SECOND)
    assert explain(scene.state, "d/r", "wait") == [
        "Task 'wait' is deferred, try 1 of 1: it waits for its trigger, until "
        "1970-01-01T03:00:00Z at most"
    ]
    assert scene.wrong_rows() == []


def test_what_is_kept_of_a_wait_can_be_written_again() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME, xcoms=(Xcom(key="early", inline="eA=="),))
    kept = record(scene).waits[0]
    assert msgspec.json.decode(msgspec.json.encode(kept), type=Waiting) == kept


def test_a_new_leader_finds_what_is_waited_for() -> None:
    scene = waiting()
    due = scene.now + SECOND
    scene.pause("wait", until=due)
    assert list(to_come(scene.state)) == [Remind(due, "resume", "d/r", "wait")]
    scene.ring("resume")
    assert [(ready.task, ready.phase) for ready in in_doubt(scene.state)] == [("wait", 1)]
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    assert [(ready.task, ready.phase) for ready in in_doubt(scene.state)] == [("~trigger:wait", 2)]


def test_a_wait_is_a_row() -> None:
    scene = waiting()
    due = scene.now + SECOND
    commands = scene.pause("wait", until=due)
    [row] = of(InstanceRow, commands)
    assert (row.state, row.due, row.started_at) == ("up_for_reschedule", due, scene.now - 5)


def test_two_folds_of_it_are_the_same() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    other = waiting()
    other.pause("wait", trigger=TRIGGER, resume=RESUME)
    assert same(scene.state, other.state) == []
    other.succeed("~trigger:wait", xcoms=FIRED)
    assert same(scene.state, other.state) != []
    assert record(other).waits[0].phase == 1
    assert Delivery(1, 1) not in other.held.values()


def test_a_wait_that_cannot_come_in_time_is_late_without_a_trigger() -> None:
    scene = waiting()
    scene.pause("wait", deadline=scene.now + SECOND, resume=RESUME)
    assert explain(scene.state, "d/r", "wait")[0].startswith("Task 'wait' is deferred")
    scene.ring("resume")
    assert heard(scene) == ("its trigger did not fire in the time that it was given", True)


def test_a_retry_is_not_mistaken_for_a_wait_that_is_due() -> None:
    scene = waiting(retries=1)
    scene.fail("wait")
    [due] = record(scene).due.values()
    assert scene.say(TimerDue(what="resume", due=due, run="d/r", task="wait")) == []
    assert scene.states()["wait"] == "up_for_retry"


def test_a_trigger_that_nobody_waits_for_changes_nothing_but_is_over() -> None:
    """No fold makes one; if one were there, it must not move the task."""
    scene = Scene(dag(task("wait")), checked=False)
    scene.trigger()
    stray = Callback("~trigger:wait", -1, 1, "", NOTHING_LOST, 1)
    scene.run().callbacks[stray.key] = stray
    attempt = Attempt("d/r", "~trigger:wait", -1, 1, 1)
    scene.say(succeeded(attempt, Delivery(1, 9), scene.now, FIRED))
    assert scene.states() == {"wait": "queued"}
    assert scene.run().callbacks == {}
