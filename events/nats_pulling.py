"""Taking work from a stream: a durable queue, each message until it is acked, over reconnects.

The server hands out a batch at a time; what nobody will look at any more is given back at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from penstock.events.bus import BusError, Pulled, Stored
from penstock.events.nats_connection import NatsConnection
from penstock.events.nats_reading import LOST, Queue, nanoseconds, next_of, sequences_of

PULL_BATCH = 64
PULL_EXPIRES = 5.0


async def pull(
    connection: NatsConnection, stream: str, name: str, *, ack_wait: float
) -> AsyncIterator[Pulled]:
    """Yield messages of a work stream, each until acked, over reconnects. See `Bus.pull`."""
    heard: Queue = asyncio.Queue()
    lost = lambda: heard.put_nowait(LOST)  # noqa: E731
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
        "ack_wait": nanoseconds(ack_wait),
        "max_deliver": -1,
        "max_ack_pending": 4096,
    }
    found = await connection.api(
        f"CONSUMER.DURABLE.CREATE.{stream}.{name}", {"stream_name": stream, "config": config}
    )
    if "error" in found:
        raise BusError(f"stream {stream}: no consumer: {found['error'].get('description')}")


async def _ask_for_more(connection: NatsConnection, stream: str, name: str, inbox: str) -> None:
    request = {"batch": PULL_BATCH, "expires": nanoseconds(PULL_EXPIRES)}
    await connection.publish(
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}", msgspec.json.encode(request), reply=inbox
    )


async def _until_answered(connection: NatsConnection, heard: Queue) -> AsyncIterator[Pulled]:
    """Yield what one request brings, until it is used up, has run out, or was lost."""
    for _ in range(PULL_BATCH):
        try:
            message = await next_of(heard, PULL_EXPIRES + 1.0)
        except TimeoutError:
            return
        if message is None:
            raise BusError("the connection was lost while waiting for work")
        if message.headers and "Status" in message.headers:
            return
        sequence, _ = sequences_of(message)
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
