"""A try that waits holds nothing, keeps its number, and goes on in its next phase."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from lifecycle.scene import SECOND, Scene, dag, of, succeeded, task
from penstock.coordinator.recovery import in_doubt, to_come
from penstock.events.types import Delivery, TimerDue, Xcom
from penstock.lifecycle.commands import InstanceRow, Ready, Remind
from penstock.lifecycle.compare import same
from penstock.lifecycle.explain import explain
from penstock.lifecycle.state import Waiting

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


def test_a_trigger_that_fails_fails_the_try() -> None:
    scene = waiting(retries=1)
    scene.pause("wait", trigger=TRIGGER, resume=RESUME, deadline=scene.now + SECOND)
    scene.fail("~trigger:wait", reason="no such host")
    assert scene.states()["wait"] == "up_for_retry"
    scene.ring("retry")
    scene.fail("wait")
    assert scene.run().reason == "failed: 'wait': it broke"


def test_a_trigger_that_skips_fails_the_try_as_well() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    scene.skip("~trigger:wait")
    assert scene.run().reason == "failed: 'wait': its trigger failed: it was skipped"


def test_a_trigger_that_does_not_fire_in_time_fails_the_try_and_is_wanted_no_more() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME, deadline=scene.now + SECOND)
    trigger = scene.current("~trigger:wait")
    scene.ring("resume")
    assert scene.states()["wait"] == "failed"
    assert not scene.state.is_wanted(trigger)
    assert scene.say(succeeded(trigger, scene.held[trigger], scene.now, FIRED)) == []


def test_a_lost_trigger_is_sent_again_and_fails_the_try_when_it_is_lost_too_often() -> None:
    scene = waiting()
    scene.pause("wait", trigger=TRIGGER, resume=RESUME)
    for _ in range(3):
        scene.interrupt("~trigger:wait")
        assert scene.states()["wait"] == "deferred"
    scene.interrupt("~trigger:wait")
    assert "its trigger was lost 4 times" in scene.run().reason


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
