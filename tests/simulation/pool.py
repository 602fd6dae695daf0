"""A pool over simulated time: what a job does is a draw of its own seed, how long it takes as well.

What user code would have done to the outside world is written down in `Effects`, when it is done,
whoever is alive then: that is what the promises to users are judged by.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec import Raw

from penstock.events.types import Attempt, Delivery, Xcom
from penstock.worker.pool import Ending, Job, Listener


@dataclass
class Effect:
    """User code ran in `worker` from `began` (to `ended`, None: it was killed in mid-run)."""

    attempt: Attempt
    delivery: Delivery
    worker: str
    began: float
    ended: float | None = None
    killed: float | None = None


@dataclass
class Effects:
    rows: list[Effect] = field(default_factory=list)


Script = Callable[[Attempt], str]
"""What a try of a task does: `ok`, `fail`, `final`, `skip`. The same for the same attempt."""


class SimPool:
    """Passes for a `Pool`. die: the children of a worker are dead at once."""

    def __init__(
        self, worker: str, effects: Effects, script: Script, chance: random.Random, slow: float
    ) -> None:
        self.worker, self.effects, self.script, self.chance = worker, effects, script, chance
        self.slow = slow
        self.lanes: dict[int, list[Job]] = {}
        self.running: dict[Delivery, tuple[Effect, asyncio.TimerHandle, Job, int]] = {}
        self.listener: Listener | None = None
        self.until = 0.0
        self.is_dead = False
        self.guard: asyncio.TimerHandle | None = None

    async def start(self, listener: Listener) -> None:
        self.listener = listener

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def run(self, lane: int, jobs: Sequence[Job]) -> None:
        if self.is_dead:
            return
        for job in jobs:
            if lane < 0:
                self.begin(lane, job)
            else:
                self.lanes.setdefault(lane, []).append(job)
        if lane >= 0:
            self.next_of(lane)

    def next_of(self, lane: int) -> None:
        if any(it[3] == lane for it in self.running.values()):
            return
        waiting = self.lanes.get(lane, [])
        if not waiting:
            return
        if waiting[0].work.exclusive and self.until <= self.now():
            return  # `renew` tries again
        self.begin(lane, waiting.pop(0))

    def begin(self, lane: int, job: Job) -> None:
        assert self.listener is not None
        effect = Effect(job.work.attempt, job.work.delivery, self.worker, self.now())
        self.effects.rows.append(effect)
        took = self.chance.expovariate(1 / self.slow)
        timer = asyncio.get_running_loop().call_later(took, self.end, job, took)
        self.running[job.work.delivery] = (effect, timer, job, lane)
        self.listener.began(job.work.delivery)

    def end(self, job: Job, took: float) -> None:
        effect, _, _, lane = self.running.pop(job.work.delivery)
        effect.ended = self.now()
        assert self.listener is not None
        what = "ok" if job.work.kind == "callback" else self.script(job.work.attempt)
        values: dict[str, object] = {
            "ok": dict(how="returned", xcoms=(value_of(job.work.attempt),)),
            "fail": dict(how="raised", reason="ValueError: no luck"),
            "final": dict(how="raised", reason="AirflowFailException: enough", final=True),
            "skip": dict(how="skipped", reason="not today"),
        }[what]
        self.listener.ended(job.work.delivery, Ending(took=took, **values))  # type: ignore[arg-type]
        self.next_of(lane)

    def take_back(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        taken = []
        for jobs in self.lanes.values():
            for job in [job for job in jobs if job.work.delivery in deliveries]:
                jobs.remove(job)
                taken.append(job.work.delivery)
        return taken

    def stop(self, delivery: Delivery, why: str) -> None:
        def killed() -> None:
            if self.is_dead or self.listener is None:
                return
            self.kill(delivery)
            self.listener.ended(delivery, Ending(how="died", signal=9, asked=why))
            for lane in list(self.lanes):
                self.next_of(lane)

        if delivery in self.running:
            asyncio.get_running_loop().call_later(0.01, killed)

    def kill(self, delivery: Delivery) -> None:
        found = self.running.pop(delivery, None)
        if found is not None:
            found[1].cancel()
            found[0].killed = self.now()

    def pause(self, delivery: Delivery) -> None: ...
    def resume(self, delivery: Delivery) -> None: ...

    def renew(self, seconds: float) -> None:
        self.until = self.now() + seconds
        if self.guard is not None:
            self.guard.cancel()
        self.guard = asyncio.get_running_loop().call_later(seconds, self.expire)
        for lane in list(self.lanes):
            self.next_of(lane)

    def expire(self) -> None:
        """The kernel's timer: it kills exclusive children whatever their worker does."""
        for delivery, (_, _, job, _) in list(self.running.items()):
            if job.work.exclusive:
                self.kill(delivery)
                if not self.is_dead and self.listener is not None:
                    self.listener.ended(delivery, Ending(how="died", signal=9))

    async def close(self) -> None:
        self.die()

    def die(self) -> None:
        self.is_dead = True
        for delivery in list(self.running):
            self.kill(delivery)
        self.lanes.clear()


def value_of(attempt: Attempt) -> Xcom:
    """Every task returns a list of three, so that anything can be mapped over anything."""
    return Xcom(value=Raw(b"[1,2,3]"), length=3)
