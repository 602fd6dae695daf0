"""Setups, teardowns and groups: which arrows follow from how they are written."""

from __future__ import annotations

from typing import Any

import pytest

from penstock import DAG, EmptyOperator, TaskGroup, setup, task, task_group, teardown
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.scopes import context_wrapper


def work(task_id: str, **more: Any) -> EmptyOperator:
    return EmptyOperator(task_id=task_id, **more)


def up(task_id: str) -> Any:
    return work(task_id).as_setup()


def down(task_id: str) -> Any:
    return work(task_id).as_teardown()


def arrows(dag: DAG) -> dict[str, str]:
    return {
        task.task_id: " ".join(sorted(task.downstream_task_ids))
        for task in dag.tasks
        if task.downstream_task_ids
    }


def test_what_is_made_inside_stands_between_setup_and_teardown() -> None:
    with DAG("d") as dag, up("s") >> down("t"):
        work("a") >> work("b")
        work("c")
    assert arrows(dag) == {"s": "a c t", "a": "b", "b": "t", "c": "t"}


def test_scopes_in_scopes() -> None:
    with DAG("d") as dag, up("s") >> down("t"):
        work("a")
        with up("s2") >> down("t2"):
            work("b")
        work("after")
    assert arrows(dag) == {
        "s": "a after s2 t",
        "a": "t",
        "s2": "b t2",
        "b": "t2",
        "t2": "t",
        "after": "t",
    }


def test_one_end_is_found_by_the_other() -> None:
    with DAG("d") as dag:
        s, t, middle = up("s"), down("t"), work("m")
        s >> middle >> t
        with s:
            work("a")
        with t:
            work("b")
    assert arrows(dag) == {"s": "a b m", "m": "t", "a": "t", "b": "t"}


def test_several_setups_and_tasks_from_before() -> None:
    with DAG("d") as dag:
        early = work("early")
        with context_wrapper([up("s"), up("s2")]) as scope:
            scope.add_task(early)
        with work("t").as_teardown(setups=up("s3")):
            work("b")
    assert arrows(dag) == {"s": "early", "s2": "early", "s3": "b t", "b": "t"}


def test_taskflow_scopes() -> None:
    @setup
    def begin() -> None: ...

    @teardown
    def end() -> None: ...

    @task
    def load(x: Any) -> None: ...

    with DAG("d") as dag, begin() >> end():
        load.expand(x=[1, 2])
        load(3)
    assert arrows(dag) == {"begin": "end load load__1", "load": "end", "load__1": "end"}


def test_only_setups_and_teardowns_open_a_scope() -> None:
    with DAG("d"):
        with pytest.raises(InvalidArgumentError, match="only setups and teardowns"), work("a"):
            pass
        with pytest.raises(InvalidArgumentError, match="not by both"):
            context_wrapper([up("s"), down("t")]).__enter__()


def test_what_comes_after_a_group_does_not_wait_for_its_teardowns() -> None:
    with DAG("d") as dag:
        with TaskGroup("g") as group:
            s, t = up("s"), down("t")
            s >> work("w") >> t
            s >> t >> down("t2")
        group >> work("after")
        work("before") >> group
    assert dag.get_task("after").upstream_task_ids == {"g.w"}
    assert dag.get_task("before").downstream_task_ids == {"g.s"}


def test_an_empty_group_passes_arrows_on() -> None:
    with DAG("d") as dag:
        with TaskGroup("g") as group:
            pass
        with TaskGroup("h") as other:
            pass
        [work("a"), work("b")] >> group >> work("c")
        work("e") << other << work("d")
    assert arrows(dag) == {"a": "c", "b": "c", "d": "e"}


def test_prefixes_and_defaults_of_groups_in_groups() -> None:
    with DAG("d", default_args={"retries": 1, "owner": "dag"}) as dag:  # noqa: SIM117
        with TaskGroup("g", default_args={"retries": 2}, tooltip="tip") as outer:
            work("a")
            with TaskGroup("h", prefix_group_id=False, default_args={"owner": "h"}):
                work("b")
                with TaskGroup("i"):
                    work("c", default_args={"retries": 7})
    found = {task.task_id: (task.retries, task.owner) for task in dag.tasks}
    assert found == {"g.a": (2, "dag"), "b": (2, "h"), "i.c": (7, "h")}
    assert sorted(dag.task_group_dict) == ["g", "g.h", "i"]
    assert outer.get_child_by_label("a") is dag.get_task("g.a")
    assert [task.task_id for task in outer] == ["g.a", "b", "i.c"]
    assert (outer.tooltip, outer.ui_color) == ("tip", "CornflowerBlue")


def test_a_group_function_called_twice() -> None:
    @task
    def inc(x: int) -> int:
        return x + 1

    @task_group(default_args={"retries": 3}, tooltip="adds")
    def twice(x: Any) -> Any:
        return inc(inc(x))

    with DAG("d") as dag:
        twice(twice(1))
    assert dag.task_ids == ["twice.inc", "twice.inc__1", "twice__1.inc", "twice__1.inc__1"]
    assert dag.get_task("twice__1.inc").upstream_task_ids == {"twice.inc__1"}
    assert dag.get_task("twice.inc").retries == 3
