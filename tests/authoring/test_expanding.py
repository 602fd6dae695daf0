"""Dynamic mapping: one task in the file, many in the run."""

from __future__ import annotations

from typing import Any

import pytest

from authoring.world import run_dag, run_one
from penstock import DAG, BaseOperator, BashOperator, get_current_context, task
from penstock.authoring.errors import InvalidArgumentError, UnknownArgumentError
from penstock.authoring.exceptions import UnmappableXComTypePushed, XComForMappingNotPushed
from penstock.authoring.serialize import serialize
from penstock.authoring.serialized import MappedOver
from penstock.authoring.task_instance import TaskInstance


@task
def numbers() -> list[int]:
    return [1, 2, 3]


@task
def double(x: int) -> int:
    return 2 * x


@task
def total(xs: Any) -> int:
    return sum(xs)


def described(dag: DAG, task_id: str) -> tuple[MappedOver, ...]:
    return next(t.mapped for t in serialize(dag).tasks if t.task_id == task_id)


def test_over_a_literal() -> None:
    with DAG("literal") as made:
        double.expand(x=[1, 2, 3])
    assert described(made, "double") == (MappedOver(argument="x", length=3),)
    world = run_dag(made)
    assert [world.value("double", index) for index in range(3)] == [2, 4, 6]


def test_over_what_another_task_returns_and_gathered_again() -> None:
    with DAG("gather") as made:
        total(double.expand(x=numbers()))
    assert described(made, "double") == (MappedOver(argument="x", task="numbers"),)
    assert run_dag(made).value("total") == 12


def test_over_what_mapped_instances_return() -> None:
    with DAG("twice") as made:
        total(double.override(task_id="again").expand(x=double.expand(x=numbers())))
    assert run_dag(made).value("total") == 24


def test_nones_are_left_out_where_results_are_gathered() -> None:
    @task
    def odd(x: int) -> int | None:
        return x if x % 2 else None

    with DAG("nones") as made:
        total(odd.expand(x=[1, 2, 3]))
    world = run_dag(made)
    assert not world.has("odd", 1)
    assert world.value("total") == 4


def test_over_several_arguments_is_their_product_the_last_one_fastest() -> None:
    @task
    def pair(a: int, b: str, c: str) -> str:
        return f"{a}{b}{c}"

    with DAG("product") as made:
        pair.partial(c="!").expand(a=numbers(), b=["x", "y"])
    world = run_dag(made)
    assert [world.value("pair", i) for i in range(6)] == [
        "1x!", "1y!", "2x!", "2y!", "3x!", "3y!",
    ]  # fmt: skip


def test_over_a_dict_gives_pairs() -> None:
    @task
    def f(item: tuple[str, int]) -> str:
        return f"{item[0]}={item[1]}"

    with DAG("dicts") as made:
        f.expand(item={"a": 1, "b": 2})
    world = run_dag(made)
    assert [world.value("f", 0), world.value("f", 1)] == ["a=1", "b=2"]


def test_operators_expand_too_and_share_the_rest() -> None:
    with DAG("operators") as made:
        say = BashOperator.partial(task_id="say", retries=2, env={"GREETING": "hi"})
        say.expand(bash_command=["echo $GREETING 1", "echo $GREETING {{ ti.map_index }}"])
    assert serialize(made).tasks[0].retries == 2
    world = run_dag(made)
    assert [world.value("say", 0), world.value("say", 1)] == ["hi 1", "hi 1"]


def test_expand_kwargs_takes_whole_sets_of_arguments() -> None:
    with DAG("sets") as made:
        BashOperator.partial(task_id="say").expand_kwargs(
            [{"bash_command": "echo a"}, {"bash_command": "echo $X", "env": {"X": "b"}}]
        )
    world = run_dag(made)
    assert [world.value("say", 0), world.value("say", 1)] == ["a", "b"]


def test_values_that_came_from_a_task_are_data_not_templates() -> None:
    @task
    def texts() -> list[str]:
        return ["{{ run_id }}"]

    @task
    def same(x: str) -> str:
        return x

    with DAG("data") as made:
        same.expand(x=texts())
        same.override(task_id="rendered").expand(x=["{{ run_id }}"])
    world = run_dag(made)
    assert world.value("same", 0) == "{{ run_id }}"
    assert world.value("rendered", 0) == "test"


def test_shared_arguments_may_be_results_too() -> None:
    with DAG("shared") as made:
        task(lambda x, all: x + len(all)).override(task_id="f").partial(all=numbers()).expand(
            x=[10, 20]
        )
    assert made.get_task("f").upstream_task_ids == {"numbers"}
    assert run_dag(made).value("f", 1) == 23


def test_own_operators_expand() -> None:
    class Power(BaseOperator):
        template_fields = ("base",)

        def __init__(self, *, base: int, exponent: int = 2, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.base, self.exponent = base, exponent

        def execute(self, context: Any) -> int:
            return int(self.base) ** self.exponent

    with DAG("own", default_args={"exponent": 3}) as made:
        Power.partial(task_id="power").expand(base=numbers())
    world = run_dag(made)
    assert [world.value("power", index) for index in range(3)] == [1, 8, 27]


def test_a_mapped_task_tells_its_index_and_length() -> None:
    @task
    def f(x: int, ti: Any, expanded_ti_count: Any) -> list[Any]:
        return [ti.map_index, expanded_ti_count, ti.is_mapped]

    with DAG("indexes") as made:
        f.expand(x=[5, 6])
    assert run_one(made, "f", 1, map_length=2).value("f", 1) == [1, 2, True]


@pytest.mark.parametrize("returned", ["text", 5])
def test_what_cannot_be_mapped_over_fails_the_task_that_returned_it(returned: Any) -> None:
    with DAG("unmappable") as made:
        double.expand(x=task(lambda: returned).override(task_id="source")())
    with pytest.raises(UnmappableXComTypePushed, match=r"'source'.*list or a dict"):
        run_one(made, "source")


def test_returning_nothing_to_map_over_fails_the_task() -> None:
    with DAG("nothing") as made:
        double.expand(x=task(lambda: None).override(task_id="source")())
    with pytest.raises(XComForMappingNotPushed, match="'source' returned nothing"):
        run_one(made, "source")


def test_wrong_expansions_are_refused_while_the_file_is_read() -> None:
    here = r"test_expanding.py:\d+: "
    with DAG("wrong"):
        with pytest.raises(InvalidArgumentError, match=here + ".*at least one argument"):
            double.expand()
        with pytest.raises(InvalidArgumentError, match=here + ".*'x' must be a list"):
            double.expand(x="text")
        with pytest.raises(UnknownArgumentError, match=here + ".*'y'"):
            double.expand(y=[1])
        with pytest.raises(InvalidArgumentError, match="x is in partial"):
            double.partial(x=1).expand(x=[1])
        with pytest.raises(UnknownArgumentError, match=r"'bash_comand'.*'bash_command'"):
            BashOperator.partial(task_id="a", bash_comand="x")
        with pytest.raises(InvalidArgumentError, match="must be the same for all"):
            BashOperator.partial(task_id="b").expand(retries=[1])
        with pytest.raises(InvalidArgumentError, match="needs 'task_id'"):
            BashOperator.partial().expand(bash_command=["x"])


def test_callbacks_of_an_instance_see_its_own_arguments() -> None:
    seen = []
    with DAG("callbacks") as made:
        BashOperator.partial(
            task_id="say", on_success_callback=lambda context: seen.append(context["task"])
        ).expand(bash_command=["echo a", "echo b"])
    run_one(made, "say", 1, kind="callback", callback="success")
    assert seen[0].bash_command == "echo b"


@pytest.mark.parametrize("template", ["{{ x }}", "{{ label }}"])
def test_what_an_instance_is_called_by_may_be_an_argument_or_come_from_its_task(
    template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str | None] = []
    monkeypatch.setattr(
        TaskInstance,
        "rendered_map_index",
        property(lambda ti: None, lambda ti, name: called.append(name)),
        raising=False,
    )

    @task(map_index_template=template)
    def load(x: int) -> None:
        get_current_context()["label"] = x

    with DAG("names") as dag:
        load.expand(x=[7, 8])
    run_one(dag, "load", 1)
    assert called == [None, "8"]


def test_a_template_of_a_name_that_is_nowhere_fails_the_instance() -> None:
    @task(map_index_template="{{ nowhere }}")
    def load(x: int) -> None: ...

    with DAG("nowhere") as dag:
        load.expand(x=[7])
    with pytest.raises(Exception, match="'nowhere' is undefined"):
        run_one(dag, "load", 0)
