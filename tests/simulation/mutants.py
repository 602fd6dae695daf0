"""For each law a change of the code that drops it, and the story that finds it out.

A simulation that finds nothing may be one that looks for nothing. So here the product is broken on
purpose, one law at a time, by patching a function or two, and a story has to end badly that ends
well without the patch. `found_by` is the story known to do it; after a change of the product or of
the stories `python -m tests.simulation 0 400 --kind KIND --mutant NAME --stop 1` finds another.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

from penstock.coordinator import coordinator as coordinating
from penstock.coordinator import election, timekeeper
from penstock.coordinator.coordinator import Coordinator
from penstock.coordinator.dispatcher import Dispatcher
from penstock.coordinator.hearing import Hearing
from penstock.coordinator.links import Link
from penstock.coordinator.projector import Projector
from penstock.coordinator.relay import Relay
from penstock.coordinator.rescuer import Rescuer
from penstock.coordinator.sequencer import Sequencer
from penstock.coordinator.timekeeper import Timekeeper
from penstock.coordinator.triggers import Triggers
from penstock.events.memory_server import MemoryServer
from penstock.events.types import Delivery
from penstock.lifecycle import advance as folding
from penstock.lifecycle import instances, ticks
from penstock.lifecycle.limits import Limit
from penstock.lifecycle.state import State
from penstock.lifecycle.states import LIVE
from penstock.store.batch import Collector
from penstock.worker.presence import Presence
from penstock.worker.worker import Worker
from tests.simulation.pool import SimPool

Patch = tuple[Any, str, Any]


class Mutant(NamedTuple):
    """law: what of DESIGN it drops. patches: (where, name, instead). found_by: kind and seed."""

    law: str
    patches: Callable[[], list[Patch]]
    found_by: tuple[str, int]


def nothing(*_args: Any, **_kwargs: Any) -> None:
    """Do nothing."""


@contextmanager
def applied(name: str) -> Iterator[None]:
    """Break the product for a while; "" leaves it whole."""
    with ExitStack() as stack:
        for where, what, instead in MUTANTS[name].patches() if name else []:
            stack.enter_context(patch.object(where, what, instead))
        yield


# ---------------------------------------------------------------- the log and its leader


def told_before_stored() -> list[Patch]:
    """Law 1: what follows from a fact follows before it is stored."""

    async def append_gathered(self: Sequencer) -> None:
        before = self.after
        append = self.bus.append

        async def hasty(payload: bytes, **more: Any) -> int:
            record = coordinating.decode_record(payload)
            if not getattr(self, "hasted", 0) >= before + 1:
                self.hasted = before + 1  # type: ignore[attr-defined]
                await self.folded(before + 1, payload, record)
            return await append(payload, **more)

        folded, self.folded = self.folded, self.folded
        with patch.object(self.bus, "append", hasty):
            await whole_append(self)
        self.folded = folded

    whole_append = Sequencer.append_gathered
    return [(Sequencer, "append_gathered", append_gathered)]


def unfenced() -> list[Patch]:
    """Laws 2 and 9: appends are stored wherever the log stands, whoever leads."""

    def log_append(self: MemoryServer, payload: bytes, after: int, fence: int, lead: bool) -> int:
        log = self.streams["LOG"]
        subject = self.subjects.log_leader if lead else self.subjects.log_facts
        sequence = self.keep(log, subject, payload, None)
        log.leader = sequence if lead else log.leader
        return sequence

    return [(MemoryServer, "log_append", log_append)]


def appended_twice() -> list[Patch]:
    """Holes and repeats: an append that timed out is sent again without a look at the log."""

    async def insist(self: Sequencer, payload: bytes) -> None:
        while True:
            try:
                last = await self.bus.last()
                self.after = 0 if last is None else last.sequence
                self.after = await self.bus.append(payload, after=self.after, fence=self.fence)
                return
            except coordinating.BusError:
                await asyncio.sleep(0.2)

    def forgetful(state: State, entry: folding.Entry) -> list[Any]:
        state.seen = (0, 0, -1)
        return whole(state, entry)

    whole = folding.advance
    return [(Sequencer, "insist", insist), (coordinating, "advance", forgetful)]


def never_doubts() -> list[Patch]:
    """After a reconnect the leader does not look whether it is one still."""
    return [(Sequencer, "doubt", nothing)]


def equal_by_number() -> list[Patch]:
    """A follower compares its last record with the log's by sequence alone."""

    async def last_common(_one: Coordinator, tail: list[Any], end: int) -> int | None:
        return min(end, tail[-1][0]) if tail else 0

    return [(election, "last_common", last_common)]


def lost_tail_forgotten() -> list[Patch]:
    """What SQLite has and the log lost is not appended again."""

    async def mend_log(_one: Coordinator) -> None: ...

    return [(coordinating, "mend_log", mend_log)]


# ---------------------------------------------------------------- the fold


def asks_the_clock() -> list[Patch]:
    """Law 3: the fold looks at who folds, not at the event alone."""
    count = iter(range(1 << 30))

    def delay(task: Any, tried: int, name: str) -> int:
        return whole(task, tried, name) + next(count)

    whole = instances.delay
    return [(instances, "delay", delay)]


def folds_twice() -> list[Patch]:
    """Law 3: an event seen twice is folded twice."""

    def folded(self: Coordinator, entries: list[folding.Entry]) -> list[Any]:
        commands = whole(self, entries)
        self.state.seen = (0, 0, -1)
        again = whole(self, entries)
        return [*commands, *again]

    whole = Coordinator.advance
    return [(Coordinator, "advance", folded)]


def old_tries_count() -> list[Patch]:
    """Law 6: an outcome counts whichever try it is of."""

    def is_wanted(self: State, attempt: Any) -> bool:
        run = self.runs.get(attempt.run)
        record = None if run is None else run.record(attempt.task)
        place = None if record is None else record.place(attempt.index)
        if run is None or record is None or place is None or attempt.task.startswith("~"):
            return whole(self, attempt)
        return run.state not in folding.RUN_ENDS and record.states[place] in LIVE

    whole = State.is_wanted
    return [(State, "is_wanted", is_wanted)]


def ticks_by_the_clock() -> list[Patch]:
    """Ticks follow the present instead of the last one that the log has."""

    def next_tick(dag: Any, now: int) -> Any:
        last = dag.last_tick
        try:
            dag.last_tick = None if last is None else max(last, now - 10_000_000)
            return whole(dag, now)
        finally:
            dag.last_tick = last

    whole = ticks.next_tick
    return [(timekeeper, "next_tick", next_tick)]


# ---------------------------------------------------------------- the projection and the outbox


def outbox_empty() -> list[Patch]:
    """Law 5: what is not acked is in no transaction."""
    return [(Projector, "fill_outbox", nothing)]


def sent_once() -> list[Patch]:
    """Law 5: what is not known to be stored is not sent again after a reconnect."""

    def open_nothing(self: Relay) -> Iterator[Any]:
        return iter(())

    return [(Relay, "reconnected", nothing), (Relay, "open", open_nothing)]


def half_a_batch() -> list[Patch]:
    """Law 4: the position is projected without all that led to it."""

    def take(self: Collector, state: State) -> Any:
        if len(self.instances) > 1:
            self.instances.popitem()
        return whole(self, state)

    whole = Collector.take
    return [(Collector, "take", take)]


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
    """Law 9: workers listen to whoever speaks."""

    def hear(self: Worker, message: Any) -> None:
        self.presence.epoch = 0
        whole(self, message)

    whole = Worker._hear
    return [(Worker, "_hear", hear)]


# ---------------------------------------------------------------- limits, stops, leases


def limits_off() -> list[Patch]:
    """Law 10's limits: a full pool holds nobody back."""
    return [(Limit, "fits", lambda self, need: True)]


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

    return [(Dispatcher, "lost", lost), (Rescuer, "reconnected", nothing)]


def stall_counts() -> list[Patch]:
    """Silence counts while the leader's own loop stood still."""
    return [(Rescuer, "lengthen", nothing)]


def outage_counts() -> list[Patch]:
    """Silence counts while there was no connection."""
    return [(Rescuer, "reconnected", nothing)]


def begins_after_lapse() -> list[Patch]:
    """A worker that was cut off for longer than its lease begins what it still holds."""
    return [(Worker, "_lapsed", nothing), (Rescuer, "reconnected", nothing)]


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

    def callback_lost(turn: Any, attempt: Any, delivery: Any, begun: bool) -> None:
        instances.callback_over(turn, attempt)

    return [(instances, "callback_lost", callback_lost)]


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


MUTANTS = {
    function.__name__.replace("_", "-"): Mutant(str(function.__doc__), function, found_by)
    for function, found_by in (
        (told_before_stored, ("runs", 12)),
        (unfenced, ("runs", 23)),
        (appended_twice, ("runs", 1)),
        (never_doubts, ("runs", 70)),
        (equal_by_number, ("lost", 1)),
        (lost_tail_forgotten, ("lost", 1)),
        (asks_the_clock, ("runs", 0)),
        (folds_twice, ("runs", 1)),
        (ticks_by_the_clock, ("schedules", 0)),
        (half_a_batch, ("runs", 3)),
        (dropped_when_told, ("calm", 0)),
        (absence_always_counts, ("calm", 38)),
        (absence_never_counts, ("runs", 4)),
        (runs_twice_here, ("runs", 6)),
        (roll_not_awaited, ("calm", 3)),
        (limits_off, ("calm", 11)),
        (parked_for_ever, ("users", 0)),
        (reasons_lost, ("runs", 62)),
        (never_stopped, ("users", 101)),
        (not_doomed, ("runs", 0)),
        (heard_once_lost_twice, ("runs", 28720)),
        (stall_counts, ("calm", 14)),
        (outage_counts, ("calm", 1)),
        (begins_after_lapse, ("runs", 28753)),
        (guard_off, ("users", 34)),
        (lease_from_arrival, ("users", 7)),
        (stretched_waits, ("runs", 5)),
        (callbacks_once, ("users", 9)),
        (kills_are_tries, ("users", 0)),
        (answers_from_afar, ("users", 17)),
    )
}

UNFOUND = {
    function.__name__.replace("_", "-"): Mutant(str(function.__doc__), function, ("users", 0))
    for function in (sent_once, outbox_empty, old_tries_count, low_epochs_heard, goodbye_unheard)
}
"""Holes of the simulation: some hundred stories of each of these ended well."""

MUTANTS |= UNFOUND
