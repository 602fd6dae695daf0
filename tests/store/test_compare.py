"""A field that is added to the state must be compared, and so be stored."""

from __future__ import annotations

from random import Random

from penstock.lifecycle import compare
from penstock.lifecycle.plan import Plan
from penstock.lifecycle.state import DagState, RunState, State, TaskRecord
from store.follower import folded
from store.stories import write_log


def test_every_field_of_the_state_is_compared() -> None:
    apart = {"plans", "dags", "runs"}  # compared part by part
    assert set(vars(State())) == {*compare.STATE_FIELDS, *compare.STATE_DICTS, *apart}
    run = {*compare.RUN_FIELDS, *compare.RUN_COUNTERS, "key", "plan", "tasks"}
    assert set(RunState.__slots__) == run
    task = {*compare.TASK_FIELDS, *compare.TASK_COUNTERS, "step"}
    assert set(TaskRecord.__slots__) == task
    dag = next(iter(folded(write_log(Random(1), 5)).dags.values()))
    assert isinstance(dag.plan, Plan)
    assert set(DagState.__slots__) == {*compare.dag_parts(dag), "dag_id", "plan"} - {"version"}


def test_a_difference_is_a_sentence() -> None:
    log = write_log(Random(1), 30)
    one, other = folded(log), folded(log)
    assert compare.same(one, other) == []
    other.now += 1
    other.pools["gpu"] = 2
    assert compare.same(one, other, ("SQLite", "the log")) == [
        f"the state's now is {one.now} in SQLite and {one.now + 1} in the log",
        "pools gpu is missing in SQLite and 2 in the log",
    ]
