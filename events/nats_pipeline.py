"""Storing many small messages in a row without waiting for each: acks are asked for sparingly.

A stream takes one connection's messages in their order, so an ack for one covers those before it.
What was put within one turn of the event loop goes out together; the last for each stream asks for
an ack, and so does every few hundredth. So a lone message is acked at once, and a flood costs one
ack in `EVERY`. The sequences that acks tell must have risen by at least what was sent between them:
a message that the stream refused in between shows as a shortfall.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from nats.aio.msg import Msg

from penstock.errors import PenstockError
from penstock.events.bus import BusError
from penstock.events.nats_connection import NatsConnection
from penstock.events.streams import STREAMS

EVERY = 256
_Item = tuple[str, bytes, dict[str, str] | None]


class Pipeline:
    """The messages under way of one connection, until `flushed` says that they are stored."""

    def __init__(
        self, connection: NatsConnection, prefix: str, sequence_of: Callable[[Msg], int]
    ) -> None:
        self._connection, self._sequence_of = connection, sequence_of
        self._heads = [(f"{prefix}.{one.subjects.removesuffix('>')}", one.name) for one in STREAMS]
        self._waiting: list[_Item] = []
        self._sender: asyncio.Task[None] | None = None
        self._acks: set[asyncio.Future[Msg]] = set()
        self._unasked: dict[str, int] = {}  # sent since the last message that asked for an ack
        self._stored: dict[str, int] = {}  # the highest sequence that an ack has told
        self._broken: BaseException | None = None
        self._round = 0  # rises when a failure was told; acks of earlier rounds say nothing
        self._quiet = asyncio.Event()
        self._quiet.set()
        connection.on_lost(self._on_lost)

    def put(self, subject: str, payload: bytes, headers: dict[str, str] | None) -> None:
        """Send it soon. What goes wrong is told by the next `flushed`."""
        if len(payload) > self._connection.max_payload:
            raise BusError(
                f"{subject}: {len(payload)} bytes are more than the server takes in one message "
                f"({self._connection.max_payload})"
            )
        self._waiting.append((subject, payload, headers))
        self._quiet.clear()
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())

    async def flushed(self, timeout: float) -> None:
        """Return when all that was put is stored. Raises BusError once, and then starts afresh."""
        if not self._broken:
            try:
                async with asyncio.timeout(timeout):
                    await self._quiet.wait()
            except TimeoutError:
                self._break(BusError(f"what was stored is not acked after {timeout:g} s"))
        if self._broken:
            broken, self._broken = self._broken, None
            self._round += 1
            self._forget()
            raise BusError(f"not all is stored, send it again: {broken}") from broken

    async def close(self) -> None:
        if self._sender:
            self._sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sender

    async def _send(self) -> None:
        try:
            while self._waiting and not self._broken:
                items, self._waiting = self._waiting, []
                await self._send_all(items)
        except PenstockError as error:
            self._break(error)
        self._settle()

    async def _send_all(self, items: list[_Item]) -> None:
        """Send them in order; the last for each stream asks for an ack, so nothing stays behind."""
        streams = [self._stream_of(subject) for subject, _, _ in items]
        last = {stream: place for place, stream in enumerate(streams)}
        plain: list[tuple[str, bytes]] = []  # in a row, and nothing asked: these go as one
        for place, (item, stream) in enumerate(zip(items, streams, strict=True)):
            sent = self._unasked.get(stream, 0) + 1
            is_asked = last[stream] == place or sent >= EVERY
            self._unasked[stream] = 0 if is_asked else sent
            if not is_asked and not item[2]:
                plain.append(item[:2])
                continue
            self._connection.put(plain)
            plain = []
            if is_asked:
                await self._ask(item, stream, sent)
            else:
                await self._connection.publish(*item[:2], headers=item[2])

    async def _ask(self, item: _Item, stream: str, sent: int) -> None:
        subject, payload, headers = item
        future = await self._connection.call_later(subject, payload, headers)
        self._acks.add(future)
        now = self._round
        future.add_done_callback(lambda done: self._acked(done, stream, sent, now))

    def _acked(self, future: asyncio.Future[Msg], stream: str, sent: int, at: int) -> None:
        self._acks.discard(future)
        if at != self._round or future.cancelled():
            return
        error = future.exception()
        if error is None:
            try:
                sequence, before = self._sequence_of(future.result()), self._stored.get(stream)
                self._stored[stream] = sequence
                if before is not None and sequence - before < sent:
                    error = BusError(f"of {sent} messages {stream} kept {sequence - before}")
            except PenstockError as refused:
                error = refused
        if error is not None:
            self._break(error)
        self._settle()

    def _settle(self) -> None:
        if self._broken or not (self._waiting or self._acks):
            self._quiet.set()

    def _break(self, error: BaseException) -> None:
        self._broken = self._broken or error
        self._quiet.set()

    def _on_lost(self) -> None:
        if self._waiting or self._acks or any(self._unasked.values()):
            self._break(BusError("the connection to NATS was lost"))
        self._stored.clear()  # a restarted server may reuse sequences

    def _forget(self) -> None:
        self._waiting.clear()
        self._unasked.clear()
        self._stored.clear()
        for future in list(self._acks):
            future.cancel()
        self._acks.clear()
        self._quiet.set()

    def _stream_of(self, subject: str) -> str:
        for head, name in self._heads:
            if subject.startswith(head):
                return name
        return subject
