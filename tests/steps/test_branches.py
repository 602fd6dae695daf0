"""Branches and short circuits: which tasks are left out, by what was chosen."""

from __future__ import annotations

from typing import Any

import pytest
from authoring.world import World, run_one

from penstock import DAG, BaseOperator, EmptyOperator, TaskGroup, task
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import AirflowException, AirflowSkipException
from penstock.steps.branch import BaseBranchOperator, SkipMixin
from penstock.steps.python import BranchPythonOperator, ShortCircuitOperator


def empty(task_id: str, **more: Any) -> EmptyOperator:
    return EmptyOperator(task_id=task_id, **more)


def chosen(choice: Any) -> World:
    """A branch over a, b and join, where a leads to join too, and c hangs on b."""
    with DAG("branches") as dag:
        branch = BranchPythonOperator(task_id="branch", python_callable=lambda: choice)
        a, b, join = empty("a"), empty("b"), empty("join")
        branch >> [a, b, join]
        a >> join
        b >> empty("c")
        with TaskGroup("group"):
            first = empty("first")
            first >> empty("second")
        branch >> first
        empty("elsewhere")
    return run_one(dag, "branch")


@pytest.mark.parametrize(
    ("choice", "skipped"),
    [
        ("a", ["b", "group.first"]),  # join is below a as well, so it goes on
        ("b", ["a", "group.first", "join"]),
        (["a", "b"], ["group.first"]),
        (("a", "b", "group"), []),
        ("group", ["a", "b", "join"]),
        (None, ["a", "b", "group.first", "join"]),
        ([], ["a", "b", "group.first", "join"]),
        ("elsewhere", ["a", "b", "group.first", "join"]),
        ((name for name in ("b",)), ["a", "group.first", "join"]),
    ],
)
def test_what_was_not_chosen_is_left_out(choice: Any, skipped: list[str]) -> None:
    world = chosen(choice)
    assert world.left_out == skipped
    followed = world.value("branch", key="skipmixin_key")["followed"]
    assert sorted([*followed, *skipped]) == ["a", "b", "group.first", "join"]
    # As in Airflow: what leaves tasks out has no result.
    assert world.has("branch") is (not skipped)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("d", r"chose 'd', which DAG 'branches' has no task or task group of. Below.*'a', 'b'"),
        (["a", "group.third"], "'group.third'"),
        ([1], "chose 1,"),
        (7, "it must choose a task id"),
    ],
)
def test_a_choice_that_is_no_task_fails(choice: Any, words: str) -> None:
    with pytest.raises(AirflowException, match=words):
        chosen(choice)


def test_the_branch_of_a_mapped_task_leaves_nothing_out() -> None:
    """What is below is there once, for all instances."""

    @task.branch
    def choose(way: str) -> str:
        return way

    with DAG("mapped") as dag:
        choose.expand(way=["a", "b"]) >> [empty("a"), empty("b")]
    assert run_one(dag, "choose", 0).left_out == []


def test_a_branch_with_nothing_below_it_returns_its_choice() -> None:
    with DAG("alone") as dag:
        BranchPythonOperator(task_id="branch", python_callable=lambda: ["branch"])
    world = run_one(dag, "branch")
    assert (world.left_out, world.value("branch")) == ([], ["branch"])


def test_a_branch_of_ones_own() -> None:
    class ByParam(BaseBranchOperator):
        def choose_branch(self, context: Any) -> str:
            return context["params"]["way"]

    with DAG("own", params={"way": "right"}) as dag:
        ByParam(task_id="choose") >> [empty("left"), empty("right")]
    assert run_one(dag, "choose").left_out == ["left"]


def test_task_branch_takes_arguments_and_may_be_async() -> None:
    @task.branch
    async def choose(way: str) -> str:
        return way

    with DAG("async_branch") as dag:
        choose("right") >> [empty("left"), empty("right")]
    assert dag.get_task("choose").operator_name == "@task.branch"
    assert run_one(dag, "choose").left_out == ["left"]


def short_circuit(condition: Any, **more: Any) -> World:
    with DAG("short") as dag:
        stop = ShortCircuitOperator(task_id="stop", python_callable=lambda: condition, **more)
        clean = empty("clean").as_teardown()
        stop >> empty("a") >> empty("b") >> clean
        stop >> clean
    return run_one(dag, "stop")


def test_a_condition_that_fails_leaves_out_all_below_but_teardowns() -> None:
    world = short_circuit([])
    assert world.left_out == ["a", "b"]
    assert world.value("stop", key="skipmixin_key") == {"skipped": ["a", "b"]}
    assert not world.has("stop")


def test_or_only_what_is_right_below() -> None:
    assert short_circuit(False, ignore_downstream_trigger_rules=False).left_out == ["a"]


def test_a_condition_that_holds_goes_on_and_is_the_result() -> None:
    world = short_circuit("yes")
    assert (world.left_out, world.value("stop")) == ([], "yes")


def test_task_short_circuit() -> None:
    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def fresh(rows: int) -> bool:
        return rows > 0

    with DAG("shorts") as dag:
        fresh(0) >> empty("a") >> empty("b")
    assert run_one(dag, "fresh").left_out == ["a"]


def test_an_operator_of_ones_own_may_leave_tasks_out() -> None:
    class Careful(BaseOperator, SkipMixin):
        def execute(self, context: Any) -> None:
            self.skip(context["ti"], self.downstream_list)

    with DAG("careful") as dag:
        Careful(task_id="look") >> empty("leap")
    assert run_one(dag, "look").left_out == ["leap"]


def test_a_task_runs_only_if() -> None:
    @task.run_if(lambda context: context["params"]["deploy"], "not now")
    @task.skip_if(lambda context: (context["params"]["frozen"], "frozen"))
    @task
    def deploy() -> str:
        return "done"

    with DAG("conditions", params={"deploy": True, "frozen": False}) as dag:
        deploy()
    assert run_one(dag, "deploy").value("deploy") == "done"
    with pytest.raises(AirflowSkipException, match=r"^frozen$"):
        run_one(dag, "deploy", conf={"frozen": True, "deploy": False})
    with pytest.raises(AirflowSkipException, match=r"^not now$"):
        run_one(dag, "deploy", conf={"deploy": False})


def test_run_if_needs_a_task() -> None:
    with pytest.raises(InvalidArgumentError, match=r"stands above @task"):

        @task.run_if(lambda context: True)
        def bare() -> None: ...
