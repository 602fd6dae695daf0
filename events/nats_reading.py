"""Reading streams: what is there, then what comes, over reconnects, and never past a gap unsaid.

Three ways, each for its purpose:
- `consume`, for the log: a consumer of our own, made anew from our own cursor whenever there is
  doubt. nats-server keeps its memory of a reader for seconds, reuses sequences after it lost a
  tail, and lets a consumer start where nothing will ever be: so at each making the cursor is held
  against the stream, and the message last yielded is read back and compared.
- `replay`, for notices and logs: direct gets, which need no consumer and so no account that could
  aim one; the words that pass on the same subject only say when to look again.
- `pull`, for triggers: a durable work queue, acked one by one.
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

from penstock.events.bus import BusError, Pulled, Stored, UnknownSubjectError
from penstock.events.nats_connection import NatsConnection, NatsSubscription

HEARTBEAT = 2.0
"""Seconds between the signs of life of an idle consumer; after three of silence it is made anew."""

BATCH = 256
PULL_BATCH = 64
PULL_EXPIRES = 5.0
_LOST = None
_Queue = asyncio.Queue[Msg | None]


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


async def _next(heard: _Queue, seconds: float) -> Msg | None:
    """Return the next of a queue. Raises TimeoutError. (3.11's `wait_for` can drop a cancel.)"""
    async with asyncio.timeout(seconds):
        return await heard.get()


# ---------------------------------------------------------------- the log


class _Consumer:
    """One ephemeral consumer and what it delivered; worthless once `_LOST` was read from it."""

    def __init__(self, connection: NatsConnection) -> None:
        self.connection = connection
        self.heard: _Queue = asyncio.Queue()
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
            "idle_heartbeat": _nanoseconds(HEARTBEAT),
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
                    message = await _next(self.heard, 3 * HEARTBEAT)
                except TimeoutError:
                    return _LOST
            if message is None:
                return _LOST
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
        self.heard.put_nowait(_LOST)


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
                sequence, place = _sequences(message)
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


def _sequences(message: Msg) -> tuple[int, int]:
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
    cursor, pause, words = after, 0.001, _Words()
    subscription = await connection.subscribe_raw(subject, words.heard) if live else None
    words.listen()
    connection.on_back(words.listen)
    connection.on_lost(words.news.set)
    try:
        while await connection.ready():
            words.news.clear()
            found = 0
            try:
                async for stored in _direct(connection, stream, subject, cursor):
                    found += 1
                    cursor = stored.sequence
                    words.read(stored.payload)
                    yield stored
            except UnknownSubjectError:
                raise
            except BusError:
                if connection.closing or (live and await connection.mends()):
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
    heard: _Queue = asyncio.Queue()
    lost = lambda: heard.put_nowait(_LOST)  # noqa: E731
    inbox = connection.new_inbox()
    subscription = await connection.subscribe_raw(inbox, heard.put_nowait)
    connection.on_lost(lost)
    try:
        await connection.publish(
            f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(request), reply=inbox
        )
        while True:
            try:
                message = await _next(heard, timeout)
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


# ---------------------------------------------------------------- triggers


async def pull(
    connection: NatsConnection, stream: str, name: str, *, ack_wait: float
) -> AsyncIterator[Pulled]:
    """Yield messages of a work stream, each until acked, over reconnects. See `Bus.pull`."""
    heard: _Queue = asyncio.Queue()
    lost = lambda: heard.put_nowait(_LOST)  # noqa: E731
    inbox = connection.new_inbox()
    subscription = await connection.subscribe_raw(inbox, heard.put_nowait)
    connection.on_lost(lost)
    try:
        while await connection.ready():
            try:
                await _make_durable(connection, stream, name, ack_wait)
                while True:
                    await _ask_for_more(connection, stream, name, inbox)
                    async for pulled in _until_answered(connection, heard):
                        yield pulled
            except BusError:
                if not await connection.mends():
                    raise
    finally:
        connection.off_lost(lost)
        await subscription.close()
        while not heard.empty():  # give back at once what nobody will look at
            left = heard.get_nowait()
            if left is not None and left.reply:
                with contextlib.suppress(BusError):
                    await connection.publish(left.reply, b"-NAK")


async def _make_durable(
    connection: NatsConnection, stream: str, name: str, ack_wait: float
) -> None:
    config: dict[str, Any] = {
        "durable_name": name,
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": _nanoseconds(ack_wait),
        "max_deliver": -1,
        "max_ack_pending": 4096,
    }
    found = await connection.api(
        f"CONSUMER.DURABLE.CREATE.{stream}.{name}", {"stream_name": stream, "config": config}
    )
    if "error" in found:
        raise BusError(f"stream {stream}: no consumer: {found['error'].get('description')}")


async def _ask_for_more(connection: NatsConnection, stream: str, name: str, inbox: str) -> None:
    request = {"batch": PULL_BATCH, "expires": _nanoseconds(PULL_EXPIRES)}
    await connection.publish(
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}", msgspec.json.encode(request), reply=inbox
    )


async def _until_answered(connection: NatsConnection, heard: _Queue) -> AsyncIterator[Pulled]:
    """Yield what one request brings, until it is used up, has run out, or was lost."""
    for _ in range(PULL_BATCH):
        try:
            message = await _next(heard, PULL_EXPIRES + 1.0)
        except TimeoutError:
            return
        if message is None:
            raise BusError("the connection was lost while waiting for work")
        if message.headers and "Status" in message.headers:
            return
        sequence, _ = _sequences(message)
        yield Pulled(
            Stored(sequence, message.subject, message.data),
            message.headers,
            _Acknowledge(connection, message.reply),
        )


class _Acknowledge:
    """Say that a message was dealt with; returns when the server has taken note (BusError)."""

    def __init__(self, connection: NatsConnection, subject: str) -> None:
        self.connection, self.subject = connection, subject

    async def __call__(self) -> None:
        await self.connection.call(self.subject, b"+ACK")
