"""Keeps runs going, kills processes meanwhile, waits for every run's end, and judges.

Runs are asked for and heard of by the outside contract, from another process, with a key of its
own: a trigger that was kept starts its run once, and each end is told, whatever dies in between.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from penstock.events.bus import BusError, Stored
from penstock.events.client import Client
from penstock.events.server import read_credentials

from . import judge
from .daemon import KINDS, Daemon
from .fold import copy_database, position_of
from .work import DAGS, Line, misbehaved, read_lines, write_dags

ENDS = ("success", "failed", "quarantined")

AT_ONCE = 3
"""Runs that are kept going."""

START_SECONDS = 60.0
SETTLE_SECONDS = 30.0


class StuckError(AssertionError):
    """Something did not come in time."""


@dataclass(frozen=True)
class Plan:
    """kills: how many. kinds: what is killed. in_turn: one kind after the other, not at random.

    calm: wait for the tasks to run again, and some, before the next kill. pause: the most seconds
    between two kills. redeliveries: how often the infrastructure may lose a try; far above the
    default, since more than three kills can well meet the same task. patience: seconds for all
    runs to end after the last kill.
    """

    kills: int
    seed: int
    calm: bool = False
    in_turn: bool = False
    kinds: tuple[str, ...] = KINDS
    slots: int = 4
    pause: float = 3.0
    redeliveries: int = 50
    patience: float = 120.0


@dataclass
class Strike:
    """A kill. at: seconds since 1970."""

    kind: str
    pid: int
    at: float


@dataclass
class Verdict:
    """What came of it. runs, tasks: how many; again: tries that were begun more than once.

    outages: of each kill, its kind and the seconds in which no task began.
    """

    runs: int = 0
    tasks: int = 0
    again: int = 0
    outages: list[tuple[str, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Storm:
    """One daemon and one plan; `run` it once, in an empty folder. say: told a line per kill."""

    def __init__(self, folder: Path, plan: Plan, say: Callable[[str], None] = print) -> None:
        self.folder, self.plan, self.say = folder, plan, say
        self.lines = write_dags(folder)
        self.daemon = Daemon(folder, slots=plan.slots, redeliveries=plan.redeliveries)
        self.chance = random.Random(plan.seed)
        self.asked: set[str] = set()
        self.ended: dict[str, str] = {}
        self.news = asyncio.Condition()
        self.strikes: list[Strike] = []
        self.copies: list[Path] = []

    async def run(self) -> Verdict:
        """Return the verdict. Raises StuckError, SurvivorError."""
        self.daemon.start()
        try:
            await self.begin()
            return await self.rage()
        finally:
            self.daemon.kill()

    async def begin(self) -> None:
        """Return when the first task has begun."""
        url = self.daemon.url
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                async with Client.connect(url, nkey_seed=self.daemon.seed) as client:
                    await client.position()
                return
            except BusError as error:
                if time.monotonic() > until or self.daemon.has_ended:
                    raise StuckError(f"the daemon does not start: {error}") from error

    async def rage(self) -> Verdict:
        async with Client.connect(self.daemon.url, nkey_seed=self.daemon.seed) as client:
            hearing = asyncio.create_task(self.hear(client))
            asking = asyncio.create_task(self.ask(client))
            try:
                await self.until_lines(1)
                await self.kill_all(asking, hearing)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
                await self.until_over(hearing)
            finally:
                asking.cancel()
                hearing.cancel()
                await asyncio.gather(asking, hearing, return_exceptions=True)
        return await self.judge()

    # ------------------------------------------------------------ the load

    async def ask(self, client: Client) -> None:
        """Keep runs going, until cancelled."""
        for number in itertools.count():
            dag_id, run_id = DAGS[number % len(DAGS)], f"run{number}"
            # Asked for before it is known whether that is kept: so it is sent until it is.
            self.asked.add(f"{dag_id}/{run_id}")
            await client.trigger(dag_id, id=run_id, run_id=run_id, timeout=START_SECONDS)
            async with self.news:
                await self.news.wait_for(lambda: len(self.asked) - len(self.ended) < AT_ONCE)

    async def hear(self, client: Client) -> None:
        """Note the end of every run, until cancelled."""
        async for notice in client.notices("event.run.>", after=0):
            data = notice["data"]
            if data["state"] in ENDS:
                async with self.news:
                    self.ended[f"{data['dag_id']}/{data['run_id']}"] = data["state"]
                    self.news.notify_all()

    async def until_over(self, hearing: asyncio.Task[None]) -> None:
        async def over() -> None:
            async with self.news:
                await self.news.wait_for(lambda: self.asked <= self.ended.keys())

        done = asyncio.create_task(over())
        await asyncio.wait(
            {done, hearing}, timeout=self.plan.patience, return_when=asyncio.FIRST_COMPLETED
        )
        if not done.done():
            done.cancel()
            if hearing.done():
                hearing.result()
            left = sorted(self.asked - self.ended.keys())
            raise StuckError(f"not over {self.plan.patience:g} s after the last kill: {left}")

    # ------------------------------------------------------------ the kills

    async def kill_all(self, *running: asyncio.Task[None]) -> None:
        kinds, kind = itertools.cycle(self.plan.kinds), None
        while len(self.strikes) < self.plan.kills:
            for task in running:
                if task.done():
                    task.result()
            if kind is None:
                kind = next(kinds) if self.plan.in_turn else self.chance.choice(self.plan.kinds)
            seen = len(self.lines.read_bytes().splitlines())
            at = time.time()
            pid = await self.daemon.strike(kind, self.chance)
            if self.daemon.has_ended:
                raise StuckError("penstock up ended by itself: see up.log")
            if pid is None:  # it is being started just now
                await asyncio.sleep(0.05)
                continue
            self.strikes.append(Strike(kind, pid, at))
            self.say(f"kill {len(self.strikes)}: {kind} {pid}, {len(self.ended)} runs are over")
            kind = None
            if self.plan.calm:
                await self.until_lines(seen + 2 * self.plan.slots + 30)
                await asyncio.sleep(2.5)  # what lives shorter than 2 s is started again slower
            else:
                await asyncio.sleep(self.chance.uniform(0.0, self.plan.pause))
            if len(self.strikes) % 5 == 0:
                await self.copy()

    async def until_lines(self, count: int) -> None:
        """Wait for tasks to have written so many lines. Raises StuckError."""
        until = time.monotonic() + START_SECONDS
        while len(self.lines.read_bytes().splitlines()) < count:
            if time.monotonic() > until:
                raise StuckError(f"no tasks ran for {START_SECONDS:g} s")
            await asyncio.sleep(0.02)

    async def copy(self) -> None:
        """Keep the database as it is at this moment, for the judge."""
        target = self.folder / f"copy{len(self.copies)}.db"
        await asyncio.to_thread(copy_database, self.daemon.home.database, target)
        self.copies.append(target)

    # ------------------------------------------------------------ the end

    async def judge(self) -> Verdict:
        self.say("every run is over; judging")
        log, heard = await self.settled()
        code = await self.daemon.stop()
        lines = read_lines(self.lines)
        verdict = Verdict(len(self.asked), len({line.place for line in lines}))
        begun = [(line.place, line.try_number) for line in lines if line.what == "begin"]
        verdict.again = len(begun) - len(set(begun))
        verdict.outages = outages(self.strikes, lines)
        wrong = verdict.wrong
        if code:
            wrong.append(f"penstock up ended with code {code} when it was told to end")
        wrong += misbehaved(lines)
        wrong += judge.runs(self.copies[-1], self.asked)
        redeliveries = self.plan.redeliveries
        folded, differing = await asyncio.to_thread(
            judge.projections, log, self.copies, redeliveries
        )
        wrong += differing
        wrong += judge.notices(folded, heard)
        return verdict

    async def settled(self) -> tuple[list[Stored], list[Stored]]:
        """Return log and notices once the projection has caught up with the log."""
        until = time.monotonic() + SETTLE_SECONDS
        while True:
            found = read_credentials(self.daemon.home.folder)
            assert found is not None
            try:
                log, heard = await judge.read_all(found.url, found.coordinator)
                await self.copy()
                if position_of(self.copies[-1]) == log[-1].sequence:
                    return log, heard
                self.copies.pop().unlink()
            except BusError as error:
                self.say(f"not settled yet: {error}")
            if time.monotonic() > until:
                raise StuckError("the projection does not catch up with the log")
            await asyncio.sleep(0.2)


def outages(strikes: list[Strike], lines: list[Line]) -> list[tuple[str, float]]:
    """Return of each kill the longest time between it and the next one in which no task began."""
    begun = sorted(line.at for line in lines if line.what == "begin")
    found = []
    for place, strike in enumerate(strikes):
        until = strikes[place + 1].at if place + 1 < len(strikes) else begun[-1]
        moments = [strike.at, *(at for at in begun if strike.at < at < until), until]
        found.append(
            (strike.kind, max(after - before for before, after in itertools.pairwise(moments)))
        )
    return found
