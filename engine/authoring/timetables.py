"""When is the next run? From a schedule, the last tick and the present, nothing else.

A *tick* is a moment that a schedule makes a run for. What a tick stands for is as in Airflow 3.3
left to its defaults: a cron string triggers *at* its times, a timedelta every so often, so the
logical date is the moment of the run and the data interval is [that moment, that moment], of no
width. (Airflow 2's intervals, run after their end, are `create_cron_data_intervals` there.)

`next_run` is a pure function, the clock is an argument: coordinators that know the same give the
same tick, so (DAG, logical date) names it and nobody makes it twice. Between two ticks the answer
does not depend on `now`; only `continuous`, which has no times of its own, starts from it.

All times are microseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from penstock.authoring.crontab import (
    PRESETS,
    SECOND,
    UTC_EPOCH,
    Crontab,
    ScheduleError,
    crontab,
    zone,
)
from penstock.authoring.serialized import SerializedSchedule

__all__ = [
    "PRESETS",
    "ScheduleError",
    "Tick",
    "check",
    "describe",
    "missed",
    "next_run",
    "run_id",
    "upcoming",
]

FRESH = 300 * SECOND
"""A schedule without a start may run its last tick when that is this young, or a tenth of a gap."""


class Tick(NamedTuple):
    """A run that a schedule asks for. run_after: the moment from which it may be made.

    [interval_start, interval_end] is its data interval. `logical_date` is unique within a DAG.
    """

    logical_date: int
    interval_start: int
    interval_end: int
    run_after: int


def next_run(
    schedule: SerializedSchedule,
    after: int | None,
    now: int,
    *,
    since: int | None = None,
    after_end: int | None = None,
) -> Tick | None:
    """Return the tick that follows `after`, due (`run_after <= now`) or yet to come; None: no more.

    after: the logical date of the last tick, None before the first. since: when the schedule came
    into force (DAG registered or unpaused), the origin of a schedule that has no start; `now` if
    not given. after_end: the end of the last tick's interval, for `continuous`.

    With `catchup` each tick is given, one a call, however late; without it all but the latest due
    one are passed over. The start and the end of the schedule belong to it, and the tick is always
    later than `after`. Raises ScheduleError for a schedule that `check` would refuse.
    """
    since = now if since is None else since
    match schedule.kind:
        case "cron":
            date = _cron(schedule, after, now, since)
        case "delta":
            date = _delta(schedule, after, now, since)
        case "once" if after is None:
            date = schedule.start if schedule.start is not None else since
        case "continuous":
            return _continuous(schedule, after, now, after_end)
        case "once" | "none":
            return None
        case _:
            raise _unknown(schedule)
    if date is None or (schedule.end is not None and date > schedule.end):
        return None
    return Tick(date, date, date, date)


def missed(
    schedule: SerializedSchedule, after: int | None, now: int, *, since: int | None = None
) -> Iterator[Tick]:
    """Yield the ticks after `after` that are due at `now`, the oldest first, made one at a time.

    A schedule without `catchup` has at most one. `continuous` yields one and leaves it at that: its
    next tick comes of that run's end.
    """
    while (tick := next_run(schedule, after, now, since=since)) and tick.run_after <= now:
        yield tick
        if schedule.kind == "continuous":
            return
        after = tick.logical_date


def upcoming(
    schedule: SerializedSchedule, after: int | None, now: int, *, since: int | None = None
) -> Iterator[Tick]:
    """Yield the ticks to come as if each were made on time: the due ones, then the future's."""
    while tick := next_run(schedule, after, now, since=since):
        yield tick
        if schedule.kind == "continuous":
            return
        after, now = tick.logical_date, max(now, tick.run_after)


def run_id(tick: Tick) -> str:
    """Return the run id of a scheduled run, as Airflow writes it: its logical date says it all."""
    return f"scheduled__{(UTC_EPOCH + timedelta(microseconds=tick.logical_date)).isoformat()}"


def check(schedule: SerializedSchedule) -> None:
    """Raise ScheduleError, a sentence for the DAG's author, if the schedule cannot be followed."""
    zone(schedule.timezone)
    match schedule.kind:
        case "cron":
            _crontab(schedule)
        case "delta":
            _step(schedule)
        case "once" | "continuous" | "none":
            return
        case _:
            raise _unknown(schedule)


# ---------------------------------------------------------------- the kinds


def _cron(schedule: SerializedSchedule, after: int | None, now: int, since: int) -> int | None:
    table = _crontab(schedule)
    if schedule.start is not None:
        before = schedule.start - 1
        date = table.after(before if after is None else max(after, before))
    elif after is not None:
        date = table.after(after)
    else:
        date = _first_of(table, since)
    if schedule.catchup or date is None or date >= now:
        return date
    return max(date, table.latest(now) or date)


def _first_of(table: Crontab, since: int) -> int | None:
    """Return the first tick of a crontab that has no start: the last one if that is fresh."""
    past, coming = table.latest(since), table.after(since - 1)
    if past is None or coming is None:
        return coming
    return past if since - past <= max((coming - past) // 10, FRESH) else coming


def _delta(schedule: SerializedSchedule, after: int | None, now: int, since: int) -> int:
    step = _step(schedule)
    first = schedule.start if schedule.start is not None else since
    date = first if after is None else after + step
    if schedule.start is not None:
        date = max(date, schedule.start)
    if schedule.catchup or date >= now:
        return date
    # Airflow starts anew from `now` here; kept on the grid, every coordinator finds the same tick.
    return date + (now - date) // step * step


def _continuous(
    schedule: SerializedSchedule, after: int | None, now: int, after_end: int | None
) -> Tick | None:
    first = schedule.start if schedule.start is not None else now
    start = first if after is None else max(after + 1, after if after_end is None else after_end)
    if schedule.start is not None:
        start = max(start, schedule.start)
    end = max(start, now)
    if schedule.end is not None and end > schedule.end:
        return None
    return Tick(start, start, end, end)


def _crontab(schedule: SerializedSchedule) -> Crontab:
    if schedule.cron is None:
        raise ScheduleError("A schedule of kind 'cron' has no expression. Write one.")
    return crontab(schedule.cron, schedule.timezone)


def _step(schedule: SerializedSchedule) -> int:
    step = round((schedule.delta or 0.0) * SECOND)
    if step <= 0:
        raise ScheduleError(
            f"A schedule every {schedule.delta} seconds would never move on. "
            "Write a timedelta of more than zero."
        )
    return step


def _unknown(schedule: SerializedSchedule) -> ScheduleError:
    return ScheduleError(
        f"A schedule of kind {schedule.kind!r} is not known (known: none, once, continuous, cron, "
        "delta). The DAG may come from a newer Penstock: update this one."
    )


# ---------------------------------------------------------------- for people

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def describe(schedule: SerializedSchedule) -> str:
    """Return the schedule in words: `daily at 02:30 (Europe/Berlin), from 2026-01-01 00:00 UTC`."""
    match schedule.kind:
        case "cron":
            words = f"{_cron_words(schedule.cron or '')} ({schedule.timezone})"
        case "delta":
            words = f"every {_span_words(_step(schedule))}"
        case "once":
            words = "once"
        case "continuous":
            words = "again as soon as the last run has ended"
        case "none":
            return "only when asked for"
        case _:
            raise _unknown(schedule)
    if schedule.start is not None:
        words += f", from {_moment(schedule.start)}"
    if schedule.end is not None:
        words += f", until {_moment(schedule.end)}"
    if schedule.catchup and schedule.kind in ("cron", "delta"):
        words += ", what was missed is caught up"
    return words


def _cron_words(expression: str) -> str:
    text = PRESETS.get(expression.strip().lower(), expression)
    match text.split():
        case ["*", "*", "*", "*", "*"]:
            return "every minute"
        case [minute, "*", "*", "*", "*"] if minute.startswith("*/") and minute[2:].isdigit():
            return f"every {minute[2:]} minutes"
        case [minute, "*", "*", "*", "*"] if minute.isdigit():
            return f"hourly at {int(minute)} past"
        case [minute, hour, day, month, weekday] if minute.isdigit() and hour.isdigit():
            at = f"at {int(hour):02}:{int(minute):02}"
            match day, month, weekday:
                case "*", "*", "*":
                    return f"daily {at}"
                case "*", "*", _ if weekday in tuple("01234567"):
                    return f"every {WEEKDAYS[int(weekday)]} {at}"
                case _, "*", "*" if day.isdigit():
                    return f"monthly on day {int(day)} {at}"
    return f"by cron `{text}`"


def _span_words(span: int) -> str:
    units = (("day", 86_400 * SECOND), ("h", 3600 * SECOND), ("min", 60 * SECOND))
    words = []
    for name, size in units:
        many, span = divmod(span, size)
        if many:
            words.append(f"{many} {name}{'s' if name == 'day' and many > 1 else ''}")
    if span or not words:
        words.append(f"{span / SECOND:g} s")
    return " ".join(words)


def _moment(instant: int) -> str:
    return f"{UTC_EPOCH + timedelta(microseconds=instant):%Y-%m-%d %H:%M} UTC"
