"""A cron expression in a time zone, as a row of instants.

Two things make this hard, and each is dealt with once. *Days* (`L`, `5#3`, day of month or day of
week, leap days) are croniter's business, asked for one day at a time and remembered. *Wall clocks*
that jump are ours: an expression names wall times, and this is what they mean as instants.

| the wall time | it means |
| --- | --- |
| happens once | that instant |
| is jumped over (clocks go forward) | as much later as the clocks jumped: 02:30 is 03:30 |
| happens twice (clocks go back) | the second; both, if the hour field is `*` |

These are Airflow's rules. Where two wall times fall on one instant it is there once. Instants are
microseconds since 1970, UTC.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from penstock.errors import PenstockError

SECOND = 1_000_000
DAY = 86_400
EPOCH = datetime(1970, 1, 1)
UTC_EPOCH = EPOCH.replace(tzinfo=UTC)

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
"""What Airflow's words for schedules stand for."""

UNSTEADY = re.compile(r"[hr](\(\d+-\d+\))?(/\d+)?", re.IGNORECASE)
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
REACH = 26 * 3600 * SECOND
"""No change of a zone's offset moves an instant further than this (Samoa left out a whole day)."""
YEARS = 130
"""How far away a day is looked for: a year field may name any year from 1970 to 2099."""


class ScheduleError(PenstockError):
    """A schedule makes no sense. The DAG is refused, or its last good version stays in force."""


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """Return the time zone of an IANA name or of an offset like `+02:00`; else ScheduleError."""
    offset = OFFSET.fullmatch(name)
    if offset:
        sign, hours, minutes = offset.groups()
        span = timedelta(hours=int(hours), minutes=int(minutes))
        if span < timedelta(days=1):
            return timezone(-span if sign == "-" else span)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ScheduleError(
            f"The time zone {name!r} is not known. Write an IANA name, such as 'Europe/Berlin' or "
            "'UTC', or an offset, such as '+02:00'."
        ) from None


@lru_cache(maxsize=4096)
def crontab(expression: str, zone_name: str) -> Crontab:
    """Return the compiled crontab, the same one for the same words. Raises ScheduleError."""
    return Crontab(expression, zone(zone_name))


class Crontab:
    """The instants that `expression` names in `zone`. Immutable, but for what it remembers."""

    def __init__(self, expression: str, zone: tzinfo) -> None:
        text = PRESETS.get(expression.strip().lower(), expression)
        fields = text.split()
        expanded = _expand(text, fields, expression)
        self.zone = zone
        self.every_hour = expanded[1] == ["*"]
        seconds = _numbers(expanded[5], 60) if len(expanded) > 5 else [0]
        self.times = [
            hour * 3600 + minute * 60 + second
            for hour in _numbers(expanded[1], 24)
            for minute in _numbers(expanded[0], 60)
            for second in seconds
        ]
        self.every_day = all(expanded[place] == ["*"] for place in (2, 3, 4)) and len(fields) < 7
        self._days = " ".join(["0 0", *fields[2:5], *(["0", fields[6]] if len(fields) > 6 else [])])
        self._later: dict[int, int | None] = {}
        self._earlier: dict[int, int | None] = {}
        if not self.every_day and self._day_from(_EPOCH_DAY) is None:
            raise ScheduleError(
                f"The cron expression {expression!r} names a day that never comes. "
                "Check its day, month and weekday."
            )

    def after(self, instant: int) -> int | None:
        """Return the first instant later than `instant`; None if there is none in `YEARS`."""
        slack = self._slack(instant)
        wall = self._wall(instant) + 1 - slack
        best: int | None = None
        end: int | None = None
        while (found := self._wall_from(wall)) is not None and (end is None or found <= end):
            for candidate in self._instants(found):
                if candidate > instant and (best is None or candidate < best):
                    best, end = candidate, found + self._slack(candidate)
            wall = found + 1
        return best

    def latest(self, instant: int) -> int | None:
        """Return the last instant that is not later than `instant`; None if there is none."""
        slack = self._slack(instant)
        wall = self._wall(instant) + slack
        best: int | None = None
        end: int | None = None
        while (found := self._wall_until(wall)) is not None and (end is None or found >= end):
            for candidate in self._instants(found):
                if candidate <= instant and (best is None or candidate > best):
                    best, end = candidate, found - self._slack(candidate)
            wall = found - 1
        return best

    # Wall times are counted in seconds, as if the zone's clocks had shown 1970 and never jumped.

    def _wall(self, instant: int) -> int:
        return instant // SECOND + self._offset(instant)

    def _offset(self, instant: int) -> int:
        moment = UTC_EPOCH + timedelta(seconds=instant // SECOND)
        return _whole(moment.astimezone(self.zone).utcoffset())

    def _slack(self, instant: int) -> int:
        """Return by how many seconds walls and instants can be out of order about `instant`."""
        offsets = [self._offset(instant + away) for away in (-REACH, 0, REACH)]
        return max(offsets) - min(offsets)

    def _instants(self, wall: int) -> tuple[int, ...]:
        moment = (EPOCH + timedelta(seconds=wall)).replace(tzinfo=self.zone)
        first, second = _whole(moment.utcoffset()), _whole(moment.replace(fold=1).utcoffset())
        if first > second:  # the clocks went back: it happens twice
            again = (wall - second) * SECOND
            return ((wall - first) * SECOND, again) if self.every_hour else (again,)
        # Jumped over, `first` is the offset before the jump: the wall time moves by the jump.
        return ((wall - first) * SECOND,)

    def _wall_from(self, wall: int) -> int | None:
        day, time = divmod(wall, DAY)
        there = self._day_from(day + _EPOCH_DAY)
        if there == day + _EPOCH_DAY:
            place = bisect_left(self.times, time)
            if place < len(self.times):
                return day * DAY + self.times[place]
            there = self._day_from(there + 1)
        return None if there is None else (there - _EPOCH_DAY) * DAY + self.times[0]

    def _wall_until(self, wall: int) -> int | None:
        day, time = divmod(wall, DAY)
        there = self._day_until(day + _EPOCH_DAY)
        if there == day + _EPOCH_DAY:
            place = bisect_right(self.times, time)
            if place:
                return day * DAY + self.times[place - 1]
            there = self._day_until(there - 1)
        return None if there is None else (there - _EPOCH_DAY) * DAY + self.times[-1]

    def _day_from(self, day: int) -> int | None:
        """Return the first day that is named, from `day` on (proleptic ordinals, as `date` has)."""
        if self.every_day:
            return day if day < _LAST_DAY else None
        if day not in self._later:
            _forget(self._later)
            eve = datetime.combine(date.fromordinal(day), datetime.min.time()) - timedelta(0, 1)
            self._later[day] = self._ask(eve, "get_next")
        return self._later[day]

    def _day_until(self, day: int) -> int | None:
        if self.every_day:
            return day if day > 1 else None
        if day not in self._earlier:
            _forget(self._earlier)
            end = datetime.combine(date.fromordinal(day), datetime.min.time()) + timedelta(0, 1)
            self._earlier[day] = self._ask(end, "get_prev")
        return self._earlier[day]

    def _ask(self, moment: datetime, way: str) -> int | None:
        try:
            days = croniter(self._days, moment, max_years_between_matches=YEARS)
            found: datetime = getattr(days, way)(datetime)
        except (CroniterError, OverflowError):
            return None  # nothing within those years, or past the calendar's end
        return found.toordinal()


_EPOCH_DAY = EPOCH.toordinal()
_LAST_DAY = date(9998, 1, 1).toordinal()


def _expand(text: str, fields: list[str], said: str) -> list[list[int | str]]:
    unsteady = [item for field in fields for item in field.split(",") if UNSTEADY.fullmatch(item)]
    if unsteady:
        raise ScheduleError(
            f"The cron expression {said!r} has {unsteady[0]!r}, a time left to chance. "
            "A schedule must name the same times on every machine: write a number."
        )
    try:
        return [list(field) for field in croniter.expand(text)[0]]
    except (CroniterError, ValueError, TypeError) as error:
        raise ScheduleError(
            f"The cron expression {said!r} cannot be read: {str(error).strip().rstrip('.')}. Write "
            "minute, hour, day, month and weekday, as in '30 2 * * 1-5', or a preset "
            f"({', '.join(PRESETS)})."
        ) from None


def _numbers(field: list[int | str], many: int) -> list[int]:
    return list(range(many)) if field == ["*"] else sorted(int(number) for number in field)


def _whole(offset: timedelta | None) -> int:
    assert offset is not None  # only for naive datetimes, and there are none here
    return int(offset.total_seconds())


def _forget(memory: dict[int, int | None], limit: int = 512) -> None:
    if len(memory) >= limit:
        memory.clear()
