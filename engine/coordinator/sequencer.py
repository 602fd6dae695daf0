"""The one who appends. What gathers while an append is under way shares the next one (law 2).

An append may time out and be stored all the same, at once or later. So after any refusal, timeout
or reconnect the last stored message is read, and the appending goes on after it: if it is the
record in hand, that is stored; if it is another leader's, we are none any more (law 9).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import cast

from penstock.clock import Clock
from penstock.events.bus import Bus, BusError, FencedError, Stored
from penstock.events.types import Event, Fact, Record, encode
from penstock.events.weight import weight

MOST_BYTES = 256 * 1024
"""About how large a record may get; one event alone may be larger."""

RETRY_SECONDS = 0.2

Folded = Callable[[int, bytes, Record], Awaitable[None]]


class Sequencer:
    """Appends under one epoch, from `lead` until fenced off.

    folded: awaited with (sequence, payload, record) once a record is stored, in order.
    """

    def __init__(self, bus: Bus, clock: Clock, folded: Folded) -> None:
        self.bus, self.clock, self.folded = bus, clock, folded
        self.pending: deque[tuple[Fact, asyncio.Future[int] | None]] = deque()
        self.wake = asyncio.Event()
        self.epoch = 0
        self.number = 0
        self.fence = 0
        self.leader = b""  # our leader record, at `fence`
        self.after = 0
        self.doubtful = False
        self.known = 0  # the greatest epoch that anybody spoke of

    def propose(self, event: Event) -> None:
        """Have the event appended; nobody waits for it."""
        self.pending.append((cast(Fact, event), None))
        self.wake.set()

    async def ask(self, event: Event) -> int:
        """Have the event appended; return its record's sequence when it is stored and folded.

        Raises FencedError if this coordinator stops leading first: the event may be stored or not.
        """
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.pending.append((cast(Fact, event), future))
        self.wake.set()
        return await future

    def lead(self, epoch: int, sequence: int, payload: bytes) -> None:
        """Append from now on as the leader whose record of `epoch` is stored at `sequence`."""
        self.epoch, self.number, self.leader = epoch, 0, payload
        self.fence = self.after = sequence

    def doubt(self, *, known: int = 0) -> None:
        """The connection broke, or somebody knows of epoch `known`: look who leads first."""
        self.known = max(self.known, known)
        self.doubtful = True
        self.wake.set()

    async def run(self) -> None:
        """Append what is proposed, until cancelled or fenced off (FencedError)."""
        try:
            while True:
                await self.wake.wait()
                self.wake.clear()
                while self.pending or self.doubtful:
                    if self.doubtful:
                        await self.confirm()
                    if self.pending:
                        await self.append_gathered()
        finally:
            self.refuse_rest()

    async def append_gathered(self) -> None:
        batch = self.gather()
        self.number += 1
        record = Record(
            epoch=self.epoch,
            number=self.number,
            at=self.clock.now(),
            events=tuple(event for event, _ in batch),
        )
        payload = encode(record)
        try:
            try:
                self.after = await self.bus.append(payload, after=self.after, fence=self.fence)
            except BusError:
                await self.insist(payload)
        except BaseException:
            self.pending.extendleft(reversed(batch))  # so that those who wait are told
            raise
        await self.folded(self.after, payload, record)
        for _, future in batch:
            if future is not None and not future.done():
                future.set_result(self.after)

    def gather(self) -> list[tuple[Fact, asyncio.Future[int] | None]]:
        batch, size = [], 0
        while self.pending and size < MOST_BYTES:
            batch.append(self.pending.popleft())
            size += weight(batch[-1][0])
        return batch

    async def insist(self, payload: bytes) -> None:
        """Append `payload` whatever it takes, never twice."""
        while True:
            try:
                leader, last = await self.bus.leader(), await self.bus.last()
                self.see_leader(leader)
                sequence = 0 if last is None else last.sequence
                if last is not None and sequence == self.after + 1 and last.payload == payload:
                    self.after = sequence
                    return
                if sequence != self.after:
                    raise FencedError(
                        f"the log ends at {sequence} instead of {self.after}: "
                        f"epoch {self.epoch} is over"
                    )
                self.after = await self.bus.append(payload, after=self.after, fence=self.fence)
                return
            except FencedError:
                # Refused, perhaps because the append before this one was stored after all.
                last = await self.last_patiently()
                if last and last.payload == payload and last.sequence == self.after + 1:
                    self.after = last.sequence
                    return
                raise
            except BusError:
                await asyncio.sleep(RETRY_SECONDS)

    async def last_patiently(self) -> Stored | None:
        while True:
            try:
                return await self.bus.last()
            except BusError:
                await asyncio.sleep(RETRY_SECONDS)

    async def confirm(self) -> None:
        """Read our own leader record back, and the log's end.

        Raises FencedError if there is a later leader, or if the log lost what we appended.
        """
        self.doubtful = False
        while True:
            try:
                leader = await self.bus.leader()
                last = await self.bus.last()
                break
            except BusError:
                await asyncio.sleep(RETRY_SECONDS)
        self.see_leader(leader)
        if last is None or last.sequence < self.after:
            raise FencedError(
                f"the log lost its end, which was {self.after}; start again, to put it back"
            )
        if self.known > self.epoch:
            # The log lost that election (DESIGN: rules that close holes). Workers listen to no
            # lower epoch, so stand again until ours is the higher one.
            raise FencedError(
                f"a worker knows of epoch {self.known}, which the log has lost; "
                f"epoch {self.epoch} is over"
            )

    def see_leader(self, leader: Stored | None) -> None:
        """Raise FencedError unless it is our record: one of another's may have its sequence now."""
        if leader is None or (leader.sequence, leader.payload) != (self.fence, self.leader):
            raise FencedError(f"another leader was elected; epoch {self.epoch} is over")

    def refuse_rest(self) -> None:
        error = FencedError("this coordinator does not lead any more; ask the one that does")
        while self.pending:
            _, future = self.pending.popleft()
            if future is not None and not future.done():
                future.set_exception(error)
