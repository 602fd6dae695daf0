"""From the exception by which user code says "not now" to the pause that the log is told of.

A sensor that looks again later names a moment. An operator that defers names a trigger, and the
method to go on with when that fires; a trigger that waits for nothing but a moment needs no process
at all, so of that only the moment is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.errors import PenstockError
from penstock.events import types as t

PAUSES = frozenset({"TaskDeferred", "AirflowRescheduleException"})
"""Names decide: users raise Airflow's."""

Encode = Callable[[str, Any], t.Xcom]
MICROSECOND = timedelta(microseconds=1)


class NoMomentError(PenstockError):
    """A task wants to wait until something that is no moment."""


def pause_of(error: BaseException, encode: Encode, pushed: tuple[t.Xcom, ...], now: int) -> t.Pause:
    """Return what an attempt waits for. encode: writes a value as XComs are. now: microseconds.

    Raises whatever the trigger's `serialize` does, TypeError for what cannot be kept.
    """
    found: Any = error
    if not hasattr(found, "trigger"):
        awaits = tuple(getattr(found, "penstock_awaits", ()))
        return t.Pause(until=micros(found.reschedule_date), xcoms=pushed, awaits=awaits)
    fires_at = getattr(found.trigger, "penstock_fires_at", None)
    resume = {"method": found.method_name, "kwargs": dict(found.kwargs or {}), "moment": fires_at}
    deadline = None if found.timeout is None else now + seconds(found.timeout)
    if fires_at is not None:
        until = micros(fires_at)
        kept = encode("resume", resume)
        if deadline is not None and deadline < until:
            return t.Pause(deadline=deadline, resume=kept, xcoms=pushed)
        awaits = tuple(getattr(found.trigger, "penstock_awaits", ()))
        ends = bool(getattr(found.trigger, "penstock_ends_task", False))
        return t.Pause(until=until, resume=kept, xcoms=pushed, awaits=awaits, ends=ends)
    path, kwargs = found.trigger.serialize()
    return t.Pause(
        trigger=encode("trigger", {"path": path, "kwargs": kwargs}),
        deadline=deadline,
        resume=encode("resume", resume),
        xcoms=pushed,
    )


def micros(moment: Any) -> int:
    """Return UTC microseconds of a moment; one without a time zone is taken as UTC."""
    if not isinstance(moment, datetime):
        raise NoMomentError(f"a task can wait until a datetime, not until {moment!r}")
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000_000)


def seconds(span: Any) -> int:
    """Return a timedelta, or a number of seconds, in microseconds."""
    whole = span if isinstance(span, timedelta) else timedelta(seconds=float(span))
    return whole // MICROSECOND
