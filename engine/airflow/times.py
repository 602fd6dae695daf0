"""`airflow.utils.timezone` and `airflow.utils.dates`: moments with time zones, for DAG files.

These read the clock: `utcnow` and `days_ago` are asked for by the file itself.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pendulum

AIRFLOW_VERSION = "3.3.2"
"""The version of Airflow whose names and behaviour are served."""

utc = pendulum.UTC
utc_epoch = dt.datetime(1970, 1, 1, tzinfo=utc)


def utcnow() -> dt.datetime:
    return dt.datetime.now(tz=utc)


def datetime(*args: Any, **kwargs: Any) -> dt.datetime:
    """Return a datetime that has a time zone: the one given, else UTC."""
    kwargs.setdefault("tzinfo", utc)
    return dt.datetime(*args, **kwargs)


def is_localized(value: dt.datetime) -> bool:
    return value.utcoffset() is not None


def is_naive(value: dt.datetime) -> bool:
    return value.utcoffset() is None


def make_aware(value: dt.datetime, timezone: dt.tzinfo | None = None) -> dt.datetime:
    """Return a moment without a time zone as one in `timezone` (UTC). ValueError if it has one."""
    if is_localized(value):
        raise ValueError(f"make_aware expects a naive datetime, got {value}")
    return value.replace(tzinfo=timezone or utc)


def make_naive(value: dt.datetime, timezone: dt.tzinfo | None = None) -> dt.datetime:
    """Return a moment as the clock on a wall in `timezone` (UTC) shows it."""
    if is_naive(value):
        raise ValueError("make_naive cannot be applied to a naive datetime")
    return value.astimezone(timezone or utc).replace(tzinfo=None)


def convert_to_utc(value: dt.datetime | None) -> Any:
    if value is None:
        return None
    return pendulum.instance(make_aware(value) if is_naive(value) else value).in_timezone(utc)


def coerce_datetime(value: dt.datetime | None, tz: dt.tzinfo | None = None) -> Any:
    if value is None:
        return None
    aware = make_aware(value) if is_naive(value) else value
    return pendulum.instance(aware if tz is None else aware.astimezone(tz))


def parse(string: str, timezone: Any = None, *, strict: bool = False) -> Any:
    """Return the moment that a text says; in `timezone` (UTC) if it says none."""
    return pendulum.parse(string, tz=timezone or utc, strict=strict)


def days_ago(n: int, hour: int = 0, minute: int = 0, second: int = 0, microsecond: int = 0) -> Any:
    """Return the day `n` days before today, UTC, at a time of day."""
    at = {"hour": hour, "minute": minute, "second": second, "microsecond": microsecond}
    return pendulum.instance(utcnow().replace(**at)) - dt.timedelta(days=n)  # type: ignore[arg-type]
