"""@task: functions become tasks, their calls a DAG, their results travel."""

from __future__ import annotations

from typing import Any

import pytest

from authoring.world import run_dag, run_one
from penstock import DAG, BashOperator, Param, XComArg, dag, get_current_context, task
from penstock.authoring.errors import InvalidArgumentError, UnknownArgumentError, UnsupportedError
from penstock.authoring.exceptions import AirflowException, XComNotFound
from penstock.authoring.serialize import serialize


@task
def one() -> int:
    return 1


@task
def add(x: int, y: int = 10) -> int:
    return x + y


def test_a_result_given_to_another_task_is_a_dependency_and_a_value() -> None:
    with DAG("sums") as sums:
        add(add(one()), y=100)
    assert [t.task_id for t in serialize(sums).tasks] == ["one", "add", "add__1"]
    world = run_dag(sums)
    assert world.value("add__1") == 111


def test_results_are_found_deep_inside_of_arguments() -> None:
    @task
    def total(parts: list[Any]) -> int:
        return parts[0]["a"] + parts[1][0]

    with DAG("deep") as deep:
        total([{"a": one()}, (add(5),)])
    assert set(deep.get_task("total").upstream_task_ids) == {"one", "add"}
    assert run_dag(deep).value("total") == 16


def test_a_function_gets_the_context_entries_that_it_names() -> None:
    @task
    def told(word: str, ti: Any = None, run_id: Any = None, **context: Any) -> list[Any]:
        return [word, ti.task_id, run_id, context["dag"].dag_id]

    @task
    def bare(ti: Any, params: Any) -> str:
        return ti.task_id + params["who"]

    with DAG("context", params={"who": "!"}) as made:
        told("hello")
        bare()
    world = run_dag(made)
    assert world.value("told") == ["hello", "told", "test", "context"]
    assert world.value("bare") == "bare!"


def test_a_context_name_given_by_position_is_a_value_error() -> None:
    @task
    def f(ds: str) -> str:
        return ds

    with DAG("positions") as made:
        f("2020-01-01")
    from datetime import UTC, datetime

    with pytest.raises(ValueError, match="'ds'"):
        run_one(made, "f", logical_date=datetime(2025, 1, 1, tzinfo=UTC))


def test_a_context_name_given_by_name_wins() -> None:
    @task
    def f(run_id: str) -> str:
        return run_id

    with DAG("names") as made:
        f(run_id="mine")
    assert run_dag(made).value("f") == "mine"


def test_a_context_name_has_no_default_but_none() -> None:
    with pytest.raises(InvalidArgumentError, match=r"'ds'.*default can only be None"):

        @task
        def f(ds: str = "2020-01-01") -> None: ...


def test_passed_arguments_are_templates_and_defaults_are_not() -> None:
    @task
    def f(a: str, b: str = "{{ run_id }}") -> list[str]:
        return [a, b]

    with DAG("templates") as made:
        f("{{ run_id }}")
    assert run_dag(made).value("f") == ["test", "{{ run_id }}"]


def test_override_makes_another_of_the_same() -> None:
    with DAG("others") as made:
        one.override(task_id="uno", retries=3, pool="gpu")()
        one()
    tasks = {t.task_id: t for t in serialize(made).tasks}
    assert (tasks["uno"].retries, tasks["uno"].pool) == (3, "gpu")
    assert tasks["one"].retries == 0


def test_decorator_arguments_are_those_of_operators() -> None:
    @task(task_id="named", retries=2, multiple_outputs=False)
    def f() -> dict[str, int]:
        return {"a": 1}

    with DAG("arguments") as made:
        f()
    (only,) = serialize(made).tasks
    assert (only.task_id, only.retries, only.operator) == ("named", 2, "@task")


def test_a_function_that_says_it_returns_a_dict_has_several_outputs() -> None:
    @task
    def split() -> dict[str, int]:
        return {"left": 1, "right": 2}

    with DAG("outputs") as made:
        parts = split()
        add(parts["left"], parts["right"])
    world = run_dag(made)
    assert world.value("add") == 3
    assert world.value("split", key="left") == 1
    assert world.value("split") == {"left": 1, "right": 2}


def test_an_entry_that_was_never_pushed_fails_the_task_that_wants_it() -> None:
    @task
    def whole():
        return {"left": 1}

    with DAG("entries") as made:
        add(whole()["left"])
    error = run_dag(made).errors[("add", -1)]
    assert isinstance(error, XComNotFound)
    assert "multiple_outputs" in str(error)


@pytest.mark.parametrize(("returned", "words"), [([1], "must return a dict"), ({1: 2}, "texts")])
def test_several_outputs_are_a_dict_with_texts_as_keys(returned: Any, words: str) -> None:
    @task(multiple_outputs=True)
    def f():
        return returned

    with DAG("wrong_outputs") as made:
        f()
    with pytest.raises(TypeError, match=words):
        run_one(made, "f")


def test_async_functions_are_tasks_too() -> None:
    @task
    async def fetch(x: int, ti: Any = None) -> str:
        assert get_current_context()["ti"] is ti
        return f"{ti.task_id}{x}"

    with DAG("coroutines") as made:
        fetch(7)
    assert serialize(made).tasks[0].is_async
    assert run_dag(made).value("fetch") == "fetch7"


def test_the_context_is_there_while_a_task_runs_and_only_then() -> None:
    @task
    def f() -> str:
        return get_current_context()["ti"].task_id

    with DAG("contexts") as made:
        f()
    assert run_dag(made).value("f") == "f"
    with pytest.raises(AirflowException, match="no task runs here"):
        get_current_context()


def test_a_wrong_call_is_refused_while_the_file_is_read() -> None:
    with DAG("calls"):
        with pytest.raises(UnknownArgumentError, match=r"test_taskflow.py:\d+: add\(\).*'z'"):
            add(1, z=2)
        with pytest.raises(InvalidArgumentError, match="missing a required argument: 'x'"):
            add()
        with pytest.raises(InvalidArgumentError, match="too many positional"):
            add(1, 2, 3)


def test_a_result_cannot_be_looped_over_or_counted_through() -> None:
    with DAG("loops"):
        result = one()
        with pytest.raises(TypeError, match="expand"):
            list(result)
        with pytest.raises(ValueError, match="by its name"):
            result[0]


def test_a_result_in_a_text_is_a_template() -> None:
    with DAG("texts") as made:
        said = BashOperator(task_id="say", bash_command=f"echo got {one()}")
        assert isinstance(said.output, XComArg)
        made.get_task("one") >> said
    assert run_dag(made).value("say") == "got 1"


def test_kinds_of_task_that_are_not_here_say_so() -> None:
    with pytest.raises(UnsupportedError, match=r"@task.docker comes with the provider docker"):
        task.docker  # noqa: B018
    with pytest.raises(AttributeError, match=r"no kind 'brunch'; there are .*branch"):
        task.brunch  # noqa: B018


def test_templates_dict_is_rendered_and_given() -> None:
    @task(templates_dict={"run": "{{ run_id }}"})
    def f(templates_dict: Any = None) -> str:
        return templates_dict["run"]

    with DAG("templates_dict") as made:
        f()
    assert run_dag(made).value("f") == "test"


def test_a_dag_function_makes_a_dag_and_its_parameters_are_params() -> None:
    @dag(schedule=None, tags=["x"])
    def nightly(limit: int = 5, name: str = "n"):
        """What it does."""

        @task
        def f(limit: int, name: str) -> list[Any]:
            return [limit, name]

        f(limit, name)

    made = nightly(limit=6)
    assert (made.dag_id, made.doc_md, made.params["limit"]) == ("nightly", "What it does.", 6)
    assert run_dag(made).value("f") == [6, "n"]
    assert run_dag(made, conf={"limit": 7}).value("f") == [7, "n"]


def test_a_dag_functions_param_default_reaches_the_task_as_a_param() -> None:
    @dag
    def d(limit: Any = Param(5, type="integer")):  # noqa: B008
        @task
        def f(limit: Any) -> str:
            return type(limit).__name__

        f(limit)

    assert run_dag(d()).value("f") == "Param"
    assert run_dag(d(), conf={"limit": 7}).value("f") == "int"


def test_a_task_function_can_be_a_task_of_two_dags() -> None:
    with DAG("first") as first:
        one()
    with DAG("second") as second:
        one()
    assert first.task_ids == second.task_ids == ["one"]


def test_default_args_fill_parameters_that_were_not_given() -> None:
    with DAG("defaults", default_args={"y": 5, "retries": 1}) as made:
        add(1)
        add.override(task_id="own", default_args={"y": 6})(2)
        add(1, 2)
        add.override(task_id="mapped").expand(x=[1, 2])
    world = run_dag(made)
    assert [world.value(name) for name in ("add", "own", "add__1")] == [6, 8, 3]
    assert world.value("mapped", 1) == 7
