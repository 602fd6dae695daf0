"""Sensors that wait for a moment: a time of day, a date, a span after the run, a day of the week.

Deferred, the moment lies in the coordinator's heap: such a wait costs no process anything.
"""

from __future__ import annotations

import time as clock
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from penstock.authoring.context import Context
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.sensor import BaseSensorOperator
from penstock.steps.times import WeekDay
from penstock.steps.triggers.temporal import DateTimeTrigger, TimeDeltaTrigger, utc


class _MomentSensor(BaseSensorOperator):
    """Waits until `moment(context)`.

    deferrable: it waits in the coordinator, without a slot. end_from_trigger: deferred, it has
    succeeded at that moment without running again.
    """

    def __init__(
        self, *, deferrable: bool = False, end_from_trigger: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable, self.end_from_trigger = deferrable, end_from_trigger

    def moment(self, context: Context) -> datetime:
        raise NotImplementedError

    def poke(self, context: Context) -> bool:
        moment = self.moment(context)
        self.log.info("Waiting until %s", moment)
        return datetime.now(UTC) > moment

    def execute(self, context: Context) -> Any:
        if self.deferrable:
            trigger = DateTimeTrigger(self.moment(context), end_from_trigger=self.end_from_trigger)
            self.defer(trigger=trigger, method_name="execute_complete", timeout=self._deadline())
        return super().execute(context)

    def _deadline(self) -> float | None:
        return None

    def execute_complete(self, context: Context, event: Any = None) -> None:
        """Go on after the wait."""


class TimeSensor(_MomentSensor):
    """Waits until a time of the day on which it began, in the DAG's time zone.

    `TimeSensor(task_id="evening", target_time=time(18, 30), deferrable=True)`.
    """

    def __init__(
        self,
        *,
        target_time: time,
        start_from_trigger: bool = False,
        trigger_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.target_time = target_time
        # Taken, and without effect: it begins in `execute`, and defers from there.
        self.start_from_trigger, self.trigger_kwargs = start_from_trigger, trigger_kwargs

    def moment(self, context: Context) -> datetime:
        # The day of the first look: at midnight a sensor must not begin to wait for another day.
        began = context["ti"].first_started_at
        zone = self.dag.timezone
        day = datetime.now(zone) if began is None else datetime.fromtimestamp(began / 1e6, zone)
        return utc(datetime.combine(day, self.target_time, tzinfo=zone))


class TimeDeltaSensor(_MomentSensor):
    """Waits until so much time has passed since the run's data interval ended.

    delta: a timedelta, or minutes. A run without a data interval counts from when it was made.
    `TimeDeltaSensor(task_id="settle", delta=timedelta(minutes=10), deferrable=True)`.
    """

    template_fields: Sequence[str] = ("delta",)

    def __init__(self, *, delta: timedelta | int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.delta = delta

    def moment(self, context: Context) -> datetime:
        since: datetime = context.get("data_interval_end") or context["dag_run"].run_after
        return since + in_minutes(self.delta)

    def execute(self, context: Context) -> Any:
        if self.deferrable and datetime.now(UTC) > self.moment(context):
            return True  # as in Airflow: only where there was nothing to wait for
        return super().execute(context)

    def _deadline(self) -> float:
        return self.timeout


class WaitSensor(BaseSensorOperator):
    """Waits so long, from when it begins. time_to_wait: a timedelta, or minutes.

    deferrable: it waits in the coordinator, and has then succeeded without running again.
    `WaitSensor(task_id="pause", time_to_wait=timedelta(seconds=30), deferrable=True)`.
    """

    template_fields: Sequence[str] = ("time_to_wait",)

    def __init__(
        self, *, time_to_wait: timedelta | int, deferrable: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.time_to_wait, self.deferrable = time_to_wait, deferrable

    def execute(self, context: Context) -> None:
        span = in_minutes(self.time_to_wait)
        if self.deferrable:
            trigger = TimeDeltaTrigger(span, end_from_trigger=True)
            self.defer(trigger=trigger, method_name="execute_complete")
        clock.sleep(span.total_seconds())

    def execute_complete(self, context: Context, event: Any = None) -> None:
        """Go on after the wait."""


class DateTimeSensor(_MomentSensor):
    """Waits until a moment. target_time: a datetime, or the text of one (a template).

    `DateTimeSensor(task_id="wait", target_time="{{ data_interval_end.add(hours=1) }}")`.
    """

    template_fields: Sequence[str] = ("target_time",)

    def __init__(self, *, target_time: str | datetime, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_time = target_time

    def moment(self, context: Context) -> datetime:
        return utc(self.target_time)


class DayOfWeekSensor(BaseSensorOperator):
    """Waits until it is one of some days of the week, UTC.

    week_day: a name, a WeekDay, or several. use_task_logical_date: the run's date counts, which
    no waiting changes. `DayOfWeekSensor(task_id="monday", week_day="Monday", mode="reschedule")`.
    """

    def __init__(
        self, *, week_day: Any, use_task_logical_date: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.week_day, self.use_task_logical_date = week_day, use_task_logical_date
        try:
            self._days = WeekDay.validate_week_day(week_day)
        except (AttributeError, TypeError) as error:
            raise InvalidArgumentError(f"task {self.task_id!r}: {error}", self.place) from None

    def poke(self, context: Context) -> bool:
        day = datetime.now(UTC)
        if self.use_task_logical_date:
            run = context["dag_run"]
            day = run.logical_date or run.run_after
        self.log.info("Waiting for %s; it is %s", self.week_day, WeekDay(day.isoweekday()).name)
        return day.isoweekday() in self._days


class TimeSensorAsync(TimeSensor):
    """A TimeSensor that is deferrable."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"deferrable": True, **kwargs})


class TimeDeltaSensorAsync(TimeDeltaSensor):
    """A TimeDeltaSensor that is deferrable."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"deferrable": True, **kwargs})


class DateTimeSensorAsync(DateTimeSensor):
    """A DateTimeSensor that is deferrable."""

    def __init__(
        self,
        *,
        start_from_trigger: bool = False,
        trigger_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"deferrable": True, **kwargs})
        # Taken, and without effect: it begins in `execute`, and defers from there.
        self.start_from_trigger, self.trigger_kwargs = start_from_trigger, trigger_kwargs


def in_minutes(span: timedelta | int | str) -> timedelta:
    """Return a span; a number, or the text of one that a template made, is minutes."""
    return span if isinstance(span, timedelta) else timedelta(minutes=int(span))
