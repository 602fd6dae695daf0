"""`.map`, `.zip` and `.concat` of results: evaluated in the task that uses them."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.world import run_dag
from penstock import DAG, AirflowSkipException, XComArg, task
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import AirflowException
from penstock.authoring.serialize import serialize
from penstock.authoring.serialized import MappedOver, dump, load


def listing(task_id: str, value: Any) -> XComArg:
    @task(task_id=task_id)
    def give() -> Any:
        return value

    return give()


@task
def seen(x: Any) -> Any:
    return x


def instances_of(world: Any) -> list[Any]:
    return [value for where, value in sorted(world.xcoms.items()) if where[1] == "seen"]


def test_each_element_goes_through_a_function() -> None:
    with DAG("d") as dag:
        seen.expand(x=listing("a", [1, 2]).map(lambda x: x + 1).map(str))
    assert instances_of(run_dag(dag)) == ["2", "3"]
    assert serialize(dag).tasks[-1].mapped == (MappedOver(argument="x", task="a"),)


def test_a_skip_in_the_function_skips_its_instance_alone() -> None:
    def odd(x: int) -> int:
        if x % 2 == 0:
            raise AirflowSkipException("even")
        return x

    with DAG("d") as dag:
        seen.expand(x=listing("a", [1, 2, 3]).map(odd))
    world = run_dag(dag)
    assert [world.ends["seen", index] for index in range(3)] == ["success", "skipped", "success"]


def test_zip_is_as_long_as_the_shortest_or_is_filled() -> None:
    with DAG("short") as short:
        seen.expand(x=listing("a", [1, 2, 3]).zip(listing("b", ["x", "y"])))
    assert instances_of(run_dag(short)) == [(1, "x"), (2, "y")]
    with DAG("long") as long:
        seen.expand(x=listing("a", [1]).zip(listing("b", ["x", "y"]), fillvalue=None))
    assert instances_of(run_dag(long)) == [(1, "x"), (None, "y")]


def test_concat_comes_one_after_the_other_and_a_dict_gives_its_items() -> None:
    with DAG("d") as dag:
        seen.expand(x=listing("a", [1]).concat(listing("b", {"k": 2}), listing("c", [])))
    assert instances_of(run_dag(dag)) == [1, ("k", 2)]


def test_given_whole_to_a_task_they_are_lists() -> None:
    with DAG("d") as dag:
        seen(listing("a", [3, 4]).map(str).zip(listing("b", [1, 2])))
    assert run_dag(dag).value("seen") == [("3", 1), ("4", 2)]
    assert dag.get_task("seen").upstream_task_ids == {"a", "b"}


def test_of_a_mapped_task_the_gathered_results_count() -> None:
    @task
    def half(x: int) -> int | None:
        return x // 2 if x % 2 == 0 else None

    with DAG("d") as dag:
        seen.expand(x=half.expand(x=[1, 2, 3, 4]).map(lambda x: -x))
    assert instances_of(run_dag(dag)) == [-1, -2]


def test_what_cannot_be_said_is_refused() -> None:
    with DAG("d") as dag:
        a, b = listing("a", {"k": [1]}), listing("b", None)
        with pytest.raises(ValueError, match="its entry 'k'"):
            a["k"].map(str)
        with pytest.raises(ValueError, match="its entry 'k'"):
            b.concat(a["k"])
        with pytest.raises(InvalidArgumentError, match=r"takes results of tasks; \[1\] is none"):
            a.zip([1])
        with pytest.raises(InvalidArgumentError, match="plain function"):
            a.map(seen)
        with pytest.raises(InvalidArgumentError, match="cannot be put into a text"):
            str(a.map(str))
        with pytest.raises(InvalidArgumentError, match="no entries"):
            a.map(str)["k"]
        seen(b.map(str))
    error = run_dag(dag).errors["seen", -1]
    assert isinstance(error, AirflowException)
    assert "of type NoneType" in str(error)


lists = st.lists(st.integers(), max_size=4)


def trees(depth: int = 2) -> st.SearchStrategy[Any]:
    """Expressions: a list's number, or (word, expressions)."""
    leaf = st.integers(0, 2)
    words = st.sampled_from(["map", "zip", "fill", "concat"])
    return st.recursive(leaf, lambda kids: st.tuples(words, st.lists(kids, min_size=1, max_size=3)))


def value_of(tree: Any, given_lists: list[list[int]]) -> list[Any]:
    if isinstance(tree, int):
        return given_lists[tree]
    word, kids = tree
    values = [value_of(kid, given_lists) for kid in kids]
    if word == "map":
        return [(x,) for x in values[0]]
    if word == "zip":
        return list(zip(*values, strict=False))
    if word == "fill":
        return list(zip_longest(*values, fillvalue="-"))
    return list(chain(*values))


def result_of(tree: Any, results: list[XComArg]) -> XComArg:
    if isinstance(tree, int):
        return results[tree]
    word, kids = tree
    first, *others = [result_of(kid, results) for kid in kids]
    if word == "map":
        return first.map(lambda x: (x,))
    if word == "concat":
        return first.concat(*others)
    return first.zip(*others, **({"fillvalue": "-"} if word == "fill" else {}))


@given(tree=trees(), given_lists=st.lists(lists, min_size=3, max_size=3))
def test_the_length_that_the_coordinator_works_out_is_that_of_the_elements(
    tree: Any, given_lists: list[list[int]]
) -> None:
    with DAG("d") as dag:
        results = [listing(name, value) for name, value in zip("abc", given_lists, strict=True)]
        seen.expand(x=result_of(tree, results))
    *_, mapped = load(dump(serialize(dag))[1]).tasks
    known = dict(zip("abc", map(len, given_lists), strict=True))
    expected = value_of(tree, given_lists)
    assert mapped.mapped[0].width(lambda over: known[over.task or ""]) == len(expected)
    assert instances_of(run_dag(dag)) == expected
