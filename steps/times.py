"""Branches by the clock: one way within a span of time or on days of the week, another way else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum, unique
from typing import Any

from penstock.authoring.context import Context
from penstock.authoring.errors import InvalidArgumentError
from penstock.steps.branch import BaseBranchOperator


class _ByTheClock(BaseBranchOperator):
    """follow_task_ids_if_true, follow_task_ids_if_false: ids of tasks or groups, one or several.

    use_task_logical_date: the run's date counts (when it was made, if it has none), not the clock.
    """

    def __init__(
        self,
        *,
        follow_task_ids_if_true: str | Iterable[str],
        follow_task_ids_if_false: str | Iterable[str],
        use_task_logical_date: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.follow_task_ids_if_true = follow_task_ids_if_true
        self.follow_task_ids_if_false = follow_task_ids_if_false
        self.use_task_logical_date = use_task_logical_date

    def choose_branch(self, context: Context) -> str | Iterable[str]:
        if self.holds(self._moment(context)):
            return self.follow_task_ids_if_true
        return self.follow_task_ids_if_false

    def holds(self, now: datetime) -> bool:
        raise NotImplementedError

    def _moment(self, context: Context) -> datetime:
        if not self.use_task_logical_date:
            return datetime.now(UTC)
        run = context["dag_run"]
        found: datetime = run.logical_date or run.run_after
        return found

    @property
    def _zone(self) -> Any:
        return self.dag.timezone or UTC


class BranchDateTimeOperator(_ByTheClock):
    """Goes one way between two moments, or two times of the day, and another way outside.

    target_lower, target_upper: the span, both ends in it; a `time` is one of today's (UTC), in the
    DAG's time zone; one of them may be None. An upper time before the lower one is tomorrow's.
    `BranchDateTimeOperator(task_id="night", target_lower=time(22), target_upper=time(6),
    follow_task_ids_if_true="backup", follow_task_ids_if_false="wait")`.
    """

    def __init__(
        self,
        *,
        target_lower: datetime | time | None,
        target_upper: datetime | time | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if target_lower is None and target_upper is None:
            raise InvalidArgumentError(
                f"task {self.task_id!r}: give target_lower or target_upper, or both.", self.place
            )
        self.target_lower, self.target_upper = target_lower, target_upper

    def holds(self, now: datetime) -> bool:
        lower, upper = self._on(now, self.target_lower), self._on(now, self.target_upper)
        is_daily = isinstance(self.target_lower, time) or isinstance(self.target_upper, time)
        if lower and upper and upper < lower and is_daily:
            upper += timedelta(days=1)
        return not (upper and upper < now) and not (lower and lower > now)

    def _on(self, now: datetime, target: datetime | time | None) -> datetime | None:
        if target is None:
            return None
        found = target if isinstance(target, datetime) else datetime.combine(now, target)
        return found if found.tzinfo is not None else found.replace(tzinfo=self._zone)


@unique
class WeekDay(IntEnum):
    """Days of the week, by their ISO numbers."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7

    @classmethod
    def get_weekday_number(cls, week_day_str: str) -> WeekDay:
        """Return the day of an English name. Raises AttributeError for what is none."""
        try:
            return cls[week_day_str.upper()]
        except KeyError:
            raise AttributeError(
                f"{week_day_str!r} is no day of the week; write one as 'Monday'."
            ) from None

    @classmethod
    def convert(cls, day: str | WeekDay) -> int:
        return day if isinstance(day, WeekDay) else cls.get_weekday_number(day)

    @classmethod
    def validate_week_day(cls, week_day: Any) -> set[int]:
        """Return the numbers of one day or several. Raises TypeError for what names no days."""
        if isinstance(week_day, str | WeekDay):
            return {cls.convert(week_day)}
        if not isinstance(week_day, Iterable):
            raise TypeError(f"week_day must be a day's name, a WeekDay, or several; {week_day!r}.")
        return {cls.convert(each) for each in week_day}


class BranchDayOfWeekOperator(_ByTheClock):
    """Goes one way on some days of the week, and another way on the others.

    week_day: a name, a WeekDay, or several of these; the day is that of the DAG's time zone.
    `BranchDayOfWeekOperator(task_id="weekend", week_day={"Saturday", "Sunday"},
    follow_task_ids_if_true="full", follow_task_ids_if_false="quick")`.
    """

    def __init__(self, *, week_day: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.week_day = week_day
        try:
            self._days = WeekDay.validate_week_day(week_day)
        except (AttributeError, TypeError) as error:
            raise InvalidArgumentError(f"task {self.task_id!r}: {error}", self.place) from None

    def holds(self, now: datetime) -> bool:
        # A logical date has its own time zone, as in Airflow; the clock's is the DAG's.
        local = now if self.use_task_logical_date else now.astimezone(self._zone)
        return local.isoweekday() in self._days
