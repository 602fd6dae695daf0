"""Runs: queued, started, ended by their leaves, or brought to an end."""

from __future__ import annotations

import pytest

from lifecycle.scene import SECOND, Scene, dag, of, task
from penstock.events.types import RunCancelled, RunTriggered, TimerDue
from penstock.lifecycle.commands import (
    InstanceRow,
    Notify,
    PlanTicks,
    Ready,
    Remind,
    RunOver,
    StopRun,
)

CHAIN = task("a"), task("b", "a"), task("c", "b")


def test_a_chain_runs_task_by_task_to_its_end() -> None:
    scene = Scene(dag(*CHAIN))
    scene.trigger()
    for name in "abc":
        [attempt] = scene.held
        assert attempt.task == name
        scene.succeed(name)
    assert scene.run_told() == ["queued", "running", "success"]
    assert scene.commands(RunOver) == [RunOver("d/r")]


def test_a_run_without_tasks_succeeds_at_once() -> None:
    scene = Scene(dag())
    scene.trigger()
    assert scene.run_told() == ["queued", "running", "success"]


def test_a_skip_is_passed_on_and_the_run_succeeds() -> None:
    scene = Scene(dag(*CHAIN))
    scene.trigger()
    scene.skip("a")
    assert set(scene.states().values()) == {"skipped"}
    assert scene.run_told()[-1] == "success"


def test_a_task_that_never_started_has_try_number_zero_and_an_empty_one_has_one() -> None:
    scene = Scene(dag(task("a", is_empty=True), task("b"), task("c", "b")))
    scene.trigger()
    scene.fail("b")
    tries = {row.task: row.try_number for row in scene.commands(InstanceRow)}
    assert tries == {"a": 1, "b": 1, "c": 0}


def test_empty_tasks_end_at_once_however_long_their_chain() -> None:
    tasks = [task("t0", is_empty=True)]
    tasks += [task(f"t{n}", f"t{n - 1}", is_empty=True) for n in range(1, 5_000)]
    scene = Scene(dag(*tasks))
    scene.trigger()
    assert scene.run_told() == ["queued", "running", "success"]


# ---------------------------------------------------------------- whose fate counts


def test_a_failed_task_above_a_leaf_that_runs_all_the_same_fails_no_run() -> None:
    scene = Scene(dag(task("a"), task("b", "a", rule="all_done")))
    scene.trigger()
    scene.fail("a")
    scene.succeed("b")
    assert scene.run_told()[-1] == "success"


def test_a_failed_run_names_the_tasks_that_failed_themselves() -> None:
    scene = Scene(dag(*(task(f"t{n}") for n in range(7)), task("end", "t0")))
    scene.trigger()
    for n in range(7):
        scene.fail(f"t{n}", reason="disk full")
    assert scene.run().reason == ("failed: 't0', 't1', 't2', 't3', 't4' and 2 more: disk full")


def test_a_failed_teardown_does_not_fail_the_run() -> None:
    tasks = (
        task("make", is_setup=True),
        task("work", "make"),
        task("clean", "make work", rule="all_done_setup_success", is_teardown=True),
    )
    scene = Scene(dag(*tasks))
    scene.trigger()
    scene.succeed("make")
    scene.succeed("work")
    scene.fail("clean")
    assert scene.run_told()[-1] == "success"


def test_the_work_above_a_teardown_is_a_leaf_and_its_teardown_runs() -> None:
    tasks = (
        task("make", is_setup=True),
        task("work", "make"),
        task("clean", "make work", rule="all_done_setup_success", is_teardown=True),
    )
    scene = Scene(dag(*tasks))
    scene.trigger()
    scene.succeed("make")
    scene.fail("work")
    scene.succeed("clean")
    assert scene.run_told()[-1] == "failed"


@pytest.mark.parametrize(("end", "clean"), [("fail", "upstream_failed"), ("skip", "skipped")])
def test_a_teardown_shares_the_fate_of_a_setup_that_did_not_succeed(end: str, clean: str) -> None:
    tasks = (
        task("make", is_setup=True),
        task("other"),
        task("clean", "make other", rule="all_done_setup_success", is_teardown=True),
    )
    scene = Scene(dag(*tasks))
    scene.trigger()
    getattr(scene, end)("make")
    assert scene.states()["clean"] == "none"
    scene.succeed("other")
    assert scene.states()["clean"] == clean


# ---------------------------------------------------------------- max_active_runs


def test_runs_wait_their_turn_and_start_oldest_first() -> None:
    scene = Scene(dag(task("a"), max_active_runs=2))
    for run in ("one", "two", "three", "four"):
        scene.trigger(run)
    assert [scene.run(f"d/{run}").state for run in ("one", "two", "three", "four")] == [
        *("running", "running"),
        *("queued", "queued"),
    ]
    scene.succeed("a", run="d/two")
    assert (scene.run("d/three").state, scene.run("d/four").state) == ("running", "queued")


def test_a_version_that_allows_more_runs_starts_those_that_wait() -> None:
    scene = Scene(dag(task("a"), max_active_runs=1))
    scene.trigger("one")
    scene.trigger("two")
    scene.register(dag(task("a"), task("b"), max_active_runs=2))
    assert scene.run("d/two").state == "running"
    assert scene.states("d/two") == {"a": "queued"}  # pinned to the version it was asked for


def test_a_queued_run_can_be_cancelled() -> None:
    scene = Scene(dag(task("a"), max_active_runs=1))
    scene.trigger("one")
    scene.trigger("two")
    scene.cancel("d/two")
    scene.succeed("a", run="d/one")
    assert scene.run_told("d/two") == ["queued", "failed"]
    assert scene.states("d/two") == {"a": "skipped"}


def test_a_run_is_triggered_once_however_often_it_is_asked_for() -> None:
    scene = Scene(dag(task("a")))
    scene.trigger()
    assert scene.trigger() == []


def test_a_tick_that_was_seen_is_inert_though_its_run_has_left() -> None:
    scene = Scene(dag(task("a")))
    scene.trigger("monday", run_type="scheduled", logical_date=100)
    scene.succeed("a", run="d/monday")
    del scene.state.runs["d/monday"]  # projected, and gone from the memory
    assert scene.trigger("monday", run_type="scheduled", logical_date=100) == []
    assert scene.trigger("sunday", run_type="scheduled", logical_date=99) == []
    assert scene.trigger("by-hand", logical_date=50) != []
    assert of(PlanTicks, scene.trigger("tuesday", run_type="scheduled", logical_date=101))


# ---------------------------------------------------------------- brought to an end


def stopping_dag(**options: object) -> Scene:
    """One task of each kind of life: running, ready, due, waiting, mapped in all of these."""
    tasks = (
        task("running"),
        task("ready"),
        task("due", retries=1),
        task("done"),
        task("below", "running ready"),
        task("wide", over=6, retries=1),
    )
    scene = Scene(dag(*tasks, **options))
    scene.trigger()
    scene.start("running")
    scene.fail("due")
    scene.succeed("done")
    scene.start("wide", 1)
    scene.fail("wide", 2)
    scene.interrupt("wide", 4)
    scene.succeed("wide", 5)
    return scene


AFTER = {
    "ready": "skipped",
    "due": "skipped",
    "done": "success",
    "below": "skipped",
    "wide[0]": "skipped",
    "wide[2]": "skipped",
    "wide[3]": "skipped",
    "wide[4]": "skipped",
    "wide[5]": "success",
}


def test_a_cancelled_run_fails_what_runs_and_skips_what_has_not_begun() -> None:
    scene = stopping_dag()
    commands = scene.cancel(by="ann")
    assert scene.states() == AFTER | {"running": "failed", "wide[1]": "failed"}
    assert scene.wrong_rows() == []
    assert of(StopRun, commands) == [StopRun("d/r", "cancelled by ann")]
    assert (scene.run().state, scene.run().reason) == ("failed", "cancelled by ann")
    assert of(RunOver, commands) == [RunOver("d/r")]


def test_a_run_that_takes_too_long_skips_what_runs_as_well() -> None:
    scene = stopping_dag(dagrun_timeout=90.0)
    scene.ring("run_timeout")
    assert scene.states() == AFTER | {"running": "skipped", "wide[1]": "skipped"}
    assert scene.wrong_rows() == []
    assert (scene.run().state, scene.run().reason) == ("failed", "run timeout: 90 s are over")


def test_fail_fast_stops_the_run_at_the_first_task_that_failed() -> None:
    scene = stopping_dag(fail_fast=True)
    scene.start("ready")
    scene.fail("ready")
    failed = {"running": "failed", "ready": "failed", "wide[1]": "failed"}
    assert scene.states() == AFTER | failed
    assert scene.run().reason == "fail_fast: task 'ready' failed"


def test_fail_fast_lets_a_retry_happen() -> None:
    scene = Scene(dag(task("a", retries=1), task("b"), fail_fast=True))
    scene.trigger()
    scene.fail("a")
    assert scene.run().state == "running"


def test_a_range_at_rest_is_skipped_in_one_step() -> None:
    scene = Scene(dag(task("wide", over=1_000)))
    scene.trigger()
    scene.succeed("wide", 500)
    commands = scene.cancel()
    spans = [(notice.first, notice.last) for notice in of(Notify, commands)]
    assert spans == [(0, 500), (501, 1_000)]
    assert of(InstanceRow, commands) == []


def test_nothing_moves_a_run_that_has_ended() -> None:
    scene = stopping_dag(dagrun_timeout=90.0)
    scene.cancel()
    told = scene.run().counter
    assert scene.cancel() == []
    assert scene.ring("retry") == []
    assert scene.ring("run_timeout") == []
    assert scene.succeed("running") == []
    assert scene.lose_worker(scene.lend("wide", 1)) == []
    assert scene.run().counter == told


def test_a_timeout_of_another_moment_or_of_no_run_is_inert() -> None:
    scene = Scene(dag(task("a"), dagrun_timeout=60.0))
    [reminder] = of(Remind, scene.trigger())
    assert reminder == Remind(scene.now + 60 * SECOND, "run_timeout", "d/r", caused_by="1-3.0")
    scene.register(dag(task("a"), max_active_runs=1))
    scene.trigger("untimed")
    for due, run in (
        (reminder.due - 1, "d/r"),
        (reminder.due, "d/untimed"),
        (reminder.due, "d/other"),
    ):
        assert scene.say(TimerDue(what="run_timeout", due=due, run=run)) == []
    assert scene.say(RunCancelled(run="d/other")) == []


def test_a_run_in_which_nothing_can_happen_fails_as_a_deadlock() -> None:
    """No story leads there; if a bug ever does, the run ends and says why."""
    scene = Scene(dag(*CHAIN))
    scene.trigger()
    scene.run().record("b").open_upstreams += 1
    scene.checked = False
    scene.succeed("a")
    assert scene.run().state == "failed"
    assert scene.run().reason == ("deadlock: nothing is under way, and these can never start: b, c")


def test_runs_without_a_place_in_the_log_of_dags_are_refused() -> None:
    scene = Scene()
    assert scene.say(RunTriggered(dag_id="d", run_id="r", version="v")) == []
    assert scene.commands(Ready) == []


def test_a_command_names_the_fact_that_caused_it() -> None:
    scene = Scene(dag(*CHAIN))
    [ready] = of(Ready, scene.trigger())
    assert ready.caused_by == scene.entries[-1].id


def test_a_teardown_that_says_so_fails_the_run_with_its_own_failure() -> None:
    clean = {"rule": "all_done_setup_success", "is_teardown": True}
    tasks = (task("make", is_setup=True), task("work", "make"))
    for decides, fate in ((False, "success"), (True, "failed")):
        last = task("clean", "make work", on_failure_fail_dagrun=decides, **clean)
        scene = Scene(dag(*tasks, last))
        scene.trigger()
        scene.succeed("make")
        scene.succeed("work")
        scene.fail("clean")
        assert scene.run().state == fate
