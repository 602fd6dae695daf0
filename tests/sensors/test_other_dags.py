"""Tasks that trigger other DAGs, or wait for them: woken by their ends, not by looking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from authoring.world import run_info
from cli.shell import Shell

from penstock import DAG, AirflowFailException, AirflowSkipException
from penstock.authoring.context import DagRun
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import (
    AirflowException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    TaskDeferred,
)
from penstock.events.questions import FoundRun, StatesFound, Triggered
from penstock.events.types import Awaited
from penstock.steps.sensors.external_task import (
    ExternalDagFailedError,
    ExternalDagNotFoundError,
    ExternalTaskFailedError,
    ExternalTaskSensor,
)
from penstock.steps.trigger_dagrun import DagIsPaused, TriggerDagRunOperator

DAY = datetime(2025, 3, 5, tzinfo=UTC)
MICROS = round(DAY.timestamp() * 1e6)


class Backend:
    """Answers as a leader would that knows this. asked: what it was asked, in order."""

    def __init__(self, *runs: FoundRun, missing: str = "", is_new: bool = True) -> None:
        self.runs, self.missing, self.is_new = runs, missing, is_new
        self.asked: list[dict[str, Any]] = []

    def states(self, dag_id: str, **asked: Any) -> StatesFound:
        self.asked.append(asked)
        return StatesFound(runs=self.runs, missing=self.missing)

    def trigger_run(self, dag_id: str, run_id: str, **asked: Any) -> Triggered:
        self.asked.append({"run_id": run_id, **asked})
        paused = asked["unless_paused"]
        return Triggered(run_id=run_id, state="paused" if paused else "queued", is_new=self.is_new)


class Instance:
    """What these operators want of `ti`."""

    def __init__(self, backend: Backend, dag: DAG, try_number: int = 1) -> None:
        self.backend = backend
        self.first_started_at = round(datetime.now(UTC).timestamp() * 1e6)
        self.key = ("d", "t", "r", try_number, -1)
        self.dag_run = DagRun.of(run_info(dag, {}, DAY))
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def run(state: str = "running", *, live: bool = True, **tasks: Any) -> FoundRun:
    return FoundRun(run_id="o", logical_date=MICROS, state=state, live=live, tasks=tasks)


def context_of(task: Any, backend: Backend, **more: Any) -> dict[str, Any]:
    ti = Instance(backend, task.dag, **more)
    return {"ti": ti, "logical_date": DAY, "dag_run": ti.dag_run}


def look(backend: Backend, **options: Any) -> None:
    """Let a sensor that waits for DAG `other` look once."""
    with DAG("waits"):
        sensor = ExternalTaskSensor(task_id="wait", external_dag_id="other", **options)
    sensor.execute(context_of(sensor, backend))


def awaited(backend: Backend, **options: Any) -> list[Awaited]:
    """What it waits for after that look."""
    with pytest.raises(AirflowRescheduleException) as again:
        look(backend, **options)
    return list(again.value.penstock_awaits)


# ---------------------------------------------------------------- ExternalTaskSensor


def test_a_run_that_has_ended_well_is_there() -> None:
    look(Backend(run("success", live=False)))


def test_of_a_run_that_is_under_way_the_end_is_awaited() -> None:
    assert awaited(Backend(run())) == [Awaited("other", "o", live=True)]


def test_of_tasks_those_that_are_not_over_are_awaited() -> None:
    backend = Backend(run(a={"success": 1}, b={"running": 1}, c={"none": 2}))
    assert awaited(backend, external_task_ids=["a", "b", "c"]) == [
        Awaited("other", "o", task="b", live=True),
        Awaited("other", "o", task="c", live=True),
    ]


def test_a_run_that_is_not_there_is_known_by_its_date() -> None:
    assert awaited(Backend()) == [Awaited("other", logical_date=MICROS)]
    assert awaited(Backend(), external_task_id="a") == [
        Awaited("other", logical_date=MICROS, task="a")
    ]


def test_tasks_count_before_their_run_has_ended_mapped_ones_when_all_of_them_do() -> None:
    look(Backend(run(a={"success": 3})), external_task_id="a")
    awaited(Backend(run(a={"success": 2, "running": 1})), external_task_id="a")
    look(Backend(run(**{"g.a": {"success": 1}})), external_task_group_id="g")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"failed_states": ["failed"]}, ExternalDagFailedError),
        ({"failed_states": ["failed"], "soft_fail": True}, AirflowSkipException),
        ({"skipped_states": ["failed"]}, AirflowSkipException),
    ],
)
def test_states_may_end_the_wait_badly(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="the run of DAG 'other'"):
        look(Backend(run("failed", live=False)), **options)


def test_one_failed_task_is_enough() -> None:
    backend = Backend(run(a={"success": 9, "failed": 1}))
    with pytest.raises(ExternalTaskFailedError, match="'a'"):
        look(backend, external_task_id="a", failed_states=["failed"])


def test_what_is_not_there_is_said_if_that_is_asked_for() -> None:
    backend = Backend(missing="there is no DAG 'other'")
    with pytest.raises(ExternalDagNotFoundError, match="there is no DAG 'other'"):
        look(backend, check_existence=True)
    awaited(backend)


@pytest.mark.parametrize(
    ("options", "days"),
    [
        ({}, [5]),
        ({"execution_delta": timedelta(days=1)}, [4]),
        ({"execution_date_fn": lambda date: date - timedelta(days=2)}, [3]),
        ({"execution_date_fn": lambda logical_date: [logical_date, DAY.replace(day=1)]}, [5, 1]),
        ({"execution_date_fn": lambda date, dag_run: dag_run.logical_date}, [5]),
    ],
)
def test_of_which_runs(options: Any, days: list[int]) -> None:
    backend = Backend()
    awaited(backend, **options)
    dates = [datetime.fromtimestamp(each / 1e6, UTC) for each in backend.asked[0]["logical_dates"]]
    assert [date.day for date in dates] == days


def test_deferrable_it_is_deferred_and_looks_again_by_the_same_rules() -> None:
    with DAG("waits"):
        sensor = ExternalTaskSensor(task_id="wait", external_dag_id="other", deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(context_of(sensor, Backend(run())))
    assert deferred.value.trigger.penstock_awaits == (Awaited("other", "o", live=True),)
    there = context_of(sensor, Backend(run("success", live=False)))
    sensor.resume_execution(deferred.value.method_name, {"event": DAY}, there)


def test_the_time_is_up_some_day() -> None:
    with DAG("waits"):
        sensor = ExternalTaskSensor(task_id="wait", external_dag_id="other", timeout=60)
    context = context_of(sensor, Backend())
    context["ti"].first_started_at -= 61_000_000
    with pytest.raises(AirflowSensorTimeout):
        sensor.look_again(context)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"external_task_id": "a", "external_task_ids": ["b"]}, "give one of external_task_id"),
        ({"external_task_id": "a", "external_task_group_id": "g"}, "give one of external_task_id"),
        ({"failed_states": ["success"]}, "stands twice"),
        ({"failed_states": ["skipped"]}, "a run is never 'skipped'"),
        ({"execution_delta": timedelta(1), "execution_date_fn": print}, "not both"),
    ],
)
def test_what_makes_no_sense_is_refused(options: Any, sentence: str) -> None:
    with DAG("waits"), pytest.raises(InvalidArgumentError, match=sentence):
        ExternalTaskSensor(task_id="wait", external_dag_id="other", **options)


# ---------------------------------------------------------------- TriggerDagRunOperator


def fire(backend: Backend, try_number: int = 1, **options: Any) -> dict[str, Any]:
    """Run the operator; return the XComs that it pushed."""
    with DAG("fires"):
        task = TriggerDagRunOperator(task_id="fire", trigger_dag_id="other", **options)
    context = context_of(task, backend, try_number=try_number)
    task.execute(context)
    pushed: dict[str, Any] = context["ti"].pushed
    return pushed


def test_a_run_id_belongs_to_the_try() -> None:
    first = [fire(Backend())["trigger_run_id"] for _ in range(2)]
    assert first[0] == first[1]
    assert fire(Backend(), try_number=2)["trigger_run_id"] != first[0]
    assert fire(Backend(), trigger_run_id="mine") == {"trigger_run_id": "mine"}


def test_conf_and_date_go_with_it() -> None:
    backend = Backend()
    fire(backend, conf={"x": 1}, logical_date="2025-03-05")
    fire(backend, conf='{"x": 2}', logical_date=None)
    assert [(each["conf"], each["logical_date"]) for each in backend.asked] == [
        ({"x": 1}, MICROS),
        ({"x": 2}, None),
    ]
    with pytest.raises(ValueError, match="conf must be JSON"):
        fire(backend, conf={"x": {1}})


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({}, AirflowFailException, "has a run 'mine' already"),
        ({"skip_when_already_exists": True}, AirflowSkipException, "skip_when_already_exists"),
        ({"reset_dag_run": True}, AirflowFailException, "reset_dag_run.* is not here yet"),
    ],
)
def test_a_run_that_somebody_else_asked_for(
    options: Any, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        fire(Backend(is_new=False), trigger_run_id="mine", **options)


def test_a_paused_dag_may_be_a_failure() -> None:
    with pytest.raises(DagIsPaused, match="Dag other is paused"):
        fire(Backend(), fail_when_dag_is_paused=True)


def test_it_waits_for_the_end_and_then_says_how_it_was() -> None:
    with DAG("fires"):
        task = TriggerDagRunOperator(
            task_id="fire", trigger_dag_id="other", trigger_run_id="o", wait_for_completion=True
        )
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context_of(task, Backend(run())))
    waits = deferred.value
    assert waits.trigger.penstock_awaits == (Awaited("other", "o", live=True),)
    assert (waits.method_name, waits.kwargs) == ("look_again", {"run_id": "o"})
    task.look_again(context_of(task, Backend(run("success", live=False))), run_id="o", event=DAY)
    with pytest.raises(AirflowException, match="other failed with failed state failed"):
        task.look_again(context_of(task, Backend(run("failed", live=False))), run_id="o")


# ---------------------------------------------------------------- with a daemon

TWO_DAGS = """
    import pathlib
    from datetime import datetime
    from airflow.sdk import DAG, task
    from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
    from airflow.providers.standard.sensors.external_task import ExternalTaskSensor

    with DAG("child", params={"go": ""}):
        @task.sensor(poke_interval=0.05, mode="reschedule")
        def wait(params):
            return pathlib.Path(params["go"]).exists() if params["go"] else True

        @task
        def last(params):
            return params["go"]

        wait() >> last()

    day = lambda _: datetime(2024, 1, 1)
    with DAG("parent", params={"go": ""}):
        first = ExternalTaskSensor(
            task_id="hears", external_dag_id="child", execution_date_fn=day, timeout=30
        )
        ExternalTaskSensor(
            task_id="hears_task", external_dag_id="child", external_task_id="wait",
            execution_date_fn=day, deferrable=True,
        )

        @task
        def go(params):
            pathlib.Path(params["go"]).touch()

        go()
        waits = TriggerDagRunOperator(
            task_id="waits", trigger_dag_id="child", logical_date="2024-01-01",
            conf={"go": "{{ params.go }}"}, wait_for_completion=True,
        )
        TriggerDagRunOperator(task_id="quick", trigger_dag_id="child", wait_for_completion=True)
        TriggerDagRunOperator(task_id="unknown", trigger_dag_id="nope")
        named = TriggerDagRunOperator(task_id="named", trigger_dag_id="child", trigger_run_id="o")
        named >> TriggerDagRunOperator(
            task_id="again", trigger_dag_id="child", trigger_run_id="o",
            skip_when_already_exists=True,
        )
"""


def test_ends_of_other_dags_are_heard_long_before_the_clock_looks(tmp_path: Path) -> None:
    shell, home = Shell(tmp_path), tmp_path / "home"
    shell.write("dags/two.py", TWO_DAGS)
    with shell.up(home, "--dags", "dags", "--slots", "2"):
        conf = f'{{"go": "{tmp_path / "go"}"}}'
        options = ("--run-id", "r", "--conf", conf, "--home", home)
        assert shell.penstock("trigger", "parent", "--wait", *options).code == 1
        document = shell.penstock("runs", "show", "parent/r", "--json", "--home", home).document
    states = {task["task_id"]: task["state"] for task in document["tasks"]}
    assert states == {
        "hears": "success",
        "hears_task": "success",
        "go": "success",
        "waits": "success",
        "quick": "success",
        "unknown": "failed",
        "named": "success",
        "again": "skipped",
    }
    began, ended = (datetime.fromisoformat(document[name]) for name in ("started_at", "ended_at"))
    assert ended - began < timedelta(seconds=50)  # poke_interval is 60 s for each of them
    [reason] = [task["reason"] for task in document["tasks"] if task["state"] == "failed"]
    assert "there is no DAG 'nope' (known: child, parent)" in reason
