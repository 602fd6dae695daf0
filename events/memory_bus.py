"""The `Bus` without a server: a double that passes the same contract, and can be made to suffer.

`MemoryBus` is one connection to a `MemoryServer`. The server's network says how bad the way between
them is; its `crash` and `cut` say what breaks, and when.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from penstock.events.bus import (
    BusError,
    Handler,
    Message,
    Pulled,
    Stored,
    UnknownSubjectError,
)
from penstock.events.memory_server import Kept, Listener, MemoryServer
from penstock.events.streams import ACK_WAIT
from penstock.events.subjects import matches
from penstock.events.trail import Trail

Report = Callable[[BaseException], None]
T = TypeVar("T")


class MemorySubscription:
    """What `subscribe` returns."""

    def __init__(self, bus: MemoryBus, number: int, pattern: str, handler: Handler) -> None:
        self.bus, self.number, self.pattern, self.handler = bus, number, pattern, handler

    def hear(self, message: Message) -> None:
        if self not in self.bus.listeners:
            return
        try:
            self.handler(message)
        except Exception as error:
            self.bus.on_error(error)

    async def close(self) -> None:
        if self in self.bus.listeners:
            self.bus.listeners.remove(self)


class MemoryBus:
    """One connection. connected: False between a loss and the mending of it."""

    def __init__(self, server: MemoryServer, name: str, ack_wait: float, on_error: Report) -> None:
        self.server, self.ack_wait, self.on_error = server, ack_wait, on_error
        self.name = name or f"bus{next(server.numbers)}"
        self.connected, self.closed, self.generation = True, False, 0
        self.listeners: list[Listener] = []
        self._numbers = itertools.count(1)
        self._calls: dict[int, asyncio.Future[object]] = {}
        self._piped: dict[int, asyncio.Future[object]] = {}
        self._pipe_broken: BaseException | None = None
        self._back: list[Callable[[], None]] = []
        self._sleepers: list[asyncio.Future[object]] = []

    @classmethod
    async def connect(
        cls,
        server: MemoryServer,
        *,
        name: str = "",
        ack_wait: float = ACK_WAIT,
        on_error: Report = lambda error: None,
    ) -> MemoryBus:
        """Return a new connection. Raises BusError while the server is down."""
        if server.down:
            raise BusError("the server is down")
        bus = cls(server, name, ack_wait, on_error)
        server.buses.append(bus)
        return bus

    # ------------------------------------------------------------ the log

    async def append(
        self, payload: bytes, *, after: int, fence: int, lead: bool = False, timeout: float = 5.0
    ) -> int:
        network = self.server.network

        def act() -> int:
            return self.server.log_append(payload, after, fence, lead)

        lost, deaf = network.chance(network.lose_append), network.chance(network.lose_ack)
        return await self._ask(act, timeout, lost=lost, deaf=deaf)

    async def last(self) -> Stored | None:
        log = self.server.streams["LOG"]
        return await self._ask(lambda: log.get(log.last))

    async def read(self, sequence: int) -> Stored | None:
        return await self._ask(lambda: self.server.streams["LOG"].get(sequence))

    async def leader(self) -> Stored | None:
        log = self.server.streams["LOG"]
        return await self._ask(lambda: log.get(log.leader))

    async def follow(self, *, after: int) -> AsyncIterator[Stored]:
        log, cursor, yielded = self.server.streams["LOG"], after, b""
        while await self._ready():
            generation = self.generation
            self._check_cursor(log, cursor, yielded if cursor > after else None)
            while self._same(generation):
                stored = log.get(cursor + 1)
                if stored is None:
                    if cursor < log.last:
                        raise BusError(f"stream LOG: message {cursor + 1} is gone")
                    await self._sleep()
                    await self._lag()
                    continue
                cursor, yielded = stored.sequence, stored.payload
                yield stored

    def _check_cursor(self, log: Kept, cursor: int, yielded: bytes | None) -> None:
        if cursor > log.last:
            raise BusError(
                f"stream LOG: it ends at message {log.last}, yet {cursor} was read before: "
                f"the server lost the end of it"
            )
        stored = log.get(cursor)
        if yielded is not None and (stored is None or stored.payload != yielded):
            raise BusError(
                f"stream LOG: message {cursor} is not the one that was read before: "
                f"the server lost the end of it and used its sequences again"
            )

    # ------------------------------------------------------------ words

    async def publish(self, subject: str, payload: bytes, *, reply: str = "") -> None:
        self._send(Message(subject, payload, reply))

    async def subscribe(self, subject: str, handler: Handler) -> MemorySubscription:
        self._must_be_open()
        subscription = MemorySubscription(self, next(self._numbers), subject, handler)
        self.listeners.append(subscription)
        return subscription

    async def request(self, subject: str, payload: bytes, *, timeout: float = 5.0) -> bytes:
        number = next(self._numbers)
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._calls[number] = future
        inbox = MemorySubscription(
            self,
            number,
            f"_INBOX.{self.name}.{number}",
            lambda message: _settle(future, message.payload),
        )
        self.listeners.append(inbox)
        try:
            if not self._send(Message(subject, payload, inbox.pattern)):
                raise UnknownSubjectError(f"{subject}: nobody listens on that subject")
            answer = await self._within(future, timeout, subject)
        finally:
            del self._calls[number]
            await inbox.close()
        assert isinstance(answer, bytes)
        return answer

    def _send(self, message: Message) -> bool:
        self._must_be_open()
        heard = self.server.route(self, message)
        # A word on a stream's subject is stored too, as on NATS; nobody is told.
        try:
            kept = self.server.stream_of(message.subject)
        except UnknownSubjectError:
            return heard
        self.server.keep(kept, message.subject, message.payload, message.headers)
        return True

    # ------------------------------------------------------------ streams

    async def store(
        self,
        subject: str,
        payload: bytes,
        *,
        headers: dict[str, str] | None = None,
        wait: bool = True,
    ) -> int:
        kept, network = self.server.stream_of(subject), self.server.network

        def act() -> int:
            self.server.route(self, Message(subject, payload, "", headers))
            return self.server.keep(kept, subject, payload, headers)

        lost, deaf = network.chance(network.lose_append), network.chance(network.lose_ack)
        if wait:
            return await self._ask(act, lost=lost, deaf=deaf)
        number, future = next(self._numbers), asyncio.get_running_loop().create_future()
        try:
            self._to_server(act, future, lost=lost, deaf=deaf)
        except BusError as error:
            self._pipe_broken = self._pipe_broken or error
            return 0
        self._piped[number] = future
        future.add_done_callback(lambda done: self._piped_end(number, done))
        return 0

    async def flushed(self, *, timeout: float = 5.0) -> None:
        if self._piped and not self._pipe_broken:
            _, late = await asyncio.wait(list(self._piped.values()), timeout=timeout)
            await asyncio.sleep(0)  # their callbacks say how they ended
            if late:
                self._pipe_broken = BusError(f"what was stored is not acked after {timeout:g} s")
        if self._pipe_broken:
            broken, self._pipe_broken = self._pipe_broken, None
            self._piped.clear()
            raise BusError(f"not all is stored, send it again: {broken}") from broken

    def _piped_end(self, number: int, future: asyncio.Future[object]) -> None:
        if self._piped.pop(number, None) is not None and future.exception():
            self._pipe_broken = self._pipe_broken or future.exception()

    async def pull(self, stream: str, name: str) -> AsyncIterator[Pulled]:
        kept, loop = self.server.streams[stream], asyncio.get_running_loop()
        while await self._ready():
            now = loop.time()
            free = next((s for s in kept.messages if kept.held.get(s, now) <= now), 0)
            if not free:
                again = min(kept.held.values(), default=None)
                await self._sleep(None if again is None else max(again - now, 0.0))
                await self._lag()
                continue
            kept.held[free] = now + self.ack_wait
            stored, headers = kept.messages[free]
            yield Pulled(stored, headers, lambda sequence=free: self._ack(kept, sequence))  # type: ignore[misc]

    async def _ack(self, kept: Kept, sequence: int) -> None:
        def act() -> int:
            kept.messages.pop(sequence, None)
            kept.held.pop(sequence, None)
            return sequence

        network = self.server.network
        await self._ask(act, deaf=network.chance(network.lose_ack))

    async def replay(
        self, stream: str, subject: str, *, after: int = 0, live: bool = False
    ) -> AsyncIterator[Stored]:
        kept, cursor, trail, generation = self.server.streams[stream], after, Trail(), -1

        async def payload_of(sequence: int) -> bytes | None:
            stored = kept.get(sequence)
            return stored.payload if stored else None

        while await self._ready():
            if generation != self.generation:
                generation = self.generation
                cursor = await trail.last_kept(cursor, kept.last, payload_of)
            following = (kept.get(one) for one in range(cursor + 1, kept.last + 1))
            found = next((one for one in following if one and matches(subject, one.subject)), None)
            if found:
                cursor = found.sequence
                trail.append(found.sequence, found.payload)
                yield found
            elif not live:
                return
            else:
                await self._sleep()
                await self._lag()

    # ------------------------------------------------------------ connection

    def on_reconnect(self, handler: Callable[[], None]) -> None:
        self._back.append(handler)

    async def close(self) -> None:
        self.closed, self.connected = True, False
        self.listeners.clear()
        if self in self.server.buses:
            self.server.buses.remove(self)
        self._fail("the connection was closed")
        self.news()

    def lose(self) -> None:
        self.connected = False
        self.generation += 1
        self._fail("the connection was lost before the answer came")
        self.news()

    def mend_later(self) -> None:
        network, loop, generation = self.server.network, asyncio.get_running_loop(), self.generation

        def mend() -> None:
            if self.closed or self.connected or self.server.down or self.generation != generation:
                return
            self.connected = True
            self.news()
            for handler in self._back:
                handler()

        loop.call_later(network.delay(network.outage), mend)

    def _fail(self, why: str) -> None:
        for future in [*self._calls.values(), *self._piped.values()]:
            if not future.done():
                future.set_exception(BusError(why))
                future.exception()  # it may be that nobody waits any more

    def _must_be_open(self) -> None:
        network = self.server.network
        if self.connected and network.chance(network.cut):
            self.server.cut(self)
        if not self.connected:
            raise BusError("there is no connection now")

    async def _ask(
        self, act: Callable[[], T], timeout: float = 5.0, *, lost: bool = False, deaf: bool = False
    ) -> T:
        """Have the server do `act` and bring back what it returned, or raised."""
        number, future = next(self._numbers), asyncio.get_running_loop().create_future()
        self._calls[number] = future
        try:
            self._to_server(act, future, lost=lost, deaf=deaf)
            return await self._within(future, timeout, "the server")  # type: ignore[return-value]
        finally:
            del self._calls[number]

    def _to_server(
        self, act: Callable[[], object], future: asyncio.Future[object], *, lost: bool, deaf: bool
    ) -> None:
        self._must_be_open()
        network, generation = self.server.network, self.generation

        def arrive() -> None:
            cut = self.generation != generation
            if lost or self.server.down or (cut and not network.chance(network.arrive_anyway)):
                return
            try:
                result, error = act(), None
            except BusError as refused:
                result, error = None, refused
            if not deaf:
                network.carry(
                    ("ack", self.name), network.stream_delay, lambda: answer(result, error)
                )

        def answer(result: object, error: BusError | None) -> None:
            if error is None:
                _settle(future, result)
            elif not future.done():
                future.set_exception(error)

        network.carry(("stream", self.name), network.stream_delay, arrive)

    async def _within(self, future: asyncio.Future[object], timeout: float, subject: str) -> object:
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise BusError(f"{subject}: no answer within {timeout:g} s") from None

    # ------------------------------------------------------------ waiting

    def _same(self, generation: int) -> bool:
        return self.connected and self.generation == generation

    async def _ready(self) -> bool:
        """Return True when connected, False when closed."""
        while not self.connected and not self.closed:
            await self._sleep()
        return not self.closed

    async def _sleep(self, seconds: float | None = None) -> None:
        """Return at the next news, or after `seconds`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()
        self._sleepers.append(future)
        timer = loop.call_later(seconds, _settle, future) if seconds is not None else None
        try:
            await future
        finally:
            if timer:
                timer.cancel()
            if future in self._sleepers:
                self._sleepers.remove(future)

    async def _lag(self) -> None:
        network = self.server.network
        delay = network.delay(network.stream_delay)
        if delay > 0:
            await asyncio.sleep(delay)

    def news(self) -> None:
        sleepers, self._sleepers = self._sleepers, []
        for future in sleepers:
            _settle(future)


def _settle(future: asyncio.Future[object], result: object = None) -> None:
    if not future.done():
        future.set_result(result)
