"""One connection to NATS, as the rest of Penstock wants it: calls that fail at once, no silence.

nats-py does the wire. What is different here: every call (a request, a publish with an ack) is a
number under one inbox and a future, so it costs one message each way, and a lost connection fails
all of them at once instead of letting each time out. It reconnects for ever. What it cannot say to
a caller it says to `on_error`. After a loss it counts as connected again only when all who asked
to hear of it have been told, so what they then send again goes ahead of what is new.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as Wire

from penstock.events.bus import BusError, Handler, Message, UnknownSubjectError

PENDING_BYTES = 256 * 1024 * 1024
"""How much may wait in one subscription before the oldest news is lost (and on_error told)."""

_QUIET = (ConnectionError, OSError, nats.errors.UnexpectedEOF, nats.errors.StaleConnectionError)
_INBOXES = ("_INBOX.", "_R_.")
Report = Callable[[BaseException], None]


class NatsConnection:
    """Made by `open`. generation: rises with each reconnect."""

    def __init__(self, on_error: Report) -> None:
        self.on_error = on_error
        self.generation = 0
        self.closed = self.closing = False
        self._up = True  # False from a loss until everybody has been told that it is over
        self._client = Client()
        self._inbox = f"_INBOX.{_unique()}"
        self._numbers = itertools.count(1)
        self._calls: dict[str, asyncio.Future[Msg]] = {}
        self._there = asyncio.Event()
        self._changed = float("-inf")
        self._lost: list[Callable[[], None]] = []
        self._back: list[Callable[[], None]] = []

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        seed: str | None = None,
        name: str = "penstock",
        timeout: float = 5.0,
        on_error: Report = lambda error: None,
    ) -> NatsConnection:
        """Connect. Raises BusError if nobody lets us in within `timeout` seconds."""
        self = cls(on_error)
        options: dict[str, Any] = {"nkeys_seed_str": seed} if seed else {}
        refused: list[BaseException] = []

        async def error_cb(error: BaseException) -> None:
            refused.append(error)
            del refused[:-2]
            self._report(error)

        try:
            await _in_time(
                self._client.connect(
                    url.split(","),
                    name=name,
                    error_cb=error_cb,
                    disconnected_cb=self._disconnected,
                    reconnected_cb=self._reconnected,
                    closed_cb=self._ended,
                    connect_timeout=2,
                    reconnect_time_wait=0.05,  # type: ignore[arg-type]  # seconds, it only sleeps
                    max_reconnect_attempts=-1,
                    ping_interval=5,
                    max_outstanding_pings=2,
                    pending_size=64 * 1024 * 1024,
                    flush_timeout=5.0,
                    skip_subject_validation=True,
                    **options,
                ),
                timeout,
            )
        except (TimeoutError, OSError, nats.errors.Error, ValueError) as error:
            with contextlib.suppress(Exception):
                await _in_time(self._client.close(), 1.0)
            why = refused[-1] if refused else error
            raise BusError(
                f"{url}: no NATS server let us in within {timeout:g} s: {why!r}"
            ) from error
        await self._subscribe(f"{self._inbox}.*", self._answered)
        return self

    @property
    def connected(self) -> bool:
        return self._up and self._client.is_connected

    @property
    def max_payload(self) -> int:
        return self._client.max_payload

    def on_lost(self, handler: Callable[[], None]) -> None:
        """Call `handler` whenever the connection is lost, and when it is closed."""
        self._lost.append(handler)

    def on_back(self, handler: Callable[[], None]) -> None:
        """Call `handler` after each reconnect, subscriptions being in force again."""
        self._back.append(handler)

    def off_lost(self, handler: Callable[[], None]) -> None:
        self._lost.remove(handler)

    def off_back(self, handler: Callable[[], None]) -> None:
        self._back.remove(handler)

    async def ready(self) -> bool:
        """Return True when there is a connection, False when `close` ended it.

        Raises BusError when the server ended it for good (a key that was removed, for one).
        """
        while self.closed or not self.connected:
            if self.closing:
                return False
            if self.closed:
                raise BusError("the server closed the connection for good")
            self._there.clear()
            await self._there.wait()
        return True

    async def mends(self) -> bool:
        """Say after a failure if the connection explains it, so that trying again makes sense."""
        if self.closed:
            return True  # `ready` says which end it was
        if self.connected and asyncio.get_running_loop().time() - self._changed > 10.0:
            return False
        await asyncio.sleep(0.02)
        return True

    async def call(
        self,
        subject: str,
        payload: bytes,
        *,
        headers: dict[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Msg:
        """Publish and return the one answer. Raises BusError or UnknownSubjectError."""
        number = str(next(self._numbers))
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._calls[number] = future
        try:
            await self.publish(subject, payload, reply=f"{self._inbox}.{number}", headers=headers)
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise BusError(f"{subject}: no answer within {timeout:g} s") from None
        finally:
            del self._calls[number]

    async def call_later(
        self, subject: str, payload: bytes, headers: dict[str, str] | None
    ) -> asyncio.Future[Msg]:
        """Publish and return the future of its answer; `forget` it when it is done with."""
        number = str(next(self._numbers))
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: self._calls.pop(number, None))
        self._calls[number] = future
        try:
            await self.publish(subject, payload, reply=f"{self._inbox}.{number}", headers=headers)
        except BaseException:
            future.cancel()
            raise
        return future

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        reply: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Send, at most once. Raises BusError while there is no connection, or if it is too big."""
        client = self._client
        # nats-py would keep it and send it after a reconnect: late, and after newer news.
        if not self.connected:
            raise BusError(f"{subject}: not sent, there is no connection to NATS now")
        try:
            await client.publish(subject, payload, reply, headers)
        except nats.errors.MaxPayloadError:
            raise BusError(
                f"{subject}: {len(payload)} bytes are more than the server takes in one message "
                f"({client.max_payload}); large values go by reference, as blobs"
            ) from None
        except (nats.errors.Error, OSError) as error:
            raise BusError(f"{subject}: not sent: {error!r}") from error

    def put(self, messages: list[tuple[str, bytes]]) -> None:
        """Have messages sent with the next `publish`, ahead of it, each at most once.

        One write of nats-py in place of one each: that is worth a tenth of a wide fan-out's rate.
        Raises BusError while there is no connection.
        """
        if not messages:
            return
        if not self.connected:
            raise BusError(f"{messages[0][0]}: not sent, there is no connection to NATS now")
        lines = b"".join(
            [b"PUB %b %d\r\n%b\r\n" % (subject.encode(), len(it), it) for subject, it in messages]
        )
        self._client._pending.append(lines)
        self._client._pending_data_size += len(lines)

    async def subscribe(self, subject: str, handler: Handler) -> NatsSubscription:
        """Call `handler` for each message, in order; see `Bus.subscribe`."""

        async def heard(message: Msg) -> None:
            if not subscription.open:
                return
            try:
                # Who may not write a subject may still name it as the place for our answer.
                reply = message.reply if message.reply.startswith(_INBOXES) else ""
                handler(Message(message.subject, message.data, reply, message.headers))
            except Exception as error:
                self.on_error(error)

        subscription = NatsSubscription()
        subscription.wire = await self._subscribe(subject, heard)
        return subscription

    async def subscribe_raw(self, subject: str, handler: Callable[[Msg], None]) -> NatsSubscription:
        """As `subscribe`, with nats-py's message: status lines and replies of JetStream."""

        async def heard(message: Msg) -> None:
            if subscription.open:
                handler(message)

        subscription = NatsSubscription()
        subscription.wire = await self._subscribe(subject, heard)
        return subscription

    def new_inbox(self) -> str:
        return f"_INBOX.{_unique()}"

    async def flush(self, *, timeout: float = 5.0) -> None:
        """Return once the server has read all that was sent. Raises BusError."""
        try:
            # Twice: nats-py writes its PING ahead of what it still has to send. When the first PONG
            # is here, that has been written too, and the second PING goes behind it.
            for _ in range(2):
                await self._client.flush(timeout)  # type: ignore[arg-type]  # seconds, as wait_for's
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise BusError(f"the connection to NATS does not answer: {error!r}") from error

    async def api(
        self, verb: str, request: dict[str, Any] | None = None, *, timeout: float = 5.0
    ) -> dict[str, Any]:
        """Ask JetStream; return the answer, `error` in it if it was refused. Raises BusError."""
        payload = msgspec.json.encode(request) if request is not None else b""
        try:
            answer = await self.call(f"$JS.API.{verb}", payload, timeout=timeout)
        except UnknownSubjectError:
            raise BusError(f"JetStream does not answer ({verb}): is it enabled?") from None
        found: dict[str, Any] = msgspec.json.decode(answer.data)
        return found

    async def close(self) -> None:
        if self.closing:
            return
        self.closed = self.closing = True
        with contextlib.suppress(Exception):
            if self._client.is_connected:
                await self._client.flush(2)
        with contextlib.suppress(Exception):
            await self._client.close()
        self._there.set()
        self._fail("the connection was closed")

    # ------------------------------------------------------------ what nats-py tells

    async def _subscribe(
        self, subject: str, cb: Callable[[Msg], Coroutine[Any, Any, None]]
    ) -> Wire:
        try:
            return await self._client.subscribe(
                subject, cb=cb, pending_msgs_limit=0, pending_bytes_limit=PENDING_BYTES
            )
        except (nats.errors.Error, OSError) as error:
            raise BusError(f"{subject}: cannot subscribe now: {error!r}") from error

    async def _answered(self, message: Msg) -> None:
        future = self._calls.get(message.subject.rpartition(".")[2])
        if future is None or future.done():
            return
        if message.headers and message.headers.get("Status") == "503":
            future.set_exception(UnknownSubjectError("nobody listens on that subject"))
        else:
            future.set_result(message)

    async def _disconnected(self) -> None:
        self._up = False
        # What nats-py had not written yet it would send after the reconnect: ahead of what its
        # sender, who was told that it failed, sends again; so notices came out of order.
        self._client._pending.clear()
        self._client._pending_data_size = 0
        self._changed = asyncio.get_running_loop().time()
        self._fail("the connection to NATS was lost before the answer came")

    async def _reconnected(self) -> None:
        self.generation += 1
        self._changed = asyncio.get_running_loop().time()
        # Handlers are plain calls, so nothing is sent between here and the last of them.
        self._up = True
        self._there.set()
        for handler in list(self._back):
            self._guarded(handler)

    async def _ended(self) -> None:
        self.closed = True
        self._there.set()
        self._fail("the server closed the connection for good")

    def _fail(self, why: str) -> None:
        for future in list(self._calls.values()):
            if not future.done():
                future.set_exception(BusError(why))
                future.exception()  # it may be that nobody waits any more
        for handler in list(self._lost):
            self._guarded(handler)

    def _guarded(self, handler: Callable[[], None]) -> None:
        try:
            handler()
        except Exception as error:
            self.on_error(error)

    def _report(self, error: BaseException) -> None:
        # Each try to reconnect says the same; who waits for a connection hears it from his call.
        if not isinstance(error, _QUIET):
            self.on_error(error)


class NatsSubscription:
    """What `subscribe` returns. No message reaches the handler after `close` returned."""

    def __init__(self) -> None:
        self.open = True
        self.wire: Wire | None = None

    async def close(self) -> None:
        self.open = False
        if self.wire:
            with contextlib.suppress(nats.errors.Error, OSError):
                await self.wire.unsubscribe()


async def _in_time(doing: Coroutine[Any, Any, None], seconds: float) -> None:
    """Await `doing`; after `seconds` raise TimeoutError, with `doing` truly over.

    Python 3.11's `wait_for`, which nats-py waits with, drops a cancellation that comes just as its
    own time is up; nats-py then tries to connect for ever (seen: once in six). So it is cancelled
    again until it ends.
    """
    task = asyncio.ensure_future(doing)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=0.1)
    if not done:
        with contextlib.suppress(asyncio.CancelledError, Exception):
            task.result()  # looked at, so that nobody complains
        raise TimeoutError
    task.result()


def _unique() -> str:
    return secrets.token_hex(11)
