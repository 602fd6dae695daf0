"""A process that is stopped, as by SIGSTOP: it does nothing for a while and knows nothing of it.

Everything that a process does on the loop carries the process in its context. While one is halted,
what comes up of it is put by, and done in its order once it goes on: words that were sent to it
wait as in a socket's buffer, its timers are late, and its children (the pool) run meanwhile. What
is under way on the wire belongs to nobody.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from penstock.events.bus import Handler, Message
from penstock.events.memory_bus import MemoryBus, MemorySubscription
from penstock.events.memory_network import Network, Span


class Signals:
    """What a process was told by signals. put_by: what came up while it was halted."""

    def __init__(self) -> None:
        self.is_halted = False
        self.put_by: list[asyncio.Handle] = []
        self.context = contextvars.copy_context()
        self.context.run(PROCESS.set, self)

    def halt(self) -> None:
        self.is_halted = True

    def go_on(self) -> None:
        self.is_halted = False
        put_by, self.put_by = self.put_by, []
        asyncio.get_running_loop()._ready.extend(put_by)  # type: ignore[attr-defined]

    def inside(self, callback: Callable[..., Any], *args: Any) -> None:
        """Call it as this process does, now or when it goes on."""
        context = self.context.copy()
        if self.is_halted:
            loop = asyncio.get_running_loop()
            self.put_by.append(asyncio.Handle(callback, args, loop, context))
        else:
            context.run(callback, *args)


PROCESS: contextvars.ContextVar[Signals | None] = contextvars.ContextVar("process", default=None)


class Gate(deque[asyncio.Handle]):
    """What a loop is about to run; of a halted process it is nothing."""

    def popleft(self) -> asyncio.Handle:  # type: ignore[override]
        handle = super().popleft()
        process = handle._context.get(PROCESS)  # type: ignore[attr-defined]
        if process is None or not process.is_halted:
            return handle
        process.put_by.append(handle)
        nothing = asyncio.Handle(int, (), asyncio.get_running_loop())
        nothing.cancel()
        return nothing


class SimNetwork(Network):
    """What is on its way arrives, whatever becomes of its sender."""

    def carry(self, lane: Hashable, span: Span, deliver: Callable[[], None]) -> None:
        contextvars.Context().run(super().carry, lane, span, deliver)


class ProcessBus(MemoryBus):
    """The connection of a process. heard: told of each word that comes, before the process is."""

    signals: Signals
    heard: Callable[[Message], None] = staticmethod(lambda message: None)

    async def subscribe(self, subject: str, handler: Handler) -> MemorySubscription:
        def take(message: Message) -> None:
            try:
                self.heard(message)
                handler(message)
            except Exception as error:
                self.on_error(error)

        return await super().subscribe(subject, lambda message: self.signals.inside(take, message))

    def on_reconnect(self, handler: Callable[[], None]) -> None:
        super().on_reconnect(lambda: self.signals.inside(handler))
