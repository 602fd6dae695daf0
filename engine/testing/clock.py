"""Time that does not wait: the machine's clock, and what was passed over.

When nothing can be done before a moment, the clock is moved on to it. What user code reads stays
the machine's; Penstock's own sensors, and the operators that go by the clock, read this one, so
that a sensor that waits until tomorrow finds that it is tomorrow.
"""

from __future__ import annotations

import datetime as datetimes
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from typing import Any

SECOND = 1_000_000

READERS = ("penstock.authoring.sensor", "penstock.steps.times", "penstock.airflow.times")
ROOMS = ("penstock.steps.sensors.", "penstock.steps.triggers.")
"""Modules whose `time` and `datetime` are this clock's while it rules."""


class VirtualClock:
    """Moves on by itself as the machine's does, and at once where one would only wait.

    real: nothing is passed over; who waits, waits. skipped: microseconds passed over so far.
    """

    def __init__(self, *, real: bool = False) -> None:
        self.real = real
        self.skipped = 0
        self.last = 0
        self.limit_at = 0
        self.ring: Callable[[], None] | None = None

    def now(self) -> int:
        """Return microseconds since 1970, UTC; never less than before."""
        self.last = max(self.last, time.time_ns() // 1000 + self.skipped)
        return self.last

    def wait_until(self, due: int) -> None:
        """Come back when it is `due`, at once if this clock is not the machine's."""
        left = due - self.now()
        if left <= 0:
            return
        if self.real:
            time.sleep(left / SECOND)
            return
        self.skipped += left
        if self.ring is not None and self.now() >= self.limit_at:
            self.ring()

    def sleep(self, seconds: float) -> None:
        self.wait_until(self.now() + round(seconds * SECOND))

    @contextmanager
    def limit(self, seconds: float, ring: Callable[[], None]) -> Iterator[None]:
        """Call `ring` when so much is passed over in here that the seconds are up."""
        self.limit_at, self.ring = self.now() + round(seconds * SECOND), ring
        try:
            yield
        finally:
            self.ring = None

    @contextmanager
    def rule(self) -> Iterator[None]:
        """Be the clock of Penstock's own sensors, until the block is left."""
        if self.real:
            yield
            return
        kind = _datetime_of(self)
        instead: dict[int, Any] = {
            id(time): _Time(self),
            id(datetime): kind,
            id(datetimes): _Datetimes(kind),
        }
        changed = [
            (module, name, value)
            for named, module in list(sys.modules.items())
            if named in READERS or named.startswith(ROOMS)
            for name, value in vars(module).items()
            if id(value) in instead
        ]
        for module, name, value in changed:
            setattr(module, name, instead[id(value)])
        try:
            yield
        finally:
            for module, name, value in changed:
                setattr(module, name, value)


class _Time:
    """The module `time`, by a virtual clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def time(self) -> float:
        return self._clock.now() / SECOND

    def monotonic(self) -> float:
        return time.monotonic() + self._clock.skipped / SECOND

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


class _AnyDatetime(type):
    """Every datetime is one of these: only what `now` says is otherwise."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


def _datetime_of(clock: VirtualClock) -> Any:
    """Return the class `datetime`, by a virtual clock; what it makes are plain datetimes."""

    class VirtualDatetime(datetime, metaclass=_AnyDatetime):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return datetime(*args, **kwargs)

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(microseconds=clock.skipped)

    return VirtualDatetime


class _Datetimes:
    """The module `datetime`, with that class."""

    def __init__(self, kind: Any) -> None:
        self.datetime = kind

    def __getattr__(self, name: str) -> Any:
        return getattr(datetimes, name)
