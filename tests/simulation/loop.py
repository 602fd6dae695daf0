"""An event loop whose clock is simulated: when nothing can run, time jumps to what is next.

One thread, no I/O, no wall clock: the same seed gives the same story. What the product runs in a
thread (a read of the database) runs here at once, in place. Tasks and futures are hashed by their
number, since asyncio keeps them in sets, and addresses differ from one process to the next.
"""

from __future__ import annotations

import asyncio
import itertools
import selectors
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation.halting import Gate

MOST_TURNS = 100_000
"""Turns of the loop at one moment, before it is said to go in circles."""


class Standstill(AssertionError):
    """Nothing can run and nothing is to come, or all goes in circles: the story would never end."""


class NoSelector(selectors.BaseSelector):
    """Selects nothing; its waiting is the passing of simulated time."""

    def __init__(self) -> None:
        self.loop: SimLoop | None = None
        self.turns = 0  # since time went on
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[Any]:
        assert self.loop is not None
        if timeout is None:
            raise Standstill(f"nothing can run any more at {self.loop.now:.3f} s")
        self.turns = 0 if timeout > 0 else self.turns + 1
        if self.turns > MOST_TURNS:
            raise Standstill(f"{MOST_TURNS} turns at {self.loop.now:.3f} s, and no end")
        self.loop.now += max(0.0, timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class SimTask(asyncio.Task[Any]):
    number: int

    def __new__(cls, coro: Any, *, loop: SimLoop, **more: Any) -> SimTask:
        task = super().__new__(cls)
        task.number = next(loop.numbers)
        return task

    def __hash__(self) -> int:
        return self.number


class SimFuture(asyncio.Future[Any]):
    def __init__(self, loop: SimLoop) -> None:
        super().__init__(loop=loop)
        self.number = next(loop.numbers)

    def __hash__(self) -> int:
        return self.number


class SimLoop(asyncio.SelectorEventLoop):
    """now: seconds of simulated time, from 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self.numbers = itertools.count(1)
        selector = NoSelector()
        super().__init__(selector)
        selector.loop = self
        self._clock_resolution = 1e-9
        self._ready = Gate()
        self.set_task_factory(lambda loop, coro, **more: SimTask(coro, loop=loop, **more))

    def create_future(self) -> asyncio.Future[Any]:
        return SimFuture(self)

    def nap(self, seconds: float) -> None:
        """The whole machine sleeps: time goes on, and nothing runs."""
        self.now += seconds

    def time(self) -> float:
        return self.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except BaseException as error:
            future.set_exception(error)
        return future


class SimClock:
    """The date of one machine: the loop's time and what it is off by. `jump` moves it."""

    START = 1_795_300_000_000_000  # a Sunday in November 2026

    def __init__(self, loop: SimLoop) -> None:
        self.loop = loop
        self.off = 0

    def now(self) -> int:
        return self.START + round(self.loop.now * 1_000_000) + self.off

    def jump(self, seconds: float) -> None:
        self.off += round(seconds * 1_000_000)
