"""A fact that the fold cannot take puts its run aside; everything else goes on."""

from __future__ import annotations

import pytest

from lifecycle.scene import Scene, a_list, dag, of, succeeded, task
from penstock.events.types import Event, RunTriggered, TimerDue
from penstock.lifecycle.advance import Entry, advance
from penstock.lifecycle.commands import Ready, RunOver, StopRun
from penstock.lifecycle.state import State


def make_sick(scene: Scene, run: str) -> None:
    """Break a run's state, as no fact can: whatever the next fact about it is, it raises."""
    scene.run(run).tasks[0].step = None


def test_an_unknown_timer_quarantines_its_run_and_tells_so() -> None:
    scene = Scene(dag(task("a")))
    scene.trigger()
    commands = scene.say(TimerDue(what="doomsday", due=1, run="d/r"))
    assert scene.run().state == "quarantined"
    assert scene.run().reason == f"{scene.entries[-1].id}: LookupError: unknown timer 'doomsday'"
    assert of(StopRun, commands) == [StopRun("d/r", scene.run().reason)]
    assert scene.run_told()[-1] == "quarantined"
    assert of(RunOver, commands) == [RunOver("d/r")]


def test_nothing_moves_a_quarantined_run_any_more() -> None:
    scene = Scene(dag(task("a", retries=1), task("b"), task("c", "b"), dagrun_timeout=60.0))
    scene.trigger()
    scene.fail("a")
    scene.say(TimerDue(what="doomsday", due=1, run="d/r"))
    told = len(scene.run_told()), scene.run().counter
    late = scene.ring(), scene.ring("run_timeout"), scene.succeed("b"), scene.cancel()
    assert [of(Ready, commands) for commands in late] == [[], [], [], []]
    scene.say(TimerDue(what="doomsday", due=1, run="d/r"))
    assert (len(scene.run_told()), scene.run().counter) == told


def test_a_run_that_waits_takes_the_place_of_a_quarantined_one() -> None:
    scene = Scene(dag(task("a"), max_active_runs=1))
    scene.trigger("sick")
    scene.trigger("well")
    make_sick(scene, "d/sick")
    scene.fail("a", run="d/sick")
    assert scene.run("d/sick").state == "quarantined"
    assert scene.states("d/well") == {"a": "queued"}


def test_a_queued_run_that_is_quarantined_never_starts() -> None:
    scene = Scene(dag(task("a"), max_active_runs=1))
    scene.trigger("one")
    scene.trigger("two")
    scene.say(TimerDue(what="doomsday", due=1, run="d/two"))
    scene.succeed("a", run="d/one")
    assert scene.run_told("d/two") == ["queued", "quarantined"]


def test_a_run_that_ended_keeps_its_end() -> None:
    scene = Scene(dag(task("a", callbacks=("success",))))
    scene.trigger()
    scene.succeed("a")
    scene.say(TimerDue(what="doomsday", due=1, run="d/r"))
    assert scene.run_told() == ["queued", "running", "success"]


def test_of_the_runs_that_a_lost_worker_held_only_the_sick_one_is_put_aside() -> None:
    sick, well = dag(task("a"), dag_id="sick"), dag(task("a"), dag_id="well")
    scene = Scene(sick, well, redeliveries=0)
    scene.trigger(dag_id="sick")
    scene.trigger(dag_id="well")
    make_sick(scene, "sick/r")
    scene.lose_worker(scene.lend("a", run="sick/r"), scene.lend("a", run="well/r"))
    assert scene.run("sick/r").state == "quarantined"
    assert scene.states("well/r") == {"a": "failed"}
    assert "w" not in scene.state.workers


def test_a_run_that_fails_to_start_does_not_take_the_one_that_ended_with_it() -> None:
    """The end of one run starts the next: whoever cannot be folded is put aside, no other."""
    scene = Scene(dag(task("a"), max_active_runs=1))
    scene.trigger("old")
    scene.trigger("new")
    scene.run("d/new").plan = None  # as no fact can
    scene.run("d/new").tasks[0].step = scene.run("d/old").tasks[0].step
    scene.succeed("a", run="d/old")
    assert scene.run("d/old").state == "success"
    assert scene.run("d/new").state == "quarantined"


def test_a_trigger_for_a_version_that_nobody_registered_is_put_aside_by_name() -> None:
    scene = Scene(dag(task("a")))
    scene.say(RunTriggered(dag_id="d", run_id="r", version="nonsense"))
    scene.say(RunTriggered(dag_id="e", run_id="r", version="nonsense"))
    assert set(scene.state.quarantined) == {"d/r", "e/r"}
    assert "version nonsense of DAG 'e' is not in the log" in scene.state.quarantined["e/r"]
    assert scene.state.runs == {}


def test_the_callbacks_of_a_quarantined_run_are_still_made() -> None:
    scene = Scene(dag(task("a", callbacks=("success",)), task("b", "a")))
    scene.trigger()
    scene.succeed("a")
    commands = scene.say(TimerDue(what="doomsday", due=1, run="d/r"))
    assert of(RunOver, commands) == []
    assert scene.state.is_wanted(scene.current("~success:a"))
    assert of(RunOver, scene.succeed("~success:a")) == [RunOver("d/r")]


def test_a_fact_of_an_unknown_kind_stops_the_fold() -> None:
    """Law 3's other half: a follower that meets a kind it does not know says so, never skips."""
    with pytest.raises(KeyError):
        advance(State(), Entry(1, 1, 0, 0, Event()))


def test_a_broken_dag_names_no_run_and_is_the_leaders_to_refuse() -> None:
    scene = Scene()
    with pytest.raises(KeyError):
        scene.register(dag(task("a", "nobody")))


def test_an_attempt_of_a_task_that_is_not_in_the_run_is_inert() -> None:
    scene = Scene(dag(task("a", over=2)))
    scene.trigger()
    attempt, delivery = scene.pop("a", 0)
    for strange in (
        attempt.__class__("d/r", "nobody", -1, 1),
        attempt.__class__("d/r", "a", -1, 1),
        attempt.__class__("d/r", "a", 2, 1),
        attempt.__class__("d/r", "~success:a", -1, 1),
        attempt.__class__("d/nobody", "a", 0, 1),
    ):
        assert scene.say(succeeded(strange, delivery, scene.now, a_list(1))) == []
