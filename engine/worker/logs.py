"""Task logs on their way to the stream LOGS: numbered lines in chunks of bounded size.

Chunks are stored without waiting for an ack each; now and then all are confirmed, and what was not
is sent again (the same numbers: readers drop doubles). While too much is on its way, the printing
children are not read from, so their pipes push back and no memory grows here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from penstock.events.bus import Bus, BusError
from penstock.events.subjects import Subjects
from penstock.events.types import Delivery, encode
from penstock.events.words import LogChunk, LogLine
from penstock.worker.ledger import Holding

CHUNK_BYTES = 150 * 1024  # in JSON, at worst, six times that: within NATS's 1 MB
ON_THE_WAY = 4 * 1024 * 1024
RETRY = 0.5


class _Book:
    """The log of one delivery: lines not yet sent, and how many were."""

    __slots__ = ("first", "lines", "paused", "size")

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.size = 0
        self.first = 0
        self.paused = False


class LogShipper:
    """pause, resume: stop and go on reading what a delivery prints."""

    def __init__(
        self,
        bus: Bus,
        subjects: Subjects,
        pause: Callable[[Delivery], None],
        resume: Callable[[Delivery], None],
    ) -> None:
        self._bus, self._subjects, self._pause, self._resume = bus, subjects, pause, resume
        self._books: dict[Delivery, _Book] = {}
        self._unconfirmed: list[tuple[str, bytes]] = []
        self._bytes = 0
        self._broken = False
        self.waiting: dict[Delivery, Holding] = {}  # those with lines to send
        self.work = asyncio.Event()
        self._confirming = asyncio.Lock()

    def printed(self, holding: Holding, lines: list[LogLine]) -> None:
        """Take lines of a delivery, to be sent soon."""
        book = self._books.setdefault(holding.delivery, _Book())
        book.lines += lines
        book.size += sum(len(line.text) + 30 for line in lines)
        self.waiting[holding.delivery] = holding
        if book.size > CHUNK_BYTES and not book.paused:
            book.paused = True
            self._pause(holding.delivery)
        self.work.set()

    async def ship(self, holding: Holding, *, patient: bool = False) -> None:
        """Send all that a delivery has printed. patient: wait while too much is on its way."""
        if self._broken:  # what the wire lost goes first, so that no outcome overtakes its lines
            await self._send_again(len(self._unconfirmed))
        self.waiting.pop(holding.delivery, None)
        book = self._books.get(holding.delivery)
        if book is None:
            return
        subject = self._subjects.log_of(holding.attempt)
        for chunk in self._chunks(holding, book):
            await self._store(subject, encode(chunk))
            if patient and self._bytes > ON_THE_WAY:
                await self.confirm()
        if book.paused:
            book.paused = False
            self._resume(holding.delivery)

    def _chunks(self, holding: Holding, book: _Book) -> list[LogChunk]:
        """Take the lines out and number them, at once: another `ship` may come in between."""
        lines, book.lines, book.size = book.lines, [], 0
        chunks = []
        for part in _parts(lines):
            chunks.append(
                LogChunk(
                    attempt=holding.attempt,
                    delivery=holding.delivery,
                    first=book.first,
                    lines=tuple(part),
                )
            )
            book.first += len(part)
        return chunks

    def lines_of(self, delivery: Delivery) -> int:
        """Return how many lines it has printed so far, those not yet sent among them."""
        book = self._books.get(delivery)
        return 0 if book is None else book.first + len(book.lines)

    def forget(self, delivery: Delivery) -> None:
        """The delivery has ended and its lines are sent."""
        self._books.pop(delivery, None)
        self.waiting.pop(delivery, None)

    async def run(self) -> None:
        """Send and confirm, until cancelled."""
        while True:
            await self.work.wait()
            self.work.clear()
            while self.waiting:
                await self.ship(next(iter(self.waiting.values())), patient=True)
            if self._unconfirmed:
                await self.confirm()

    async def confirm(self) -> None:
        """Wait until everything sent is stored, sending again what a broken wire lost."""
        async with self._confirming:
            await self._confirm()

    async def _confirm(self) -> None:
        while self._unconfirmed:
            number = len(self._unconfirmed)
            try:
                await self._bus.flushed()
            except BusError:
                self._broken = True
                await asyncio.sleep(RETRY)
                await self._send_again(number)
                continue
            done, self._unconfirmed = self._unconfirmed[:number], self._unconfirmed[number:]
            self._bytes -= sum(len(payload) for _, payload in done)

    async def _send_again(self, number: int) -> None:
        for subject, payload in self._unconfirmed[:number]:
            try:
                await self._bus.store(subject, payload, wait=False)
            except BusError:
                self._broken = True
                return
        self._broken = False

    async def _store(self, subject: str, payload: bytes) -> None:
        self._unconfirmed.append((subject, payload))
        self._bytes += len(payload)
        try:
            await self._bus.store(subject, payload, wait=False)
        except BusError:
            self._broken = True  # it is sent again with the rest of what is not confirmed
        self.work.set()


def _parts(lines: list[LogLine]) -> list[list[LogLine]]:
    """Cut lines into chunks of about CHUNK_BYTES."""
    parts: list[list[LogLine]] = []
    size = CHUNK_BYTES
    for line in lines:
        size += len(line.text.encode("utf-8", "surrogatepass")) + 30
        if size > CHUNK_BYTES or not parts:
            parts.append([])
            size = len(line.text) + 30
        parts[-1].append(line)
    return parts
