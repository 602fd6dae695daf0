"""Reading streams: what is there, then what comes, over reconnects, and never past a gap unsaid.

Two ways, each for its purpose (a third, for work: `penstock.events.nats_pulling`):
- `consume`, for the log: a consumer of our own, made anew from our own cursor whenever there is
  doubt. nats-server keeps its memory of a reader for seconds, reuses sequences after it lost a
  tail, and lets a consumer start where nothing will ever be: so at each making the cursor is held
  against the stream, and the message last yielded is read back and compared.
- `replay`, for notices and logs: direct gets, which need no consumer and so no account that could
  aim one; the words that pass on the same subject only say when to look again.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from nats.aio.msg import Msg

from penstock.events.bus import BusError, Stored, UnknownSubjectError
from penstock.events.nats_connection import NatsConnection, NatsSubscription
from penstock.events.trail import Trail

HEARTBEAT = 2.0
"""Seconds between the signs of life of an idle consumer; after three of silence it is made anew."""

BATCH = 256
LOST = None
Queue = asyncio.Queue[Msg | None]


def nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


async def next_of(heard: Queue, seconds: float) -> Msg | None:
    """Return the next of a queue. Raises TimeoutError. (3.11's `wait_for` can drop a cancel.)"""
    async with asyncio.timeout(seconds):
        return await heard.get()


# ---------------------------------------------------------------- the log


class _Consumer:
    """One ephemeral consumer and what it delivered; worthless once `LOST` was read from it."""

    def __init__(self, connection: NatsConnection) -> None:
        self.connection = connection
        self.heard: Queue = asyncio.Queue()
        self.subscription: NatsSubscription | None = None
        self.name = ""
        self.delivered = 0

    async def open(self, stream: str, after: int) -> None:
        inbox = self.connection.new_inbox()
        self.subscription = await self.connection.subscribe_raw(inbox, self.heard.put_nowait)
        self.connection.on_lost(self._lost)
        config = {
            "deliver_subject": inbox,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": after + 1,
            "ack_policy": "none",
            "max_deliver": 1,
            "mem_storage": True,
            "num_replicas": 1,
            "idle_heartbeat": nanoseconds(HEARTBEAT),
            "flow_control": True,
        }
        found = await self.connection.api(
            f"CONSUMER.CREATE.{stream}", {"stream_name": stream, "config": config}
        )
        if "error" in found:
            raise BusError(f"stream {stream}: no consumer: {found['error'].get('description')}")
        self.name = found["name"]

    async def next(self) -> Msg | None:
        """Return the next message, None when this consumer has to be made anew."""
        while True:
            try:
                message = self.heard.get_nowait()
            except asyncio.QueueEmpty:
                try:
                    message = await next_of(self.heard, 3 * HEARTBEAT)
                except TimeoutError:
                    return LOST
            if message is None:
                return LOST
            headers = message.headers or {}
            if headers.get("Status") != "100":
                return message
            # Flow control: the server waits for this word before it sends more.
            answer = message.reply or headers.get("Nats-Consumer-Stalled", "")
            if answer:
                with contextlib.suppress(BusError):
                    await self.connection.publish(answer, b"")

    async def close(self, stream: str) -> None:
        if not self.subscription:
            return
        self.connection.off_lost(self._lost)
        await self.subscription.close()
        if self.name:
            with contextlib.suppress(BusError):
                await self.connection.publish(
                    f"$JS.API.CONSUMER.DELETE.{stream}.{self.name}", b"", reply="_INBOX.unheard"
                )

    def _lost(self) -> None:
        self.heard.put_nowait(LOST)


async def consume(connection: NatsConnection, stream: str, *, after: int) -> AsyncIterator[Stored]:
    """Yield each message after `after`, in order, none left out, for ever. See `Bus.follow`."""
    cursor, digest = after, b""
    while await connection.ready():
        generation = connection.generation
        consumer = _Consumer(connection)
        try:
            try:
                await check_cursor(connection, stream, cursor, digest)
                await consumer.open(stream, cursor)
            except _Mismatch as mismatch:
                raise BusError(str(mismatch)) from None
            except BusError:
                if await connection.mends():
                    continue  # lost while it was made
                raise
            if connection.generation != generation:
                continue  # what was checked may be another server's by now
            delivered = 0
            while (message := await consumer.next()) is not None:
                sequence, place = sequences_of(message)
                if place != delivered + 1:
                    break  # some were dropped on the way here
                delivered = place
                if sequence != cursor + 1:
                    raise BusError(
                        f"stream {stream}: after message {cursor} comes {sequence}: "
                        f"those between are gone from the stream"
                    )
                cursor, digest = sequence, hashlib.sha256(message.data).digest()
                yield Stored(sequence, message.subject, message.data)
        finally:
            await consumer.close(stream)


class _Mismatch(Exception):
    """The stream is not the one that was read before."""


async def check_cursor(connection: NatsConnection, stream: str, cursor: int, digest: bytes) -> None:
    """Hold a reader's place against the stream: raise _Mismatch if it cannot go on from there."""
    info = await connection.api(f"STREAM.INFO.{stream}")
    if "error" in info:
        raise BusError(f"stream {stream}: {info['error'].get('description')}")
    first, last = int(info["state"]["first_seq"]), int(info["state"]["last_seq"])
    if cursor > last:
        raise _Mismatch(
            f"stream {stream}: it ends at message {last}, yet {cursor} was read before: "
            f"the server lost the end of it"
        )
    if cursor + 1 < first:
        raise _Mismatch(f"stream {stream}: message {cursor + 1} is gone, it begins at {first}")
    if not digest:
        return
    found = await connection.api(f"STREAM.MSG.GET.{stream}", {"seq": cursor})
    data = base64.b64decode(found.get("message", {}).get("data") or "")
    if "error" in found or hashlib.sha256(data).digest() != digest:
        raise _Mismatch(
            f"stream {stream}: message {cursor} is not the one that was read before: "
            f"the server lost the end of it and used its sequences again"
        )


def sequences_of(message: Msg) -> tuple[int, int]:
    """Return (sequence in the stream, count of this consumer's deliveries) from the ack subject."""
    tokens = message.reply.split(".")
    at = 5 if len(tokens) == 9 else 7  # longer ones have a domain and an account before the stream
    return int(tokens[at]), int(tokens[at + 1])


# ---------------------------------------------------------------- notices and logs


class _Words:
    """What passes on a subject: only to know when, and whether what was heard was read too."""

    PATIENCE = 2.0
    BEGINNING = 0.5
    """What was said before we listened may be stored after the first look: so long it is awaited
    unheard."""

    def __init__(self) -> None:
        self.unread: Counter[int] = Counter()
        self.news = asyncio.Event()
        self.until = self.awaited = 0.0

    def listen(self) -> None:
        """What is said from now on is heard."""
        self.awaited = asyncio.get_running_loop().time() + self.BEGINNING
        self.news.set()

    def heard(self, message: Msg) -> None:
        self.unread[hash(message.data)] += 1
        self.until = asyncio.get_running_loop().time() + self.PATIENCE
        self.news.set()

    def read(self, payload: bytes) -> None:
        key = hash(payload)
        if self.unread[key] > 1:
            self.unread[key] -= 1
        else:
            del self.unread[key]

    async def wait(self, pause: float) -> None:
        """Return when a look is worth while: at news, or after `pause` if there may be some."""
        now = asyncio.get_running_loop().time()
        if now < self.awaited or (self.unread and now < self.until):
            await asyncio.sleep(pause)
            return
        self.unread.clear()  # never stored, or yielded before we listened
        await self.news.wait()


async def replay(
    connection: NatsConnection, stream: str, subject: str, *, after: int = 0, live: bool = False
) -> AsyncIterator[Stored]:
    """Yield what the stream has on `subject` after a sequence; with `live`, go on. See `Bus`."""
    cursor, pause, words, trail, generation = after, 0.001, _Words(), Trail(), -1
    subscription = await connection.subscribe_raw(subject, words.heard) if live else None
    words.listen()
    connection.on_back(words.listen)
    connection.on_lost(words.news.set)
    try:
        while await connection.ready():
            words.news.clear()
            found, now = 0, connection.generation
            try:
                if generation != now:
                    cursor = await _still_there(connection, stream, cursor, trail)
                    generation = now
                async for stored in _direct(connection, stream, subject, cursor):
                    found += 1
                    cursor = stored.sequence
                    words.read(stored.payload)
                    trail.append(stored.sequence, stored.payload)
                    yield stored
            except BusError as error:
                # A server that has just come back lets clients in before its streams answer.
                is_final = isinstance(error, UnknownSubjectError) and not connection.generation
                if connection.closing or (live and not is_final and await connection.mends()):
                    continue
                raise
            if found >= BATCH:
                continue
            if not live:
                return
            pause = 0.001 if found else min(pause * 2, 0.1)
            await words.wait(pause)
    finally:
        connection.off_back(words.listen)
        connection.off_lost(words.news.set)
        if subscription:
            await subscription.close()


async def _still_there(connection: NatsConnection, stream: str, cursor: int, trail: Trail) -> int:
    """Hold a reader's place against the stream, which may be another server's by now."""

    async def payload_of(sequence: int) -> bytes | None:
        payload = msgspec.json.encode({"seq": sequence})
        answer = await connection.call(f"$JS.API.DIRECT.GET.{stream}", payload)
        return None if (answer.headers or {}).get("Status") else answer.data

    end = await last_of(connection, stream, ">")
    return await trail.last_kept(cursor, end, payload_of)


async def last_of(connection: NatsConnection, stream: str, subject: str) -> int:
    """Return the sequence of the last message on a subject (wildcards), 0 if there is none."""
    payload = msgspec.json.encode({"last_by_subj": subject})
    try:
        answer = await connection.call(f"$JS.API.DIRECT.GET.{stream}", payload)
    except UnknownSubjectError:
        raise _no_access(stream) from None
    headers = answer.headers or {}
    if headers.get("Status", "404") != "404":
        raise BusError(f"stream {stream}: {headers['Status']} {headers.get('Description')}")
    return int(headers.get("Nats-Sequence", 0))


def _no_access(stream: str) -> UnknownSubjectError:
    return UnknownSubjectError(f"stream {stream}: there is none, or this key has no access to it")


async def first_since(connection: NatsConnection, stream: str, subject: str, since: str) -> int:
    """Return the sequence after which all of a subject is stored since a moment (RFC 3339)."""
    last = await last_of(connection, stream, subject)
    request = {"start_time": since, "next_by_subj": subject, "batch": 1}
    async for stored in _get(connection, stream, request):
        return stored.sequence - 1
    return last


def _direct(
    connection: NatsConnection, stream: str, subject: str, after: int
) -> AsyncIterator[Stored]:
    """Yield up to BATCH messages after a sequence."""
    request = {"seq": after + 1, "batch": BATCH, "next_by_subj": subject}
    return _get(connection, stream, request)


async def _get(
    connection: NatsConnection, stream: str, request: dict[str, Any], *, timeout: float = 5.0
) -> AsyncIterator[Stored]:
    """Yield what one direct get brings; it reads without a consumer."""
    heard: Queue = asyncio.Queue()
    lost = lambda: heard.put_nowait(LOST)  # noqa: E731
    inbox = connection.new_inbox()
    subscription = await connection.subscribe_raw(inbox, heard.put_nowait)
    connection.on_lost(lost)
    try:
        await connection.publish(
            f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(request), reply=inbox
        )
        while True:
            try:
                message = await next_of(heard, timeout)
            except TimeoutError:
                raise BusError(f"stream {stream}: no answer within {timeout:g} s") from None
            if message is None:
                raise BusError(f"stream {stream}: the connection was lost while reading")
            headers = message.headers or {}
            status = headers.get("Status")
            if status in ("204", "404"):
                return
            if status == "503":
                raise _no_access(stream)
            if status:
                raise BusError(f"stream {stream}: {status} {headers.get('Description')}")
            yield Stored(int(headers["Nats-Sequence"]), headers["Nats-Subject"], message.data)
    finally:
        connection.off_lost(lost)
        await subscription.close()
