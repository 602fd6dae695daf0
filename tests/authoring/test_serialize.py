"""DAG -> data: order, weights, schedules, and what is refused for the DAG as a whole."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock import DAG, BashOperator, EmptyOperator, Param
from penstock.authoring.errors import (
    CycleError,
    InvalidArgumentError,
    UnserializableError,
    UnsupportedError,
)
from penstock.authoring.serialize import serialize
from penstock.authoring.serialized import SerializedSchedule, dump, load

Graph = tuple[list[int], set[tuple[int, int]]]


@st.composite
def graphs(draw: st.DrawFn, *, acyclic: bool) -> Graph:
    """Weights of some tasks, and edges between them; acyclic ones only go from low to high."""
    weights = draw(st.lists(st.integers(1, 5), min_size=1, max_size=9))
    number = st.integers(0, len(weights) - 1)
    pairs = draw(st.sets(st.tuples(number, number), max_size=20))
    return weights, {(a, b) for a, b in pairs if not acyclic or a < b}


def built(graph: Graph, rule: str = "downstream") -> DAG:
    weights, pairs = graph
    with DAG("graph") as dag:
        tasks = [
            EmptyOperator(task_id=f"t{n}", priority_weight=weight, weight_rule=rule)
            for n, weight in enumerate(weights)
        ]
        for a, b in sorted(pairs):
            tasks[a] >> tasks[b]
    return dag


def reachable(start: int, pairs: set[tuple[int, int]]) -> set[int]:
    """What can be reached from a task, by the simplest way that there is."""
    found: set[int] = set()
    todo = [start]
    while todo:
        here = todo.pop()
        nexts = {b for a, b in pairs if a == here} - found
        found |= nexts
        todo.extend(nexts)
    return found


@given(graphs(acyclic=True))
def test_tasks_come_after_what_they_wait_for(graph: Graph) -> None:
    seen: set[str] = set()
    for task in serialize(built(graph)).tasks:
        assert set(task.upstream) <= seen
        seen.add(task.task_id)
    assert len(seen) == len(graph[0])


@given(graphs(acyclic=False))
def test_exactly_the_graphs_with_a_cycle_are_refused_and_one_is_named(graph: Graph) -> None:
    weights, pairs = graph
    has_cycle = any(n in reachable(n, pairs) for n in range(len(weights)))
    if not has_cycle:
        serialize(built(graph))
        return
    with pytest.raises(CycleError) as caught:
        serialize(built(graph))
    path = caught.value.reason.split("cycle: ")[1].split(". Remove")[0].split(" >> ")
    steps = {(int(a[1:]), int(b[1:])) for a, b in pairwise(path)}
    assert steps <= pairs
    assert path[0] == path[-1]


@given(graphs(acyclic=True), st.sampled_from(["downstream", "upstream", "absolute"]))
def test_weights_add_up_what_hangs_on_a_task(graph: Graph, rule: str) -> None:
    weights, pairs = graph
    walked = pairs if rule == "downstream" else {(b, a) for a, b in pairs}
    for task in serialize(built(graph, rule)).tasks:
        number = int(task.task_id[1:])
        others = reachable(number, walked) if rule != "absolute" else set()
        assert task.weight == weights[number] + sum(weights[other] for other in others)


def test_a_cycle_is_named_with_its_line() -> None:
    with DAG("circle") as dag:
        a, b, c = (EmptyOperator(task_id=name) for name in "abc")
        a >> b >> c >> b
    with pytest.raises(CycleError, match=r"test_serialize.py:\d+: .*'circle' has a cycle: "):
        serialize(dag)


def test_the_same_dag_has_the_same_version_and_reads_back() -> None:
    def make() -> DAG:
        with DAG("same", schedule="@hourly", tags=["b", "a"], params={"x": 1}) as dag:
            a = EmptyOperator(task_id="a")
            a >> [EmptyOperator(task_id=name) for name in "dcb"]
        return dag

    first, second = serialize(make(), file="f"), serialize(make(), file="f")
    assert dump(first) == dump(second)
    assert load(dump(first)[1]) == first
    assert first.tags == ("a", "b")


BERLIN = pendulum.datetime(2025, 1, 1, tz="Europe/Berlin")


@pytest.mark.parametrize(
    ("schedule", "start", "expected"),
    [
        (None, None, SerializedSchedule(kind="none")),
        ("@once", None, SerializedSchedule(kind="once", said="@once")),
        ("@continuous", None, SerializedSchedule(kind="continuous", said="@continuous")),
        ("@weekly", None, SerializedSchedule(kind="cron", cron="0 0 * * 0", said="@weekly")),
        ("5 4 * * 1", None, SerializedSchedule(kind="cron", cron="5 4 * * 1", said="5 4 * * 1")),
        (timedelta(hours=2), None, SerializedSchedule(kind="delta", delta=7200.0, said="2:00:00")),
        (
            "@daily",
            BERLIN,
            SerializedSchedule(
                kind="cron", cron="0 0 * * *", said="@daily", timezone="Europe/Berlin",
                start=1_735_686_000_000_000,
            ),
        ),
        (
            None,
            datetime(2025, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo")),
            SerializedSchedule(timezone="Asia/Tokyo", start=1_735_657_200_000_000),
        ),
        (None, datetime(2025, 1, 1), SerializedSchedule(start=1_735_689_600_000_000)),
        (None, datetime(2025, 1, 1, tzinfo=UTC), SerializedSchedule(start=1_735_689_600_000_000)),
        (
            None,
            datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            SerializedSchedule(timezone="+05:30", start=1_735_669_800_000_000),
        ),
    ],
)  # fmt: skip
def test_schedules_as_data(schedule: Any, start: Any, expected: SerializedSchedule) -> None:
    assert serialize(DAG("d", schedule=schedule, start_date=start)).schedule == expected


@pytest.mark.parametrize(
    ("schedule", "error", "words"),
    [
        ("every day", InvalidArgumentError, "every day"),
        ("61 * * * *", InvalidArgumentError, "61"),
        (timedelta(0), InvalidArgumentError, "DAG 'd'"),
        (5, UnsupportedError, "int is not here yet"),
    ],
)
def test_schedules_that_cannot_be_meant(schedule: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=r"test_serialize.py:\d+: .*" + words):
        serialize(DAG("d", schedule=schedule))


def test_params_go_with_their_schema() -> None:
    dag = DAG("params", params={"n": Param(5, "how many", type="integer"), "m": Param(type="null")})
    assert serialize(dag).params == {
        "n": {"value": 5, "schema": {"type": "integer"}, "description": "how many"},
        "m": {"schema": {"type": "null"}},
    }


def test_values_that_are_no_json_are_refused_with_their_line() -> None:
    with pytest.raises(
        UnserializableError, match=r"test_serialize.py:\d+: .*param 'x' must be JSON"
    ):
        serialize(DAG("nan", params={"x": math.nan}))
    with pytest.raises(UnserializableError, match="schema too"):
        serialize(DAG("schema", params={"x": Param(1, enum=[object()])}))
    with DAG("doc") as dag:
        EmptyOperator(task_id="a", doc_md=5)
    with pytest.raises(UnserializableError, match="doc_md must be text"):
        serialize(dag)


def test_settings_of_a_dag() -> None:
    dag = DAG(
        "settings",
        description="d",
        doc_md="# Doc",
        max_active_tasks=3,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=1),
        fail_fast=True,
        is_paused_upon_creation=True,
        on_failure_callback=print,
        catchup=True,
    )
    data = serialize(dag)
    assert (data.description, data.doc_md, data.fail_fast) == ("d", "# Doc", True)
    assert (data.max_active_tasks, data.max_active_runs, data.dagrun_timeout) == (3, 1, 3600.0)
    assert (data.paused_upon_creation, data.callbacks) == (True, ("failure",))
    assert data.schedule.catchup


def test_a_thousand_tasks_in_a_chain_are_no_trouble() -> None:
    with DAG("long") as dag:
        tasks = [EmptyOperator(task_id=f"t{n}") for n in range(1000)]
        for before, after in pairwise(tasks):
            before >> after
    data = serialize(dag)
    assert (data.tasks[0].weight, data.tasks[-1].weight) == (1000, 1)


# ---------------------------------------------------------------- the run before


def test_what_a_task_asks_of_the_run_before_is_data() -> None:
    with DAG("d", default_args={"ignore_first_depends_on_past": False}) as dag:
        EmptyOperator(task_id="plain")
        EmptyOperator(task_id="self", depends_on_past=True)
        EmptyOperator(task_id="skips", wait_for_past_depends_before_skipping=True)
        BashOperator.partial(task_id="each", wait_for_downstream=True).expand(bash_command=["a"])
    asked = {
        task.task_id: (
            task.depends_on_past,
            task.wait_for_downstream,
            task.wait_for_past_depends_before_skipping,
            task.ignore_first_depends_on_past,
        )
        for task in load(dump(serialize(dag))[1]).tasks
    }
    assert asked == {
        "plain": (False, False, False, False),
        "self": (True, False, False, False),
        "skips": (False, False, True, False),
        "each": (True, True, False, False),
    }
    assert serialize(dag).warnings == ()
