"""Sensors that wait for a moment: deferred, it lies in the coordinator's heap and runs nowhere."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import pytest
from authoring.world import run_info

from penstock import DAG
from penstock.authoring.context import DagRun
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import TaskDeferred
from penstock.authoring.triggers import TaskSuccessEvent, TriggerEvent
from penstock.events.types import Xcom
from penstock.steps.sensors.times import (
    DateTimeSensor,
    DateTimeSensorAsync,
    DayOfWeekSensor,
    TimeDeltaSensor,
    TimeDeltaSensorAsync,
    TimeSensor,
    TimeSensorAsync,
    WaitSensor,
)
from penstock.steps.triggers.temporal import DateTimeTrigger, TimeDeltaTrigger
from penstock.testing import run_dag
from penstock.worker.pausing import pause_of

DAY = datetime(2025, 3, 5, 12, tzinfo=UTC)  # a Wednesday


class Began:
    """A task instance of a try that began on that day."""

    first_started_at = round(DAY.timestamp() * 1e6)


def context_of(task: Any, date: datetime | None = DAY) -> dict[str, Any]:
    run = DagRun.of(run_info(task.dag, {}, date))
    return {"ti": Began(), "dag_run": run, "data_interval_end": run.data_interval_end}


def moment_of(kind: Any, *, zone: Any = UTC, date: datetime | None = DAY, **options: Any) -> Any:
    with DAG("waits", start_date=datetime(2025, 1, 1, tzinfo=zone)):
        task = kind(task_id="wait", **options)
    return task.moment(context_of(task, date))


def test_a_time_of_day_is_that_of_the_day_on_which_it_began_in_the_dag_s_zone() -> None:
    assert moment_of(TimeSensor, target_time=time(18, 30)) == datetime(
        2025, 3, 5, 18, 30, tzinfo=UTC
    )
    east = timezone(timedelta(hours=14))  # where it is tomorrow already
    assert moment_of(TimeSensor, target_time=time(18, 30), zone=east) == datetime(
        2025, 3, 6, 4, 30, tzinfo=UTC
    )


@pytest.mark.parametrize("delta", [timedelta(minutes=10), 10, "10"])
def test_a_span_begins_where_the_data_interval_ends(delta: Any) -> None:
    assert moment_of(TimeDeltaSensor, delta=delta) == DAY + timedelta(minutes=10)


def test_without_a_logical_date_a_span_begins_when_the_run_was_made() -> None:
    made = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)  # so says the test's run
    assert moment_of(TimeDeltaSensor, delta=1, date=None) == made + timedelta(minutes=1)


@pytest.mark.parametrize("said", [DAY, "2025-03-05T12:00:00+00:00", "2025-03-05 12:00"])
def test_a_moment_may_be_a_text(said: Any) -> None:
    assert moment_of(DateTimeSensor, target_time=said) == DAY


def test_days_of_the_week() -> None:
    with DAG("waits"):
        task = DayOfWeekSensor(task_id="a", week_day="Wednesday", use_task_logical_date=True)
        other = DayOfWeekSensor(task_id="b", week_day={"Monday"}, use_task_logical_date=True)
        with pytest.raises(InvalidArgumentError, match="'Caturday' is no day"):
            DayOfWeekSensor(task_id="c", week_day="Caturday")
    assert task.poke(context_of(task))
    assert not other.poke(context_of(other))


def pause_from(task: Any) -> Any:
    """What the log is told when the task runs."""
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context_of(task))
    return pause_of(deferred.value, lambda key, value: Xcom(key=key), (), 0)


@pytest.mark.parametrize("ends", [False, True])
def test_deferred_no_process_waits(ends: bool) -> None:
    with DAG("waits"):
        task = DateTimeSensorAsync(task_id="a", target_time=DAY, end_from_trigger=ends)
    pause = pause_from(task)
    assert (pause.until, pause.trigger, pause.ends) == (DAY.timestamp() * 1e6, None, ends)


def test_what_cannot_come_in_time_is_waited_for_until_it_is_late() -> None:
    with DAG("waits"):
        task = TimeDeltaSensorAsync(task_id="a", delta=timedelta(days=40_000), timeout=60)
    pause = pause_from(task)
    assert (pause.until, pause.trigger, pause.deadline) == (None, None, 60_000_000)


def test_all_of_them_come_to_their_end() -> None:
    soon = datetime.now(UTC) + timedelta(hours=3)
    with DAG("waits", schedule=None) as dag:
        TimeSensor(task_id="time", target_time=time(0), mode="reschedule")
        TimeSensorAsync(task_id="time_async", target_time=time(0))
        TimeDeltaSensor(task_id="delta", delta=timedelta(hours=1), mode="reschedule")
        TimeDeltaSensorAsync(task_id="delta_async", delta=timedelta(hours=1))
        TimeDeltaSensorAsync(task_id="past", delta=timedelta(hours=-1))
        DateTimeSensor(task_id="date", target_time=soon)
        DateTimeSensorAsync(task_id="date_async", target_time=soon.isoformat())
        DateTimeSensorAsync(task_id="ends", target_time=soon, end_from_trigger=True)
        WaitSensor(task_id="wait", time_to_wait=60)
        WaitSensor(task_id="wait_async", time_to_wait=60, deferrable=True)
    run = run_dag(dag)
    assert {name: found.state for name, found in run.tasks.items()} == dict.fromkeys(
        dag.task_dict, "success"
    )
    assert {name: found.xcoms for name, found in run.tasks.items() if found.xcoms} == {
        "past": {"return_value": True}
    }


# ---------------------------------------------------------------- the triggers themselves


async def first(trigger: Any) -> TriggerEvent:
    async for event in trigger.run():
        return event
    raise AssertionError("it ended without an event")


def test_a_trigger_of_a_moment_can_be_run_by_hand() -> None:
    trigger = DateTimeTrigger(DAY)
    assert asyncio.run(first(trigger)) == TriggerEvent(DAY)
    ends = TimeDeltaTrigger(timedelta(seconds=0.01), end_from_trigger=True)
    assert isinstance(asyncio.run(first(ends)), TaskSuccessEvent)


def test_a_trigger_can_be_made_again_of_what_it_says() -> None:
    path, kwargs = DateTimeTrigger(target_time="2025-03-05T13:00:00+01:00").serialize()
    assert path == "penstock.steps.triggers.temporal.DateTimeTrigger"
    assert DateTimeTrigger(**kwargs).moment == DAY
    assert "DateTimeTrigger moment=2025-03-05" in repr(DateTimeTrigger(**kwargs))


@pytest.mark.parametrize(
    ("kwargs", "error", "sentence"),
    [
        ({}, TypeError, "either moment or target_time"),
        ({"moment": DAY, "target_time": DAY}, TypeError, "either moment or target_time"),
        ({"moment": "noon"}, TypeError, "moment must be a datetime, not str"),
        ({"moment": datetime(2025, 1, 1)}, ValueError, "time zone"),
    ],
)
def test_what_is_no_moment_is_refused(kwargs: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        DateTimeTrigger(**kwargs)
