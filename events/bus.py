"""The port to the wire: one log with one writer, words that may get lost, streams, requests.

Two implementations pass `tests/contracts/test_bus.py`: `NatsBus` (the product) and `MemoryBus` (a
server in memory whose network can be made as bad as a seed says). Nothing is promised that is not
written here, and every sentence here has a test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple, Protocol

from penstock.errors import PenstockError


class BusError(PenstockError):
    """The bus could not do it now: no answer in time, or no connection. It may have done it."""


class FencedError(BusError):
    """An append was refused: another leader was elected, or the log's last message is another."""


class UnknownSubjectError(BusError):
    """A request had nobody to answer it, or a stored publish no stream to take it."""


class Stored(NamedTuple):
    """A message in a stream. sequence: from 1, rising. subject: as published."""

    sequence: int
    subject: str
    payload: bytes


class Message(NamedTuple):
    """A word that came in. reply: where an answer goes, "" if none is wanted."""

    subject: str
    payload: bytes
    reply: str
    headers: dict[str, str] | None = None


class Pulled(NamedTuple):
    """A message of a work stream. `ack` once it is dealt with; else it comes again."""

    stored: Stored
    headers: dict[str, str] | None
    ack: Callable[[], Awaitable[None]]


Handler = Callable[[Message], None]


class Subscription(Protocol):
    async def close(self) -> None:
        """No message reaches the handler after this returns."""


class Bus(Protocol):
    """What Penstock needs of a wire.

    The log (stream LOG)
    - `append` returns the sequence once the record would survive a power cut.
    - `append` stores only if the log's last sequence is `after` and its last leader record is
      `fence`; else FencedError, and nothing is stored. With `lead` the record is itself a leader
      record: `fence` is then the leader record before it (0: none), and the fence from now on is
      the sequence returned.
    - `append` may raise BusError and yet have stored, at once or later: who catches it asks `last`.
    - `last` returns the log's last message, None of an empty log; `read` that of one sequence,
      None where there is none.
    - `leader` returns the last leader record, None if there is none.
    - `follow` yields every message after `after`, in order, without a gap, over reconnects and
      restarts of the server, then waits for more. It raises BusError rather than skip: when
      `after` lies beyond the log's end, or the server reused sequences that it has yielded.

    Words (core messages)
    - `publish` is at most once; those of one sender on one subject arrive in order. It never waits
      for a receiver. While the connection is down it raises BusError or drops.
    - `subscribe` calls the handler once for each message, in order, on the event loop; a handler
      that raises is reported to `on_error` and the next message is handled all the same.
    - `request` returns the answer's payload; UnknownSubjectError if nobody listens, BusError if no
      answer comes within `timeout` seconds.

    Streams (TRIGGERS, NOTICES, LOGS, DEAD: see `penstock.events.streams`)
    - `store` returns the sequence once the stream has the message. With `wait=False` it returns 0
      at once, and `flushed` says when all such are stored (BusError: send again those since the
      last `flushed` that returned).
    - `pull` yields messages of a work stream, each until acked, over reconnects; one unacked comes
      again, to this or another `pull` of the same name, no sooner than `streams.ACK_WAIT`.
    - `replay` yields what a stream has on a subject (wildcards) after a sequence; with `live` it
      then waits for more, else ends. Where the server lost the end of what it had yielded, it goes
      back to there, so that what is stored on those sequences then is yielded too.

    Connection
    - `on_reconnect` handlers are called after each reconnect, subscriptions being in force again.
    - `close` ends every iterator and subscription.
    """

    async def append(
        self, payload: bytes, *, after: int, fence: int, lead: bool = False, timeout: float = 5.0
    ) -> int: ...
    async def last(self) -> Stored | None: ...
    async def read(self, sequence: int) -> Stored | None: ...
    async def leader(self) -> Stored | None: ...
    def follow(self, *, after: int) -> AsyncIterator[Stored]: ...

    async def publish(self, subject: str, payload: bytes, *, reply: str = "") -> None: ...
    async def subscribe(self, subject: str, handler: Handler) -> Subscription: ...
    async def request(self, subject: str, payload: bytes, *, timeout: float = 5.0) -> bytes: ...

    async def store(
        self,
        subject: str,
        payload: bytes,
        *,
        headers: dict[str, str] | None = None,
        wait: bool = True,
    ) -> int: ...
    async def flushed(self, *, timeout: float = 5.0) -> None: ...
    def pull(self, stream: str, name: str) -> AsyncIterator[Pulled]: ...
    def replay(
        self, stream: str, subject: str, *, after: int = 0, live: bool = False
    ) -> AsyncIterator[Stored]: ...

    def on_reconnect(self, handler: Callable[[], None]) -> None: ...
    async def close(self) -> None: ...


class Blobs(Protocol):
    """Large values by what they are: the SHA-256 of their bytes, in hex.

    - `put` returns the digest once the bytes would survive a power cut; putting what is there
      already touches it, so that a collection under way spares it. A file that is given away
      (`give`) is gone afterwards; it may have been moved instead of copied.
    - `path` returns a local file with exactly these bytes, fetched if need be; BlobMissingError
      when nobody has it, BlobDamagedError when its bytes have another digest.
    """

    async def put(self, file: str, *, give: bool = False) -> str: ...
    async def path(self, digest: str) -> str: ...


class BlobMissingError(BusError):
    """No blob of that digest is stored."""


class BlobDamagedError(BusError):
    """The stored bytes have another digest than their name says."""
