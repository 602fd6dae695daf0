"""Moments and spans as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from penstock.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_moment(text: str) -> int:
    """Return the microseconds since 1970 of an ISO 8601 date or time; without a zone it is UTC.

    Raises UsageError for anything else.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{text!r} is no date: write it as 2026-01-31, 2026-01-31T06:00 or "
            "2026-01-31T06:00:00+01:00."
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def format_moment(at: int | None) -> str | None:
    """Return RFC 3339 with microseconds, UTC."""
    if at is None:
        return None
    return (EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def local_clock(at: int) -> str:
    """Return the time of day, as this machine's user reads it, to the millisecond."""
    moment = (EPOCH + timedelta(microseconds=at)).astimezone()
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def short(text: str | None) -> str | None:
    """Return an RFC 3339 time cut to the second, for a column of a table."""
    return None if text is None else text[:19].replace("T", " ")


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Return the seconds from one RFC 3339 time to another, None unless there are both."""
    if start is None or end is None:
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def span(seconds: float | None) -> str:
    """Return a duration as it is said: 12 ms, 3.4 s, 2 min 5 s, 3 h 20 min, 4 d 2 h."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, name, below, rest in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // below} {rest}"
    return f"{whole} s"
