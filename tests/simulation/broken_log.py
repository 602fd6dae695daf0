"""The product broken on purpose, in its log, fold and projection (see `mutants`).

Each function returns what to patch, (where, name, instead); its docstring says what is dropped.
"""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import patch

from penstock.coordinator import coordinator as coordinating
from penstock.coordinator import election, mending, timekeeper
from penstock.coordinator.coordinator import Coordinator
from penstock.coordinator.projector import Projector
from penstock.coordinator.relay import Relay
from penstock.coordinator.sequencer import Sequencer
from penstock.events.memory_server import MemoryServer
from penstock.lifecycle import advance as folding
from penstock.lifecycle import instances, ticks
from penstock.lifecycle.state import State
from penstock.lifecycle.states import LIVE
from penstock.store import loading
from penstock.store.batch import Collector

Patch = tuple[Any, str, Any]


def nothing(*_args: Any, **_kwargs: Any) -> None:
    """Do nothing."""


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

    return [(mending, "last_common", last_common)]


def lost_tail_forgotten() -> list[Patch]:
    """What SQLite has and the log lost is not appended again: the projection is made anew."""

    async def put_back(one: Coordinator, _lost: mending.Lost, _end: int) -> None:
        await one.database.set_aside()
        raise mending.TailLostError("it is lost")

    return [(mending, "put_back", put_back), (mending.Lost, "still_true", lambda self: [])]


def overtaken_and_forgotten() -> list[Patch]:
    """What SQLite has and the log lost is not said anew where another leader has gone on."""
    return [(mending.Lost, "still_true", lambda self: [])]


def place_unseen() -> list[Patch]:
    """A follower goes on at a sequence that has a record, whether or not that is its own."""

    async def see_place(one: Coordinator) -> None:
        if one.sequence and await one.bus.read(one.sequence) is None:
            raise mending.TailLostError("it is gone")

    return [(election, "see_place", see_place)]


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
    """Law 5: what the server acked and may have lost since is not sent again to the next one."""
    return [(Relay, "reconnected", nothing)]


def past_unread() -> list[Patch]:
    """Law 4: what a run waits for in the run before is not read back at a start."""
    return [(loading, "load_past", nothing)]


def half_a_batch() -> list[Patch]:
    """Law 4: the position is projected without all that led to it."""

    def take(self: Collector, state: State) -> Any:
        if len(self.instances) > 1:
            self.instances.popitem()
        return whole(self, state)

    whole = Collector.take
    return [(Collector, "take", take)]
