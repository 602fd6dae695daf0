"""A task may wait for itself in the run before: `depends_on_past`, `wait_for_downstream`.

Runs are named for their logical dates: `run 3` stands for the third day.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.scene import SECOND, Scene, dag, succeeded, task
from lifecycle.stories import finish, stories
from lifecycle.test_left_out import choose
from lifecycle.test_size import calls, entry
from penstock.authoring.serialized import SerializedSchedule, SerializedTask
from penstock.events.types import TimerDue
from penstock.lifecycle import past
from penstock.lifecycle.advance import advance
from penstock.lifecycle.explain import explain, stuck
from penstock.lifecycle.invariants import InvariantError, check
from penstock.lifecycle.past import KEPT
from penstock.lifecycle.states import RUN_ENDS, RUN_RUNNING

CATCHUP = SerializedSchedule(kind="cron", cron="@daily", catchup=True)


def load(upstream: str = "", **options: Any) -> SerializedTask:
    return task("load", upstream, depends_on_past=True, **options)


def loads(*tasks: SerializedTask, **options: Any) -> Scene:
    return Scene(dag(*(tasks or (load(),)), **options))


def run(scene: Scene, *days: int, run_type: str = "manual") -> None:
    for day in days:
        scene.trigger(str(day), run_type=run_type, logical_date=day * SECOND)


def states(scene: Scene, *days: int, task: str = "load") -> list[str]:
    return [scene.states(f"d/{day}")[task] for day in days]


def why(scene: Scene, day: int, task: str = "load") -> str:
    [sentence] = explain(scene.state, f"d/{day}", task)
    return sentence


# ---------------------------------------------------------------- the run before


def test_a_task_waits_until_it_has_ended_well_in_the_run_before() -> None:
    scene = loads()
    run(scene, 1, 2, 3)
    assert states(scene, 1, 2, 3) == ["queued", "none", "none"]
    scene.succeed("load", run="d/1")
    assert states(scene, 1, 2, 3) == ["success", "queued", "none"]
    scene.skip("load", run="d/2")
    assert states(scene, 1, 2, 3) == ["success", "skipped", "queued"]


def test_the_other_tasks_of_a_run_do_not_wait() -> None:
    scene = loads(task("read"), load("read"), task("mail", "load"))
    run(scene, 1, 2)
    scene.succeed("read", run="d/2")
    assert scene.states("d/2") == {"read": "success", "load": "none", "mail": "none"}
    scene.succeed("read", run="d/1")
    scene.succeed("load", run="d/1")
    assert states(scene, 2) == ["queued"]


def test_a_past_that_failed_is_waited_for_and_is_no_deadlock() -> None:
    scene = loads()
    run(scene, 1, 2)
    scene.fail("load", run="d/1")
    assert scene.run("d/1").state == "failed"
    assert states(scene, 2) == ["none"]
    assert scene.run("d/2").state == "running"
    sentence = "waits for its own success in run d/1 (depends_on_past): it is failed there"
    assert why(scene, 2) == f"Task 'load' {sentence}"
    assert stuck(scene.state, "d/2") == [why(scene, 2)]
    run(scene, 3)
    assert why(scene, 3).endswith("in run d/2 (depends_on_past): it is none there")


def test_a_retry_in_the_run_before_is_waited_for() -> None:
    scene = loads(load(retries=1))
    run(scene, 1, 2)
    scene.fail("load", run="d/1")
    assert why(scene, 2).endswith("it is up_for_retry there")
    scene.ring()
    scene.succeed("load", run="d/1")
    assert states(scene, 2) == ["queued"]


def test_a_run_that_has_ended_is_asked_all_the_same() -> None:
    scene = loads()
    run(scene, 1)
    scene.fail("load", run="d/1")
    del scene.state.runs["d/1"]  # it has left the memory
    run(scene, 2)
    assert states(scene, 2) == ["none"]
    scene.cancel("d/2")
    run(scene, 3)
    assert states(scene, 3) == ["queued"], "cancelled before it began, it was skipped"


def test_runs_may_come_in_any_order() -> None:
    scene = loads()
    run(scene, 9, 5)
    assert states(scene, 9, 5) == ["queued", "queued"], "9 had none before it when it began"
    run(scene, 8)
    assert states(scene, 8) == ["none"]
    run(scene, 6)
    scene.succeed("load", run="d/5")
    assert states(scene, 6, 8) == ["queued", "none"], "6 came between 5 and 8"
    scene.succeed("load", run="d/6")
    assert states(scene, 8) == ["queued"]


def test_a_run_without_a_logical_date_has_no_run_before_and_is_none() -> None:
    scene = loads()
    scene.trigger("a")
    scene.trigger("b")
    run(scene, 1)
    assert [scene.states(key)["load"] for key in ("d/a", "d/b", "d/1")] == ["queued"] * 3
    scene.fail("load", run="d/a")
    run(scene, 2)
    assert states(scene, 2) == ["none"]


def test_two_runs_of_one_date_do_not_wait_for_each_other() -> None:
    scene = loads()
    run(scene, 1)
    scene.trigger("1_2", logical_date=1 * SECOND)
    assert scene.states("d/1_2") == {"load": "queued"}


def test_where_the_dag_catches_up_only_runs_of_the_schedule_count() -> None:
    scene = loads(schedule=CATCHUP)
    run(scene, 1, run_type="scheduled")
    run(scene, 2, 3)
    run(scene, 4, 5, run_type="scheduled")
    assert states(scene, 1, 2, 3, 4, 5) == ["queued", "none", "none", "none", "none"]
    scene.succeed("load", run="d/1")
    assert states(scene, 1, 2, 3, 4, 5) == ["success", "queued", "queued", "queued", "none"]
    scene.fail("load", run="d/3")
    scene.succeed("load", run="d/4")
    assert states(scene, 5) == ["queued"]


def test_a_queued_run_is_waited_for_as_well() -> None:
    scene = loads(max_active_runs=1)
    run(scene, 2, 1)
    assert states(scene, 2, 1) == ["queued", "none"]
    scene.succeed("load", run="d/2")
    assert states(scene, 1) == ["queued"]


# ---------------------------------------------------------------- versions


def test_a_task_that_is_new_has_no_past() -> None:
    scene = loads(task("other"), load())
    scene.register(dag(task("other")))
    run(scene, 1)
    scene.register(dag(task("other"), load()))
    run(scene, 2)
    assert states(scene, 2) == ["queued"]


def test_unless_the_first_may_not_be_ignored() -> None:
    scene = Scene(dag(task("other")))
    run(scene, 1)
    scene.register(dag(load(ignore_first_depends_on_past=False)))
    run(scene, 2)
    assert states(scene, 2) == ["none"]
    scene.succeed("other", run="d/1")
    says = "Task 'load' waits (depends_on_past): run d/1, the one before, has no such task"
    assert why(scene, 2) == says


def test_a_run_in_between_that_has_no_such_task_lets_the_next_go() -> None:
    scene = loads()
    run(scene, 1, 9)
    assert states(scene, 9) == ["none"]
    scene.register(dag(task("other")))
    run(scene, 5)
    assert states(scene, 9) == ["queued"]


def test_what_an_author_made_wait_only_now_waits_for_the_runs_that_live() -> None:
    scene = Scene(dag(task("load")))
    run(scene, 1, 2)
    scene.fail("load", run="d/1")
    scene.register(dag(load()))
    run(scene, 3)
    assert states(scene, 3) == ["none"]
    scene.fail("load", run="d/2")
    assert states(scene, 3) == ["none"]


def test_the_run_after_may_have_other_tasks() -> None:
    scene = loads(load(), task("more", depends_on_past=True))
    run(scene, 1)
    scene.register(dag(load()))
    run(scene, 2)
    scene.succeed("more", run="d/1")
    assert states(scene, 2) == ["none"]


# ---------------------------------------------------------------- what hangs on it


def waiting_for_all() -> Scene:
    scene = loads(
        load(wait_for_downstream=True), task("mail", "load"), task("far", "mail"), task("beside")
    )
    run(scene, 1, 2)
    scene.succeed("load", run="d/1")
    return scene


def test_wait_for_downstream_waits_for_what_hangs_on_the_task_directly() -> None:
    scene = waiting_for_all()
    assert states(scene, 2) == ["none"]
    says = "waits for the success of 'mail' below it in run d/1 (wait_for_downstream): it is queued"
    assert why(scene, 2) == f"Task 'load' {says} there"
    scene.succeed("mail", run="d/1")
    assert states(scene, 2) == ["queued"]


def test_and_a_failure_there_holds_it() -> None:
    scene = waiting_for_all()
    scene.fail("mail", run="d/1")
    scene.succeed("beside", run="d/1")
    assert states(scene, 2) == ["none"]
    assert why(scene, 2).endswith("it is failed there")


# ---------------------------------------------------------------- rules, mapping, branches


def test_what_its_rule_fails_or_skips_does_not_wait() -> None:
    scene = loads(task("read"), load("read"))
    run(scene, 1, 2, 3)
    scene.fail("read", run="d/2")
    scene.skip("read", run="d/3")
    assert states(scene, 2, 3) == ["upstream_failed", "skipped"]


def test_but_a_skip_waits_for_the_past_where_it_is_asked_to() -> None:
    scene = loads(task("read"), load("read", wait_for_past_depends_before_skipping=True))
    run(scene, 1, 2)
    scene.skip("read", run="d/2")
    assert states(scene, 2) == ["none"]
    assert scene.run("d/2").state == "running"
    scene.succeed("read", run="d/1")
    scene.succeed("load", run="d/1")
    assert states(scene, 2) == ["skipped"]
    assert scene.run("d/2").state == "success"


def test_all_instances_of_a_mapped_task_are_waited_for() -> None:
    scene = loads(load(over=2))
    run(scene, 1, 2)
    scene.succeed("load", 0, run="d/1")
    assert states(scene, 2) == ["none"]
    assert why(scene, 2).endswith("it is not over there")
    scene.succeed("load", 1, run="d/1")
    assert scene.states("d/2") == {"load[0]": "queued", "load[1]": "queued"}


def test_an_empty_task_waits_too_and_a_chain_of_runs_is_one_turn() -> None:
    scene = loads(task("read"), load("read", is_empty=True))
    run(scene, 1, 2, 3)
    scene.succeed("read", run="d/3")
    scene.succeed("read", run="d/2")
    assert states(scene, 1, 2, 3) == ["none", "none", "none"]
    scene.succeed("read", run="d/1")
    assert states(scene, 1, 2, 3) == ["success", "success", "success"]


def test_a_branch_leaves_out_what_the_past_holds() -> None:
    scene = loads(task("branch"), load())
    run(scene, 1, 2)
    attempt = scene.current("branch", run="d/1")
    del scene.held[attempt]
    choose_in(scene, 2)
    assert states(scene, 1, 2) == ["queued", "skipped"]
    assert scene.run("d/2").state == "success"


def choose_in(scene: Scene, day: int) -> None:
    pop = scene.pop
    scene.pop = lambda task: pop(task, run=f"d/{day}")  # type: ignore[method-assign]
    choose(scene, "branch", "load")
    scene.pop = pop  # type: ignore[method-assign]


# ---------------------------------------------------------------- how runs end


def test_who_is_cancelled_lets_the_next_go_if_it_was_skipped() -> None:
    scene = loads()
    run(scene, 1, 2, 3, 4)
    scene.fail("load", run="d/1")
    scene.cancel("d/2")
    assert states(scene, 2, 3, 4) == ["skipped", "queued", "none"]
    scene.start("load", run="d/3")
    scene.cancel("d/3")
    assert states(scene, 3, 4) == ["failed", "none"]


def test_a_runs_timeout_ends_a_wait_for_the_past() -> None:
    scene = loads(dagrun_timeout=60.0)
    run(scene, 1)
    scene.fail("load", run="d/1")
    scene.now += SECOND
    run(scene, 2)
    scene.timers = [timer for timer in scene.timers if timer.run == "d/2"]
    scene.ring("run_timeout")
    assert scene.run("d/2").state == "failed"
    assert states(scene, 2) == ["skipped"]


def test_fail_fast_ends_a_wait_for_the_past() -> None:
    scene = loads(load(), task("other"), fail_fast=True)
    run(scene, 1, 2)
    scene.fail("other", run="d/2")
    assert states(scene, 2) == ["skipped"]
    assert scene.run("d/2").state == "failed"


def test_a_quarantined_run_holds_the_next() -> None:
    scene = loads()
    run(scene, 1, 2)
    scene.say(TimerDue(what="doomsday", due=1, run="d/1"))
    assert scene.run("d/1").state == "quarantined"
    assert states(scene, 2) == ["none"]


# ---------------------------------------------------------------- what is kept, what it costs


def test_so_many_ended_runs_are_kept_and_those_that_are_asked() -> None:
    scene = loads()
    run(scene, 0)
    scene.fail("load", run="d/0")
    run(scene, 1)  # waits for run 0, and so keeps it
    for day in range(2, KEPT + 10):
        run(scene, day, run_type="scheduled")
        scene.cancel(f"d/{day}")
    kept = scene.state.dags["d"].past.ended
    assert len(kept) == KEPT
    assert "d/0" in kept
    assert "d/2" not in kept
    assert why(scene, 1).endswith("in run d/0 (depends_on_past): it is failed there")


def test_all_of_them_are_kept_while_each_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "KEPT", 1)
    scene = loads()
    run(scene, 1, 2, 3, 4, 5, 6)
    for day in (1, 3, 5):
        scene.cancel(f"d/{day}")
    assert scene.state.dags["d"].past.ended.keys() == {"d/1", "d/3", "d/5"}


def test_a_dag_that_does_not_ask_keeps_nothing() -> None:
    scene = Scene(dag(task("load")))
    run(scene, 1, 2)
    scene.fail("load", run="d/1")
    assert scene.state.dags["d"].past is None


def test_an_end_costs_the_same_however_many_runs_wait() -> None:
    def one_end(runs: int) -> int:
        scene = Scene(dag(load(), max_active_runs=runs), checked=False)
        run(scene, *range(runs))
        attempt, delivery = scene.pop("load", run="d/0")
        end = entry(scene.state, succeeded(attempt, delivery, scene.now))
        return calls(lambda: advance(scene.state, end))

    one_end(10)
    assert one_end(300) == one_end(10)


# ---------------------------------------------------------------- laws

CHAINED = stories(chained=True, steps=60)


@settings(max_examples=50)
@given(scene=CHAINED)
def test_a_run_that_does_not_end_is_held_by_the_past_and_nothing_else(scene: Scene) -> None:
    finish(scene)
    for one in scene.state.runs.values():
        if one.state == RUN_RUNNING:
            assert one.held
            assert all("depends_on_past" in line or "wait_for" in line
                       for line in stuck(scene.state, one.key))  # fmt: skip


@settings(max_examples=50)
@given(scene=CHAINED, backwards=st.booleans())
def test_who_cancels_the_oldest_that_waits_brings_all_to_an_end(
    scene: Scene, backwards: bool
) -> None:
    for _ in range(10):
        finish(scene)
        left = [one.key for one in scene.state.runs.values() if one.state not in RUN_ENDS]
        if not left:
            return
        scene.cancel(left[-1] if backwards else left[0])
    raise AssertionError(f"these do not end: {left}")


def test_a_wrong_order_of_runs_is_found() -> None:
    scene = loads()
    run(scene, 1, 2)
    scene.state.dags["d"].past.dated.reverse()
    with pytest.raises(InvariantError, match="dated runs"):
        check(scene.state)


def test_a_task_that_is_held_and_forgotten_is_found() -> None:
    scene = loads()
    run(scene, 1, 2)
    scene.run("d/2").held.clear()
    with pytest.raises(InvariantError, match="stuck"):
        check(scene.state)
