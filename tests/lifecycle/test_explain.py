"""Every state and every "not yet" has a reason that can be asked for."""

from __future__ import annotations

import pytest
from hypothesis import given

from lifecycle.scene import Scene, dag, task
from lifecycle.stories import stories
from penstock.events.types import RunTriggered, TimerDue
from penstock.lifecycle.explain import NothingToExplainError, explain, stuck
from penstock.lifecycle.states import SUCCESS

NOW = "1970-01-01T00:16:40Z"


def why(scene: Scene, task: str, run: str = "d/r") -> str:
    [sentence] = explain(scene.state, run, task)
    return sentence


def at_work(*tasks: object, **options: object) -> Scene:
    scene = Scene(dag(*tasks, **options))
    scene.trigger()
    return scene


# ---------------------------------------------------------------- what nothing runs for


def test_a_run_of_which_nothing_runs_says_what_it_waits_for() -> None:
    scene = at_work(task("a"), task("b"), task("c", "a b"))
    assert stuck(scene.state, "d/r") == explain(scene.state, "d/r", "a") + explain(
        scene.state, "d/r", "b"
    )
    scene.start("a")
    assert stuck(scene.state, "d/r") == []


def test_a_run_that_is_queued_or_over_or_unknown_is_no_mystery() -> None:
    scene = Scene(dag(task("a"), max_active_runs=1))
    scene.trigger("one")
    scene.trigger("two")
    assert stuck(scene.state, "d/two") == explain(scene.state, "d/two")[:1]
    scene.succeed("a", run="d/one")
    assert stuck(scene.state, "d/one") == stuck(scene.state, "d/nope") == []


# ---------------------------------------------------------------- runs


def test_a_running_run_says_how_far_it_is_and_what_its_tasks_wait_for() -> None:
    scene = at_work(task("a"), task("b"), task("c", "a b"))
    scene.succeed("a")
    assert explain(scene.state, "d/r") == [
        f"Run d/r is running since {NOW}: 1 of 3 tasks have ended, 1 task instance under way",
        "Task 'b' is queued, try 1 of 1: is ready, and waits for a worker with a free slot",
        "Task 'c' waits for 'b' (queued) under rule all_success; so far: 'a' (success)",
    ]


def test_a_queued_run_names_the_runs_that_are_before_it() -> None:
    scene = Scene(dag(task("a"), max_active_runs=2))
    for run in ("one", "two", "three", "four"):
        scene.trigger(run)
    waits = "waits for max_active_runs: 2 of 2 runs under way: d/one, d/two"
    assert explain(scene.state, "d/three") == [
        f"Run d/three is queued: {waits}",
        "Task 'a' waits for its run to start",
    ]
    assert (
        explain(scene.state, "d/four")[0]
        == f"Run d/four is queued: {waits}; 1 queued run before it"
    )


def test_a_failed_run_says_why_and_what_it_still_waits_for() -> None:
    scene = at_work(task("a", callbacks=("failure",)), task("b", "a"))
    scene.fail("a", reason="disk full")
    assert explain(scene.state, "d/r") == [
        f"Run d/r is failed since {NOW}: failed: 'a': disk full; "
        "its callbacks are not over: ~failure:a/-1/1",
        "Task 'a' is failed, try 1 of 1: disk full",
        "Task 'b' is upstream_failed because of 'a' (failed) under rule all_success",
    ]


def test_a_run_that_succeeded_has_little_to_explain() -> None:
    scene = at_work(task("a"))
    scene.succeed("a")
    assert explain(scene.state, "d/r") == [f"Run d/r is success since {NOW}"]
    assert why(scene, "a") == "Task 'a' is success, with try 1 of 1"


def test_a_deadlock_says_so() -> None:
    scene = at_work(task("a"), task("b", "a"))
    scene.run().record("b").open_upstreams += 1
    scene.checked = False
    scene.succeed("a")
    reason = "deadlock: nothing is under way, and these can never start: b"
    assert explain(scene.state, "d/r") == [
        f"Run d/r is failed since {NOW}: {reason}",
        f"Task 'b' is skipped: {reason}",
    ]


def test_a_quarantined_run_names_the_fact_that_did_it() -> None:
    scene = at_work(task("a"), task("b", "a"))
    scene.say(TimerDue(what="doomsday", due=1, run="d/r"))
    error = "LookupError: unknown timer 'doomsday'"
    assert explain(scene.state, "d/r")[0] == f"Run d/r is quarantined since {NOW}: 1-4.0: {error}"
    assert why(scene, "b") == "Task 'b' never started: the run is quarantined"


def test_a_trigger_that_could_not_be_taken_is_explained_too() -> None:
    scene = Scene()
    scene.say(RunTriggered(dag_id="d", run_id="r", version="v"))
    [sentence] = explain(scene.state, "d/r")
    assert sentence.startswith("Run d/r is quarantined before it began: 1-2.0: LookupError")


def test_what_is_not_there_is_refused_with_a_sentence() -> None:
    scene = at_work(task("a", over=2), task("b"))
    with pytest.raises(
        NothingToExplainError, match=r"run d/x is not under way.*penstock story d/x"
    ):
        explain(scene.state, "d/x")
    with pytest.raises(NothingToExplainError, match=r"has no task 'c' \(it has a, b\)"):
        explain(scene.state, "d/r", "c")
    with pytest.raises(NothingToExplainError, match=r"task 'a' of run d/r has no index 2"):
        explain(scene.state, "d/r", "a", index=2)


# ---------------------------------------------------------------- tasks


def test_a_queued_task_says_what_the_dispatcher_says() -> None:
    scene = at_work(task("a", pool="gpu"))
    asked = []

    def dispatcher(run: str, task: str, index: int) -> str:
        asked.append((run, task, index))
        return "waits for pool 'gpu': 2 of 2 slots held"

    [sentence] = explain(scene.state, "d/r", "a", why_queued=dispatcher)
    assert sentence == "Task 'a' is queued, try 1 of 1: waits for pool 'gpu': 2 of 2 slots held"
    assert asked == [("d/r", "a", -1)]


def test_a_running_task_says_where_and_since_when() -> None:
    scene = at_work(task("a"))
    scene.interrupt("a")
    scene.start("a")
    assert why(scene, "a") == (
        f"Task 'a' is running, try 1 of 1, on worker w since {NOW}; "
        "lost 1 time by the infrastructure, 3 allowed"
    )


def test_a_task_that_waits_for_its_retry_says_until_when() -> None:
    scene = at_work(task("a", retries=2, retry_delay=60.0))
    scene.fail("a")
    assert why(scene, "a") == (
        "Task 'a' is up_for_retry: try 1 failed, try 2 of 3 is due at 1970-01-01T00:17:40Z"
    )


def test_a_failure_without_a_reason_says_no_more_than_it_knows() -> None:
    scene = at_work(task("a"))
    scene.fail("a", reason="")
    assert why(scene, "a") == "Task 'a' is failed, try 1 of 1"


def test_upstream_failed_goes_back_to_where_it_began() -> None:
    scene = at_work(task("a"), task("b", "a"), task("c", "b"), task("d", "b c"))
    scene.fail("a")
    assert why(scene, "d") == (
        "Task 'd' is upstream_failed because of 'b' (upstream_failed), 'c' (upstream_failed) "
        "under rule all_success; it began with 'a' (failed)"
    )


def test_a_skip_says_whose_it_was() -> None:
    scene = at_work(task("a"), task("b", "a"), task("c", "a", rule="one_failed"))
    scene.skip("a")
    assert why(scene, "a") == "Task 'a' is skipped: not today"
    assert why(scene, "b") == "Task 'b' is skipped because of 'a' (skipped) under rule all_success"
    assert why(scene, "c") == "Task 'c' is skipped because of 'a' (skipped) under rule one_failed"


def test_a_skip_without_a_reason_was_the_tasks_own() -> None:
    scene = at_work(task("a"))
    scene.run().record("a").reason = ""
    scene.skip("a")
    scene.run().record("a").reason = ""
    assert why(scene, "a") == "Task 'a' is skipped: it said so itself, try 1 of 1"


def test_a_task_that_never_started_because_its_mapping_is_empty_says_so() -> None:
    scene = at_work(task("a", over=0), task("b"))
    assert why(scene, "a") == "Task 'a' is skipped: mapped over nothing"


def test_a_mapping_over_a_failed_task_says_so() -> None:
    scene = at_work(task("a"), task("b", "a", over="a", rule="all_done"))
    scene.fail("a")
    reason = "'a', which it is mapped over, is failed"
    assert why(scene, "b") == f"Task 'b' is upstream_failed: {reason}"


def test_a_mapped_task_that_waits_names_what_it_is_mapped_over() -> None:
    scene = at_work(task("q"), task("a"), task("b", "q a", over="a", rule="one_success"))
    scene.succeed("q")
    assert why(scene, "b") == (
        "Task 'b' waits for 'a' (queued) under rule one_success; so far: 'q' (success); "
        "it is mapped over 'a'"
    )


def test_a_mapped_task_is_counted_and_its_first_of_each_state_explained() -> None:
    scene = at_work(task("a", over=5), task("b", "a", rule="all_done"))
    scene.succeed("a", 0)
    scene.fail("a", 3)
    scene.start("a", 1)
    assert explain(scene.state, "d/r", "a") == [
        "Task 'a' has 5 instances: 2 queued, 1 running, 1 success, 1 failed",
        "Task 'a'[2] is queued, try 1 of 1: is ready, and waits for a worker with a free slot"
        "; and 1 more",
        f"Task 'a'[1] is running, try 1 of 1, on worker w since {NOW}",
        "Task 'a'[3] is failed, try 1 of 1; the first reason told of this task: it broke",
    ]
    assert why(scene, "b") == (
        "Task 'b' waits for 'a' (1 success, 1 failed of 5) under rule all_done"
    )
    assert explain(scene.state, "d/r", "a", index=0) == ["Task 'a'[0] is success, with try 1 of 1"]


def test_a_long_list_is_cut_and_a_strange_clock_is_no_error() -> None:
    above = [f"t{n}" for n in range(8)]
    scene = at_work(*map(task, above), task("end", " ".join(above)))
    assert "'t4' (queued) and 3 more under rule" in why(scene, "end")
    scene.now = 2**63
    scene.start("t0")
    assert "since an unknown moment" in why(scene, "t0")


@given(scene=stories("d", nonsense=True))
def test_every_state_that_a_story_leads_to_can_be_explained(scene: Scene) -> None:
    for key, run in scene.state.runs.items():
        first, *rest = explain(scene.state, key)
        assert first.startswith(f"Run {key} is {run.state}")
        told = {line.split("'")[1] for line in rest}
        assert told == {
            record.step.task.task_id for record in run.tasks if set(record.states) != {SUCCESS}
        }
