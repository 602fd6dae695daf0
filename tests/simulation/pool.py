"""A pool over simulated time: what a job does is a draw of its own seed, how long it takes as well.

What user code would have done to the outside world is written down in `Effects`, when it is done,
whoever is alive then: that is what the promises to users are judged by.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field

from msgspec import Raw

from penstock.events.questions import AskXcoms, XcomsFound
from penstock.events.types import Attempt, Delivery, Pause, Xcom
from penstock.events.words import Work
from penstock.worker.pool import Ending, Job, Listener
from tests.simulation.halting import Signals
from tests.simulation.loop import SimClock
from tests.simulation.poison import PICKLED

SECOND = 1_000_000
LONG = 3_600 * SECOND
"""What a trigger is given: longer than any story."""


@dataclass
class Effect:
    """User code ran in `worker` from `began` (to `ended`, None: it was killed in mid-run).

    found: what an XCom question was answered, {upstream: number of values}.
    """

    attempt: Attempt
    delivery: Delivery
    worker: str
    began: float
    ended: float | None = None
    killed: float | None = None
    found: dict[str, int] = field(default_factory=dict)

    @property
    def end(self) -> float:
        return next((at for at in (self.ended, self.killed) if at is not None), float("inf"))


@dataclass
class Effects:
    rows: list[Effect] = field(default_factory=list)


@dataclass
class Play:
    """How user code behaves. script: what a try does: `ok`, `fail`, `final`, `skip`, `hang`,
    `crash`. pace: the mean of its seconds. asks: whose XComs it asks for. pauses: what it waits for
    before it goes on: `look`, `moment`, `trigger`, or "" if it does not. oom: the chance that its
    child is killed from outside.
    """

    script: Callable[[Attempt], str]
    pace: Callable[[Attempt], float] = lambda _attempt: 0.05
    asks: Callable[[Attempt], tuple[str, ...]] = lambda _attempt: ()
    pauses: Callable[[Attempt], str] = lambda _attempt: ""
    oom: float = 0.0


ENDINGS: dict[str, dict[str, object]] = {
    "fail": {"how": "raised", "reason": "ValueError: no luck"},
    "final": {"how": "raised", "reason": "AirflowFailException: enough", "final": True},
    "skip": {"how": "skipped", "reason": "not today"},
    "crash": {"how": "died", "signal": 11},
    "oom": {"how": "died", "signal": 9},
}


@dataclass
class Run:
    """A job under way. timer: None of one that hangs, or waits for an answer."""

    effect: Effect
    job: Job
    lane: int
    timer: asyncio.TimerHandle | None = None


class SimPool:
    """Passes for a `Pool`. die: the children of a worker are dead at once."""

    def __init__(
        self, worker: str, effects: Effects, play: Play, chance: random.Random, signals: Signals
    ) -> None:
        self.worker, self.effects, self.play, self.chance = worker, effects, play, chance
        self.signals = signals
        self.lanes: dict[int, list[Job]] = {}
        self.running: dict[Delivery, Run] = {}
        self.listener: Listener | None = None
        self.until = 0.0
        self.is_dead = False
        self.guard: asyncio.TimerHandle | None = None
        self.asking: set[asyncio.Task[None]] = set()

    async def start(self, listener: Listener) -> None:
        self.listener = listener

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def later(
        self, seconds: float, callback: Callable[..., None], *args: object
    ) -> asyncio.TimerHandle:
        """Have it done by a child, or by the kernel: these go on while their worker is halted."""
        loop = asyncio.get_running_loop()
        return loop.call_later(seconds, callback, *args, context=Context())

    def say_ended(self, delivery: Delivery, ending: Ending) -> None:
        if not self.is_dead and self.listener is not None:
            self.signals.inside(self.listener.ended, delivery, ending)

    def run(self, lane: int, jobs: Sequence[Job]) -> None:
        if not self.is_dead:
            self.lanes.setdefault(lane, []).extend(jobs)
            self.next_of(lane)

    def next_of(self, lane: int) -> None:
        if any(it.lane == lane for it in self.running.values()):
            return
        waiting = self.lanes.get(lane, [])
        if not waiting:
            return
        if waiting[0].work.exclusive and self.until <= self.now():
            return  # `renew` tries again
        self.begin(lane, waiting.pop(0))

    def begin(self, lane: int, job: Job) -> None:
        assert self.listener is not None
        attempt, delivery = job.work.attempt, job.work.delivery
        effect = Effect(attempt, delivery, self.worker, self.now())
        self.effects.rows.append(effect)
        run = self.running[delivery] = Run(effect, job, lane)
        took = self.chance.expovariate(1 / self.play.pace(attempt))
        what = "ok" if job.work.kind == "callback" else self.play.script(attempt)
        if self.play.oom and self.chance.random() < self.play.oom:
            what = "oom"
        asked = () if job.work.kind == "callback" else self.play.asks(attempt)
        if what == "hang":
            pass
        elif asked:
            asking = self.ask(run, asked, took, what)
            task = asyncio.create_task(asking, context=self.signals.context.copy())
            self.asking.add(task)
            task.add_done_callback(self.asking.discard)
        else:
            self.end_later(run, took, what)
        self.signals.inside(self.listener.began, delivery)

    async def ask(self, run: Run, tasks: tuple[str, ...], took: float, what: str) -> None:
        """Ask for what others returned, and go on once that is known."""
        assert self.listener is not None
        answer = await self.listener.answer(AskXcoms(run=run.effect.attempt.run, tasks=tasks))
        if self.running.get(run.job.work.delivery) is not run:
            return
        if isinstance(answer, XcomsFound):
            found = [it.task for it in answer.found]
            run.effect.found = {task: found.count(task) for task in tasks}
        self.end_later(run, took, what)

    def end_later(self, run: Run, took: float, what: str) -> None:
        run.timer = self.later(took, self.end, run, took, what)

    def end(self, run: Run, took: float, what: str) -> None:
        work = run.job.work
        del self.running[work.delivery]
        run.effect.ended = self.now()
        waits_for = self.play.pauses(work.attempt) if what not in ("crash", "oom") else ""
        if waits_for:
            until = SimClock.START + round((self.now() + self.chance.expovariate(0.5)) * SECOND)
            values: dict[str, object] = {"how": "paused", "pause": pause_for(waits_for, until)}
        else:
            values = ENDINGS.get(what, {"how": "returned", "xcoms": (value_of(work),)})
        self.say_ended(work.delivery, Ending(took=took, **values))  # type: ignore[arg-type]
        self.next_of(run.lane)

    def take_back(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        taken = []
        for jobs in self.lanes.values():
            for job in [job for job in jobs if job.work.delivery in deliveries]:
                jobs.remove(job)
                taken.append(job.work.delivery)
        return taken

    def stop(self, delivery: Delivery, why: str) -> None:
        def killed() -> None:
            if self.is_dead:
                return
            begun = self.kill(delivery)
            for jobs in self.lanes.values():
                jobs[:] = [job for job in jobs if job.work.delivery != delivery]
            self.say_ended(delivery, Ending(how="died", signal=9, asked=why, begun=begun))
            for lane in list(self.lanes):
                self.next_of(lane)

        self.later(0.01, killed)

    def kill(self, delivery: Delivery) -> bool:
        found = self.running.pop(delivery, None)
        if found is None:
            return False
        if found.timer is not None:
            found.timer.cancel()
        found.effect.killed = self.now()
        return True

    def pause(self, delivery: Delivery) -> None: ...
    def resume(self, delivery: Delivery) -> None: ...

    def renew(self, seconds: float) -> None:
        self.until = self.now() + seconds
        if self.guard is not None:
            self.guard.cancel()
        self.guard = self.later(seconds, self.expire)
        for lane in list(self.lanes):
            self.next_of(lane)

    def expire(self) -> None:
        """The kernel's timer: it kills exclusive children whatever their worker does."""
        for delivery, run in list(self.running.items()):
            if run.job.work.exclusive:
                self.kill(delivery)
                self.say_ended(delivery, Ending(how="died", signal=9))

    async def close(self) -> None:
        self.die()

    def die(self) -> None:
        self.is_dead = True
        for delivery in list(self.running):
            self.kill(delivery)
        self.lanes.clear()
        for task in self.asking:
            task.cancel()


def value_of(work: Work) -> Xcom:
    """Every task returns a list of three, so that anything can be mapped over anything.

    It is a pickle that no coordinator may open, as is what a trigger fires with.
    """
    key = "event" if work.kind == "trigger" else "return_value"
    return Xcom(key=key, codec="pickle", inline=PICKLED, preview=Raw(b"[1,2,3]"), length=3)


def pause_for(what: str, until: int) -> Pause:
    poison = Xcom(codec="pickle", inline=PICKLED)
    if what == "look":
        return Pause(until=until)
    if what == "moment":
        return Pause(until=until, resume=poison)
    return Pause(trigger=poison, deadline=until + LONG, resume=poison)
