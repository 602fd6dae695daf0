"""The product broken on purpose, in what it holds, sends, limits and gives up (see `mutants`)."""

from __future__ import annotations

import asyncio
import base64
import heapq
import pickle
import runpy
from typing import Any

from msgspec import structs

from penstock.coordinator import coordinator as coordinating
from penstock.coordinator import dispatcher as dispatching
from penstock.coordinator.dispatcher import Dispatcher
from penstock.coordinator.hearing import Hearing
from penstock.coordinator.links import Link
from penstock.coordinator.projector import Projector
from penstock.coordinator.rescuer import Rescuer
from penstock.coordinator.timekeeper import Timekeeper
from penstock.coordinator.triggers import Triggers
from penstock.coordinator.work import WorkMaker
from penstock.events.types import Delivery, Xcom
from penstock.events.words import decode_down
from penstock.lifecycle import advance, callbacks, instances
from penstock.lifecycle.commands import Ready
from penstock.lifecycle.limits import Limit, ReadyQueue
from penstock.worker.presence import Presence
from penstock.worker.worker import Worker
from tests.simulation.broken_log import Patch, nothing
from tests.simulation.pool import SimPool

# ---------------------------------------------------------------- outcomes, holding, absence


def dropped_when_told() -> list[Patch]:
    """Law 7: a worker lets go of an outcome as soon as it has told it."""

    def tell(self: Worker, holding: Any) -> None:
        whole(self, holding)
        self._loop.call_later(0.005, self._drop, holding)

    whole = Worker._tell
    return [(Worker, "_tell", tell)]


def absence_always_counts() -> list[Patch]:
    """Law 8: what a heartbeat does not name is sent again, covered or not."""

    def compare(self: Dispatcher, link: Link, held: Any, covered: int) -> None:
        whole(self, link, held, link.sent)

    whole = Dispatcher.compare
    return [(Dispatcher, "compare", compare)]


def absence_never_counts() -> list[Patch]:
    """Law 8: a dispatch that was lost is not sent again."""

    def compare(self: Dispatcher, link: Link, held: Any, covered: int) -> None:
        everything = dict(held) | {it: None for it in link.holdings if it.epoch == self.epoch}
        whole(self, link, everything, covered)

    whole = Dispatcher.compare
    return [(Dispatcher, "compare", compare)]


def runs_twice_here() -> list[Patch]:
    """Law 8: a worker does not see that a delivery came before."""

    def on_dispatch(self: Worker, word: Any) -> None:
        self.presence.last = Delivery(0, 0)
        self.ledger.by_attempt.clear()
        whole(self, word)

    whole = Worker.on_dispatch
    return [(Worker, "on_dispatch", on_dispatch)]


def roll_not_awaited() -> list[Patch]:
    """Law 9: a new leader gives away at once what may have been sent before."""

    def lead(self: Dispatcher, epoch: int, in_doubt: list[Any]) -> None:
        whole(self, epoch, in_doubt)
        self.unheard.clear()
        self.answered(None)

    whole = Dispatcher.lead
    return [(Dispatcher, "lead", lead)]


def low_epochs_heard() -> list[Patch]:
    """Law 9: workers listen to whoever speaks.

    Held twice: a delivery of a lower epoch also looks like one that came before. Both are dropped.
    """

    def hear(self: Worker, message: Any) -> None:
        if decode_down(message.payload).epoch < self.presence.epoch:
            self.presence.epoch, self.presence.last = 0, Delivery(0, 0)
        whole(self, message)

    whole = Worker._hear
    return [(Worker, "_hear", hear)]


# ---------------------------------------------------------------- users' code, and reasons


def unpickles() -> list[Patch]:
    """Law 11: the coordinator looks into the XComs that pass it."""

    def keep(self: WorkMaker, run: str, task: str, index: int, xcoms: tuple[Xcom, ...]) -> None:
        for xcom in xcoms:
            if xcom.codec == "pickle" and xcom.inline is not None:
                pickle.loads(base64.b64decode(xcom.inline))
        whole(self, run, task, index, xcoms)

    whole = WorkMaker.keep
    return [(WorkMaker, "keep", keep)]


def loads_dag_files() -> list[Patch]:
    """Law 11: the coordinator loads the file that defines a DAG."""

    def plan_of(version: str, dag: Any) -> Any:
        plan = whole(version, dag)
        runpy.run_path(plan.dag.file)
        return plan

    whole = advance.plan_of
    return [(advance, "plan_of", plan_of)]


def causes_untold() -> list[Patch]:
    """Law 12: a timer does not say what set it."""

    def remind(self: Timekeeper, command: Any) -> None:
        whole(self, structs.replace(command, caused_by=""))

    whole = Timekeeper.remind
    return [(Timekeeper, "remind", remind)]


def adopted_without_cause() -> list[Patch]:
    """Law 12: what a new leader finds under way and sends again names no cause."""

    def add(self: ReadyQueue, ready: Any) -> None:
        whole(self, structs.replace(ready, caused_by="") if ready.again else ready)

    whole = ReadyQueue.add
    return [(ReadyQueue, "add", add)]


def unexplained() -> list[Patch]:
    """Law 12: what a ready instance waits for is not told."""
    return [(ReadyQueue, "why", lambda self, attempt: None)]


# ---------------------------------------------------------------- limits, stops, leases


def limits_off() -> list[Patch]:
    """Law 10's limits: a full pool holds nobody back."""
    return [(Limit, "fits", lambda self, need: True)]


def phase_forgotten() -> list[Patch]:
    """Law 8: what is put back of a later phase is put back as the first, which nobody wants."""

    def ready(*args: Any, phase: int = 0, **said: Any) -> Ready:
        return Ready(*args, **said)

    return [(dispatching, "Ready", ready)]


def parked_for_ever() -> list[Patch]:
    """Law 10: a slot that comes back wakes nobody."""
    return [(Limit, "unpark", lambda self: iter(()))]


def reasons_lost() -> list[Patch]:
    """Law 13: a request that cannot be kept now is acked all the same."""

    async def carry_out(self: Triggers, request: Any) -> tuple[str, str]:
        try:
            async with asyncio.timeout(0.05):
                return await whole(self, request)
        except (TimeoutError, coordinating.BusError):
            return "", ""

    whole = Triggers.carry_out
    return [(Triggers, "carry_out", carry_out)]


def never_stopped() -> list[Patch]:
    """What the fold no longer wants is told to nobody."""
    return [(Dispatcher, "stop", nothing)]


def not_doomed() -> list[Patch]:
    """A worker whose loss is on its way to the log is sent more."""

    def held_by(self: Dispatcher, worker: str) -> Any:
        found = whole(self, worker)
        if worker in self.links:
            self.links[worker].is_doomed = False
        return found

    def lost(self: Dispatcher, worker: str) -> None:
        self.links.pop(worker, None)
        self.answered(worker)

    whole = Dispatcher.held_by
    return [(Dispatcher, "held_by", held_by), (Dispatcher, "lost", lost)]


def heard_once_lost_twice() -> list[Patch]:
    """What was lost, adopted and lost again is let go, and nobody makes it ready."""

    def lost(self: Dispatcher, worker: str) -> None:
        link = self.links.pop(worker, None)
        for holding in [] if link is None else list(link.holdings.values()):
            self.release(holding)
        self.answered(worker)

    return [(Dispatcher, "lost", lost)]


def stall_counts() -> list[Patch]:
    """Silence counts while the leader's own loop stood still."""
    return [(Rescuer, "lengthen", nothing)]


def outage_counts() -> list[Patch]:
    """Silence counts while there was no connection."""
    return [(Rescuer, "reconnected", nothing)]


def begins_after_lapse() -> list[Patch]:
    """A worker whose lease has lapsed keeps what it has not begun, and takes more.

    Held twice: what is not wanted there is stopped before the next lease begins. So only a word
    that is lost, or a leader that does not know better, shows it.
    """
    return [
        (Worker, "_lapsed", nothing),
        (Presence, "has_lapsed", lambda self, now: False),
    ]


def guard_off() -> list[Patch]:
    """The kernel's timer of exclusive children never fires."""

    def renew(self: SimPool, seconds: float) -> None:
        whole(self, 1e9)

    whole = SimPool.renew
    return [(SimPool, "renew", renew)]


def lease_from_arrival() -> list[Patch]:
    """Exclusive children live a whole lease from the answer on, not from the heartbeat."""

    def earned(self: Presence, sent_at: float) -> None:
        now = asyncio.get_running_loop().time()
        self._until = now + 2 * self.lease
        self._renew(2 * self.lease)

    return [(Presence, "_earned", earned)]


def goodbye_unheard() -> list[Patch]:
    """A worker that joins and leaves in one record comes back to life."""

    def welcome(self: Hearing, worker: str) -> None:
        hello = self.joining.pop(worker, None)
        if hello is not None:
            self.coordinator.dispatcher.hello(hello)

    return [(Hearing, "welcome", welcome)]


def stretched_waits() -> list[Patch]:
    """A wait follows the machine's clock, back as well as forth."""

    def remind(self: Timekeeper, command: Any) -> None:
        at = asyncio.get_running_loop().time() + max(0, command.due - self.clock.now()) / 1e6
        heapq.heappush(self.timers, (at, next(self.serial), command))
        self.wake.set()

    return [(Timekeeper, "remind", remind)]


def callbacks_once() -> list[Patch]:
    """A callback that was lost with its worker is not called again."""

    def lost(turn: Any, attempt: Any, delivery: Any, reason: str, begun: bool) -> None:
        callbacks.over(turn, attempt)

    return [(callbacks, "lost", lost)]


def kills_are_tries() -> list[Patch]:
    """A worker's death, or a kill from outside, is a failed try of the user's."""

    def interrupted(turn: Any, attempt: Any, delivery: Any, reason: str, begun: bool) -> None:
        found = instances.find(turn, attempt)
        if found is None or not begun:
            whole(turn, attempt, delivery, reason, begun)
        else:
            instances.fail(turn, *found, reason)

    whole = instances.interrupted
    return [(instances, "interrupted", interrupted)]


def answers_from_afar() -> list[Patch]:
    """Answers come from the projection as it is, whatever is folded meanwhile."""

    async def caught_up(self: Projector, sequence: int) -> None: ...

    return [(Projector, "caught_up", caught_up)]
