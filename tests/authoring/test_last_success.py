"""prev_*_success: the DAG's last good run, asked for when it is used and not before."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from authoring.world import MemoryBackend, World, micros, run_one
from penstock import DAG, BashOperator, task
from penstock.authoring.later import Later, value_of
from penstock.events.questions import RunTimes

TODAY = datetime(2025, 1, 2, tzinfo=UTC)
YESTERDAY = TODAY - timedelta(days=1)
TIMES = RunTimes(
    micros(YESTERDAY),
    micros(TODAY),
    micros(TODAY + timedelta(hours=1)),
    micros(TODAY + timedelta(hours=2)),
)


def test_templates_know_the_last_good_run() -> None:
    with DAG("t") as dag:
        BashOperator(
            task_id="b",
            bash_command="echo {{ prev_data_interval_start_success | ds }} "
            "{{ prev_data_interval_end_success | ts_nodash }} {{ prev_start_date_success.hour }} "
            "{{ (prev_end_date_success - prev_start_date_success).total_seconds() }}",
        )
    world = run_one(dag, "b", world=World(last_success=TIMES), logical_date=TODAY)
    assert world.value("b") == "2025-01-01 20250102T000000 1 3600.0"


def test_a_function_that_names_one_gets_the_value_itself() -> None:
    @task
    def told(prev_start_date_success: Any = None, **context: Any) -> list[Any]:
        later = context["prev_end_date_success"]
        return [prev_start_date_success is None, isinstance(later, datetime), bool(later)]

    with DAG("f") as dag:
        told()
    assert run_one(dag, "told", logical_date=TODAY).value("told") == [True, False, False]
    world = run_one(dag, "told", world=World(last_success=TIMES), logical_date=TODAY)
    assert world.value("told") == [False, True, True]


def test_a_run_without_a_logical_date_has_only_the_dates() -> None:
    @task
    def keys(**context: Any) -> list[str]:
        return sorted(name for name in context if name.startswith("prev_"))

    with DAG("k") as dag:
        keys()
    assert run_one(dag, "keys").value("keys") == [
        "prev_end_date_success",
        "prev_start_date_success",
    ]


def test_it_is_asked_for_once_and_only_if_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(self: MemoryBackend) -> RunTimes:
        asked.append(self.task)
        return TIMES

    monkeypatch.setattr(MemoryBackend, "last_success", ask)
    with DAG("a") as dag:
        BashOperator(task_id="no", bash_command="true")
        yes = "echo {{ prev_start_date_success }} {{ prev_end_date_success }}"
        BashOperator(task_id="yes", bash_command=yes)
    run_one(dag, "no", logical_date=TODAY)
    run_one(dag, "yes", logical_date=TODAY)
    assert asked == ["yes"]


def test_what_stands_for_a_value_behaves_as_it() -> None:
    later: Any = Later(lambda: TODAY)
    assert later == TODAY
    assert later > YESTERDAY
    assert later - YESTERDAY == timedelta(days=1)
    assert TODAY - later == timedelta(0)
    assert timedelta(days=1) + later == TODAY + timedelta(days=1)
    assert (str(later), repr(later), f"{later:%Y}") == (str(TODAY), repr(TODAY), "2025")
    assert {later: 1}[TODAY] == 1
    assert type(pickle.loads(pickle.dumps(later))) is datetime
    assert value_of(later) is TODAY
    assert isinstance(later, datetime)
