"""A log that lost its tail, and the projections that remember it.

A server that comes back with an older disk uses the lost sequences again. So whoever goes on from a
place in the log first sees that the record there is the one it folded (`see_place`), and a
coordinator that starts compares the raw records that it keeps with the log's (`mend_log`).

What the log lost is put back at its end, after a leader record of ours. Where nobody wrote
anything else meanwhile, it is put back byte for byte: these records keep their numbers and times,
so every fold of the log comes to the state that was lost. Where another leader went on, they
would come too late to be folded as what they were; then what still counts of them (`ABOUT`) is
said anew, as facts of now, and our projection, which folded what never was, is set aside and made
again from the log. Each step can be cut short anywhere: the next start finds what is done already.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.coordinator.sequencer import MOST_BYTES
from penstock.errors import PenstockError
from penstock.events.bus import BusError, FencedError, Stored
from penstock.events.types import (
    AttemptFailed,
    AttemptPaused,
    AttemptSkipped,
    AttemptSucceeded,
    ConnectionSet,
    DagPaused,
    DagRegistered,
    DagRemoved,
    Event,
    Fact,
    FileBroken,
    FileMended,
    LeaderElected,
    PoolSet,
    Record,
    RunCancelled,
    RunTriggered,
    VariableSet,
    decode_record,
    encode,
)
from penstock.events.weight import weight
from penstock.lifecycle.advance import RULES_VERSION
from penstock.store.batch import digest

if TYPE_CHECKING:
    from penstock.coordinator.coordinator import Coordinator

STALL_SECONDS = 5.0
"""How long a record may take that is known to be in the log."""

LEADER = "-0"
"""How the id of a leader record ends: it is the first one of its epoch."""

log = logging.getLogger("penstock.coordinator")


class LogLostError(PenstockError):
    """The log lost more than the projection keeps of it: nobody can put that back."""


class TailLostError(FencedError):
    """The log lost its end, or has another one. Start again: the start mends what can be mended."""


# What a lost fact is about. Where the log has a fact about the same, that one holds. Facts that
# are not here are of their moment: workers are asked anew, timers follow from the state.
ABOUT: dict[type[Event], Callable[[Any], Hashable]] = {
    RunTriggered: lambda it: ("run", it.run),
    RunCancelled: lambda it: ("cancel", it.run),
    AttemptSucceeded: lambda it: ("outcome", it.attempt, it.delivery),
    AttemptFailed: lambda it: ("outcome", it.attempt, it.delivery),
    AttemptSkipped: lambda it: ("outcome", it.attempt, it.delivery),
    AttemptPaused: lambda it: ("outcome", it.attempt, it.delivery),
    DagRegistered: lambda it: ("dag", it.dag_id),
    DagRemoved: lambda it: ("dag", it.dag_id),
    DagPaused: lambda it: ("pause", it.dag_id),
    FileBroken: lambda it: ("file", it.file),
    FileMended: lambda it: ("file", it.file),
    PoolSet: lambda it: ("pool", it.name),
    VariableSet: lambda it: ("variable", it.key),
    ConnectionSet: lambda it: ("connection", it.conn_id),
}


async def see_place(coordinator: Coordinator) -> None:
    """See that the log still has the last record that was folded, where it was.

    Raises TailLostError if not, BusError if the log cannot be read now.
    """
    if coordinator.sequence == 0:
        return
    found = await coordinator.bus.read(coordinator.sequence)
    if found is None or digest(found.payload) != coordinator.place:
        raise TailLostError(
            f"the log lost record {coordinator.sequence}, or has another one there; "
            "start again, to put back what it lost"
        )


async def next_of(records: AsyncIterator[Stored]) -> Stored:
    """Return the next message of the log, which is known to be there.

    Raises BusError if it does not come: the log may have lost it since then.
    """
    try:
        async with asyncio.timeout(STALL_SECONDS):
            found = await anext(records, None)
    except TimeoutError:
        found = None
    if found is None:
        raise BusError("the log's next record does not come: the log may have lost it just now")
    return found


async def mend_log(coordinator: Coordinator) -> None:
    """See that the log has what this projection folded; put back what it lost.

    Raises TailLostError when the projection was set aside, since another leader had gone on without
    what was lost; LogLostError when the log lost more than is kept here.
    """
    if coordinator.sequence == 0:
        return
    tail = await coordinator.database.load_tail()
    last = await coordinator.bus.last()
    end = 0 if last is None else last.sequence
    common = await last_common(coordinator, tail, end)
    if common == coordinator.sequence:
        return
    if common is None:
        raise LogLostError(
            f"{coordinator.database.path} has folded the log up to {coordinator.sequence}; the log "
            f"ends at {end} and has none of the {len(tail)} records that are kept there. Give "
            "the log its files back; or move the database away: it is made again from the log, and "
            "what the log lost is lost"
        )
    payloads = [payload for sequence, _, payload in tail if sequence > common]
    lost = Lost(payloads)
    place, records = common, coordinator.bus.follow(after=common)
    while place < end and not lost.is_all_there:
        stored = await next_of(records)
        lost.compare(stored.payload)
        place = stored.sequence
    if not lost.is_overtaken:
        await put_back(coordinator, lost, end)
        coordinator.rewind(common, next((row[2] for row in tail if row[0] == common), b""))
        await fold_again(coordinator, payloads)
        return
    await say_anew(coordinator, lost, end)
    path = await coordinator.database.set_aside()
    raise TailLostError(
        f"the log lost records from {common + 1} on, and another leader had gone on without them: "
        f"what still counts of them is in the log again, and {path} is the projection that had "
        "them. Start again: it is made anew from the log"
    )


async def last_common(
    coordinator: Coordinator, tail: Sequence[tuple[int, str, bytes]], end: int
) -> int | None:
    """Return the last sequence at which log and projection agree; None if that is not known.

    Records that were put back keep their bytes and lie further on, behind a leader record: two
    histories that were mended at different places meet again where as many leaders came between.
    So the leader records have to agree, too.
    """

    async def is_there(row: tuple[int, str, bytes]) -> bool:
        found = await coordinator.bus.read(row[0])
        return found is not None and found.payload == row[2]

    for row in tail:
        if row[1].endswith(LEADER) and row[0] <= end and not await is_there(row):
            end = row[0] - 1
            break
    for row in reversed(tail):
        if row[0] <= end and await is_there(row):
            return row[0]
    return 0 if tail and tail[0][0] == 1 else None


class Kept(NamedTuple):
    """A record that the projection had. clock: the largest time on it and those before it."""

    payload: bytes
    record: Record
    clock: int


class Lost:
    """What the projection has after the last record in common, beside what the log has there.

    found: how many of `kept` the log has, in their order. is_overtaken: whether others' facts, or
    a leader of a later time, stand in the log where some of `kept` would have to be.
    """

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.kept: list[Kept] = []
        clock = 0
        for payload in payloads:
            record = decode_record(payload)
            clock = max(clock, record.at)
            self.kept.append(Kept(payload, record, clock))
        self.found = 0
        self.led_at = 0  # the largest time on a leader record between them
        self.is_overtaken = False
        self.known: dict[Hashable, Fact] = {}  # the log's last fact about each thing

    @property
    def rest(self) -> list[Kept]:
        """What the log has not."""
        return self.kept[self.found :]

    @property
    def is_all_there(self) -> bool:
        return not self.rest and not self.is_overtaken

    def compare(self, payload: bytes) -> None:
        """Take in the log's next record."""
        if not self.is_overtaken and self.rest and self.rest[0].payload == payload:
            self.found += 1
            return
        record = decode_record(payload)
        if all(isinstance(event, LeaderElected) for event in record.events):
            # A fold's clock never goes back: after it, what is earlier would be folded as later.
            self.led_at = max(self.led_at, record.at)
            self.is_overtaken |= bool(self.rest) and self.led_at > self.rest[0].clock
            return
        self.is_overtaken = True
        for event in record.events:
            about = ABOUT.get(type(event))
            if about is not None:
                self.known[about(event)] = event

    def still_true(self) -> list[Fact]:
        """Return what the log has to be told of what it lost, in order."""
        told: list[Fact] = []
        overruled: dict[Hashable, Fact] = {}
        for event in (event for one in self.rest for event in one.record.events):
            about = ABOUT.get(type(event))
            if about is None:
                continue
            key = about(event)
            if key not in self.known:
                told.append(event)
            elif isinstance(event, DagRegistered):
                # A lost run may be pinned to this version; in force is the one that the log has.
                told.append(event)
                overruled[key] = self.known[key]
        return [*told, *overruled.values()]


async def put_back(coordinator: Coordinator, lost: Lost, end: int) -> None:
    """Append the lost records as they were, after a leader record of ours.

    That is stamped with the time of the first of them, or every fold of the log would give the
    lost facts later times than they had.
    """
    if not lost.rest:
        return
    log.warning("the log lost %d records at its end; they are put back", len(lost.rest))
    _, first = await take_lead(coordinator, end, lost.rest[0].record.at)
    after = first
    for one in lost.rest:
        after = await coordinator.bus.append(one.payload, after=after, fence=first)


async def fold_again(coordinator: Coordinator, payloads: Sequence[bytes]) -> None:
    """Fold what was put back, which changes nothing but its place, up to the last record.

    Nothing is projected before all of it is seen to be there: until then it is kept where it was.
    """
    lost = Lost(payloads)
    records = coordinator.bus.follow(after=coordinator.sequence)
    while not lost.is_all_there:
        stored = await next_of(records)
        lost.compare(stored.payload)
        if lost.is_overtaken:
            raise TailLostError("the log lost its end once more; start again, to put it back")
        coordinator.fold(stored.sequence, stored.payload)


async def say_anew(coordinator: Coordinator, lost: Lost, end: int) -> None:
    """Append what still counts of the lost records as facts of now."""
    facts = iter(lost.still_true())
    now = coordinator.clock.now()
    epoch, first = await take_lead(coordinator, end, now)
    after, number = first, 0
    while batch := next_batch(facts):
        number += 1
        log.warning("the log lost %d facts that still count; they are said anew", len(batch))
        record = Record(epoch=epoch, number=number, at=now, events=tuple(batch))
        after = await coordinator.bus.append(encode(record), after=after, fence=first)


def next_batch(facts: Any) -> list[Fact]:
    batch: list[Fact] = []
    size = 0
    while size < MOST_BYTES and (more := list(islice(facts, 1))):
        batch += more
        size += weight(more[0])
    return batch


async def take_lead(coordinator: Coordinator, end: int, at: int) -> tuple[int, int]:
    """Append a leader record of ours; return its epoch and sequence.

    The epoch is above all that the log or we know of. Whoever leads now finds itself fenced off.
    Raises FencedError if the log does not end at `end` any more.
    """
    leader = await coordinator.bus.leader()
    known = 0 if leader is None else decode_record(leader.payload).epoch
    epoch = max(known, coordinator.state.epoch) + 1
    event = LeaderElected(
        epoch=epoch,
        leader=f"{coordinator.settings.name} (mending the log)",
        rules=RULES_VERSION,
        redeliveries=coordinator.state.redeliveries,
    )
    payload = encode(Record(epoch=epoch, number=0, at=at, events=(event,)))
    fence = 0 if leader is None else leader.sequence
    return epoch, await coordinator.bus.append(payload, after=end, fence=fence, lead=True)
