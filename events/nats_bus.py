"""The `Bus` on a real NATS: JetStream for what is kept, core NATS for words.

The hot path is `append`: one publish whose headers say after which message and under which leader
it may be stored, and one ack. Reading is by consumers of our own, without acks, made anew from our
own cursor whenever the connection comes back (`penstock.events.nats_reading`), since a server's
memory of a reader is the thing that does not survive. Many small stores share acks
(`penstock.events.nats_pipeline`).
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any

import msgspec
from msgspec import Struct
from nats.aio.msg import Msg

from penstock.events.bus import (
    BusError,
    FencedError,
    Handler,
    Pulled,
    Stored,
    Subscription,
    UnknownSubjectError,
)
from penstock.events.nats_connection import NatsConnection, Report
from penstock.events.nats_pipeline import Pipeline
from penstock.events.nats_pulling import pull
from penstock.events.nats_reading import consume, replay
from penstock.events.streams import ACK_WAIT, STREAMS, Stream
from penstock.events.subjects import Subjects

WRONG_LAST_SEQUENCE = (10070, 10071, 10164)
NOT_FOUND = (10037, 10059)
STREAM_EXISTS = 10058


class Refusal(Struct):
    """JetStream's word for why not."""

    code: int = 0
    err_code: int = 0
    description: str = ""


class Ack(Struct):
    """JetStream's answer to a publish."""

    seq: int = 0
    duplicate: bool = False
    error: Refusal | None = None


_decode_ack = msgspec.json.Decoder(Ack).decode


def sequence_of(answer: Msg) -> int:
    """Return the sequence that a publish's ack tells. Raises FencedError or BusError."""
    ack = _decode_ack(answer.data)
    if ack.error is not None:
        kind = FencedError if ack.error.err_code in WRONG_LAST_SEQUENCE else BusError
        raise kind(f"the stream refused it: {ack.error.description} ({ack.error.err_code})")
    if ack.duplicate:
        raise BusError(f"the stream took it for a repetition of message {ack.seq} and dropped it")
    return ack.seq


class NatsBus:
    """A connection; `await NatsBus.connect(url, seed=...)`, then `ensure_streams` by the leader."""

    def __init__(self, connection: NatsConnection, subjects: Subjects, ack_wait: float) -> None:
        self.connection, self.subjects, self.ack_wait = connection, subjects, ack_wait
        self._pipeline = Pipeline(connection, subjects.prefix, sequence_of)

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        seed: str | None = None,
        subjects: Subjects | None = None,
        name: str = "penstock",
        timeout: float = 5.0,
        ack_wait: float = ACK_WAIT,
        on_error: Report = lambda error: None,
    ) -> NatsBus:
        """Connect with an nkey's seed. Raises BusError if nobody lets us in within `timeout` s.

        on_error: told what no caller can be told (slow subscriptions, forbidden subjects, a
        handler that raised).
        """
        connection = await NatsConnection.open(
            url, seed=seed, name=name, timeout=timeout, on_error=on_error
        )
        return cls(connection, subjects or Subjects(), ack_wait)

    async def __aenter__(self) -> NatsBus:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def ensure_streams(self, *, replicas: int = 1) -> None:
        """Make the streams of the table that are missing. What is there is left as it is."""
        for stream in STREAMS:
            found = await self.connection.api(f"STREAM.INFO.{stream.name}")
            if "error" in found and _code(found) in NOT_FOUND:
                config = stream_config(stream, self.subjects.prefix, replicas)
                found = await self.connection.api(f"STREAM.CREATE.{stream.name}", config)
            if "error" in found and _code(found) != STREAM_EXISTS:
                raise BusError(f"stream {stream.name}: {found['error'].get('description')}")

    # ------------------------------------------------------------ the log

    async def append(
        self, payload: bytes, *, after: int, fence: int, lead: bool = False, timeout: float = 5.0
    ) -> int:
        headers = {
            "Nats-Expected-Last-Sequence": str(after),
            "Nats-Expected-Last-Subject-Sequence": str(fence),
        }
        if not lead:
            headers["Nats-Expected-Last-Subject-Sequence-Subject"] = self.subjects.log_leader
        subject = self.subjects.log_leader if lead else self.subjects.log_facts
        answer = await self.connection.call(subject, payload, headers=headers, timeout=timeout)
        return sequence_of(answer)

    async def last(self) -> Stored | None:
        found = await self.connection.api("STREAM.INFO.LOG")
        if "error" in found:
            raise BusError(f"stream LOG: {found['error'].get('description')}")
        sequence = int(found["state"]["last_seq"])
        return await self.read(sequence) if sequence else None

    async def read(self, sequence: int) -> Stored | None:
        return await self._get({"seq": sequence}) if sequence > 0 else None

    async def leader(self) -> Stored | None:
        return await self._get({"last_by_subj": self.subjects.log_leader})

    def follow(self, *, after: int) -> AsyncIterator[Stored]:
        return consume(self.connection, "LOG", after=after)

    async def _get(self, request: dict[str, Any]) -> Stored | None:
        found = await self.connection.api("STREAM.MSG.GET.LOG", request)
        if "error" in found:
            if _code(found) in NOT_FOUND:
                return None
            raise BusError(f"stream LOG: {found['error'].get('description')}")
        message = found["message"]
        return Stored(
            message["seq"], message["subject"], base64.b64decode(message.get("data") or "")
        )

    # ------------------------------------------------------------ words

    async def publish(self, subject: str, payload: bytes, *, reply: str = "") -> None:
        await self.connection.publish(subject, payload, reply=reply)

    async def subscribe(self, subject: str, handler: Handler) -> Subscription:
        return await self.connection.subscribe(subject, handler)

    async def request(self, subject: str, payload: bytes, *, timeout: float = 5.0) -> bytes:
        answer = await self.connection.call(subject, payload, timeout=timeout)
        return answer.data

    # ------------------------------------------------------------ streams

    async def store(
        self,
        subject: str,
        payload: bytes,
        *,
        headers: dict[str, str] | None = None,
        wait: bool = True,
    ) -> int:
        if not wait:
            self._pipeline.put(subject, payload, headers)
            return 0
        try:
            return sequence_of(await self.connection.call(subject, payload, headers=headers))
        except UnknownSubjectError:
            raise UnknownSubjectError(f"{subject}: no stream keeps this subject") from None

    async def flushed(self, *, timeout: float = 5.0) -> None:
        await self._pipeline.flushed(timeout)

    def pull(self, stream: str, name: str) -> AsyncIterator[Pulled]:
        return pull(self.connection, stream, name, ack_wait=self.ack_wait)

    def replay(
        self, stream: str, subject: str, *, after: int = 0, live: bool = False
    ) -> AsyncIterator[Stored]:
        return replay(self.connection, stream, subject, after=after, live=live)

    # ------------------------------------------------------------ connection

    def on_reconnect(self, handler: Callable[[], None]) -> None:
        self.connection.on_back(handler)

    async def close(self) -> None:
        await self._pipeline.close()
        await self.connection.close()


def stream_config(stream: Stream, prefix: str, replicas: int) -> dict[str, Any]:
    """Return the row as JetStream's configuration. Durations there are nanoseconds.

    No dedupe: it spans publishers and hides a message behind an ack; 100 ms is its minimum.
    """
    return {
        "name": stream.name,
        "subjects": [f"{prefix}.{stream.subjects}"],
        "retention": "workqueue" if stream.work else "limits",
        "storage": "file",
        "discard": stream.discard,
        "max_bytes": stream.max_bytes,
        "max_age": int(stream.max_age * 1e9),
        "max_msgs": -1,
        "max_msg_size": -1,
        "max_consumers": -1,
        "max_msgs_per_subject": 1 if stream.latest else -1,
        "num_replicas": replicas,
        "duplicate_window": 100_000_000,
        "allow_direct": True,
        "persist_mode": "default" if stream.synced else "async",
    }


def _code(found: dict[str, Any]) -> int:
    return int(found["error"].get("err_code", 0))
