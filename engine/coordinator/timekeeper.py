"""Has the log told when a moment comes: retries, run timeouts, the ticks of schedules.

Retries and timeouts are spans: they are measured on the loop's clock, which never jumps, and end
early if the date says so (a laptop that slept). Ticks are dates: they follow the machine's clock,
are looked at again after a jump, and a tick that was made is never made twice, whatever the clock
says, because (DAG, logical date) is in the log.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable

from penstock.clock import Clock
from penstock.events.types import Event, TimerDue
from penstock.lifecycle.commands import Remind
from penstock.lifecycle.state import State
from penstock.lifecycle.ticks import next_tick, tick_event

SECOND = 1_000_000
LOOK_SECONDS = 10.0
"""The clock is compared with the loop's at least this often."""

JUMP = 2 * SECOND
"""A difference between the two that is called a jump."""

log = logging.getLogger("penstock.timekeeper")


class Timekeeper:
    """propose: has an event appended. may_begin: whether a new run may be made just now."""

    def __init__(
        self,
        state: State,
        clock: Clock,
        propose: Callable[[Event], None],
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        self.state, self.clock, self.propose, self.may_begin = state, clock, propose, may_begin
        self.is_holding = False  # ticks are due, and wait for room on the disk
        self.timers: list[tuple[float, int, Remind]] = []  # by the loop's time
        self.ticks: list[tuple[int, int, str]] = []  # by date
        self.planned: dict[str, int] = {}  # DAG: the serial of its entry that counts
        self.proposed: dict[str, int] = {}  # DAG: logical date of the tick that is on its way
        self.serial = itertools.count(1)
        self.wake = asyncio.Event()
        self.offset = self.measure()

    def measure(self) -> int:
        """Return the date minus the loop's time: constant unless the clock jumps."""
        return self.clock.now() - round(asyncio.get_running_loop().time() * SECOND)

    def remind(self, command: Remind) -> None:
        # The fold's clock never goes back: after a jump of ours it is ahead of us, and so is `due`.
        now = max(self.clock.now(), self.state.now)
        at = asyncio.get_running_loop().time() + max(0, command.due - now) / SECOND
        heapq.heappush(self.timers, (at, next(self.serial), command))
        self.wake.set()

    def plan(self, dag_id: str) -> None:
        """Find the DAG's next tick; what was planned before does not count any more."""
        dag = self.state.dags.get(dag_id)
        tick = None if dag is None else next_tick(dag, self.clock.now())
        self.planned.pop(dag_id, None)
        if tick is None:
            return
        serial = self.planned[dag_id] = next(self.serial)
        heapq.heappush(self.ticks, (tick.run_after, serial, dag_id))
        self.wake.set()

    async def run(self) -> None:
        """Propose what is due, until cancelled."""
        while True:
            self.wake.clear()
            self.look_for_jump()
            self.fire_timers()
            self.fire_ticks()
            try:
                async with asyncio.timeout(self.span()):
                    await self.wake.wait()
            except TimeoutError:
                continue

    def span(self) -> float:
        """Return the seconds until the next thing is due, LOOK_SECONDS at most."""
        spans = [LOOK_SECONDS]
        if self.timers:
            spans.append(self.timers[0][0] - asyncio.get_running_loop().time())
        if self.ticks and not self.is_holding:
            spans.append((self.ticks[0][0] - self.clock.now()) / SECOND)
        return max(0.0, min(spans))

    def look_for_jump(self) -> None:
        offset = self.measure()
        jump, self.offset = offset - self.offset, offset
        if abs(jump) < JUMP:
            return
        way = "forwards" if jump > 0 else "backwards"
        seconds = abs(jump) / SECOND
        log.warning(
            "the clock jumped %s by %.1f s; schedules follow it, waits do not", way, seconds
        )
        if jump > 0:
            waits, self.timers = self.timers, []
            for _, _, command in waits:
                self.remind(command)
        for dag_id in list(self.planned):
            self.plan(dag_id)

    def fire_timers(self) -> None:
        now = asyncio.get_running_loop().time()
        while self.timers and self.timers[0][0] <= now:
            due = heapq.heappop(self.timers)[2]
            self.propose(
                TimerDue(
                    caused_by=due.caused_by,
                    what=due.what,
                    due=due.due,
                    run=due.run,
                    task=due.task,
                    index=due.index,
                )
            )

    def fire_ticks(self) -> None:
        now = self.clock.now()
        is_due = bool(self.ticks) and self.ticks[0][0] <= now
        self.is_holding = is_due and not self.may_begin()
        while self.ticks and self.ticks[0][0] <= now and not self.is_holding:
            _, serial, dag_id = heapq.heappop(self.ticks)
            if self.planned.get(dag_id) != serial:
                continue
            del self.planned[dag_id]
            dag = self.state.dags[dag_id]
            tick = next_tick(dag, now)
            if tick is None or self.proposed.get(dag_id) == tick.logical_date:
                continue
            if tick.run_after > now:
                self.plan(dag_id)  # the clock went back since
                continue
            self.proposed[dag_id] = tick.logical_date
            self.propose(tick_event(dag, tick))
