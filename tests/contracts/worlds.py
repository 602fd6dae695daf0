"""The two worlds that the contract is held to: the real nats-server, and the one in memory.

Each can be broken in the same ways: it dies and comes back, it is away for a while, it takes what
it is sent and answers too late, it comes back without the end of what it had stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import psutil

from penstock.events.bus import Bus
from penstock.events.memory_bus import MemoryBus
from penstock.events.memory_network import Network
from penstock.events.memory_server import MemoryServer
from penstock.events.nats_bus import NatsBus
from penstock.events.server import Server


class World(Protocol):
    async def bus(self, **options: Any) -> Bus: ...
    async def crash(self) -> None: ...
    def away(self) -> contextlib.AbstractAsyncContextManager[None]: ...
    def answering_late(self) -> contextlib.AbstractAsyncContextManager[None]: ...
    async def remember(self) -> None: ...
    async def go_back(self) -> None: ...
    async def close(self) -> None: ...


class MemoryWorld:
    def __init__(self) -> None:
        self.server = MemoryServer(Network())
        self.remembered: dict[str, int] = {}

    async def bus(self, **options: Any) -> Bus:
        return await MemoryBus.connect(self.server, **options)

    async def crash(self) -> None:
        await _heard(self.server.buses, self.server.crash)

    @contextlib.asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        self.server.crash(stay_down=True)
        yield
        await _heard(self.server.buses, self.server.start)

    @contextlib.asynccontextmanager
    async def answering_late(self) -> AsyncIterator[None]:
        self.server.network.lose_ack = 1.0
        yield
        self.server.network.lose_ack = 0.0

    async def remember(self) -> None:
        self.remembered = {name: kept.last for name, kept in self.server.streams.items()}

    async def go_back(self) -> None:
        streams = self.server.streams
        lost = {name: streams[name].last - last for name, last in self.remembered.items()}
        await _heard(self.server.buses, lambda: self.server.crash(lost=lost))

    async def close(self) -> None:
        for bus in list(self.server.buses):
            await bus.close()


class NatsWorld:
    def __init__(self, home: Path) -> None:
        self.server = Server(home)
        self.buses: list[NatsBus] = []

    async def bus(self, **options: Any) -> Bus:
        if not self.server.url:
            await self.server.start()
        seed = self.server.credentials.coordinator
        bus = await NatsBus.connect(self.server.url, seed=seed, **options)
        self.buses.append(bus)
        await bus.ensure_streams()
        return bus

    async def crash(self) -> None:
        await _heard(self.buses, lambda: os.kill(self.server.pid, signal.SIGKILL))

    @contextlib.asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        pausing = self.server.paused()
        lost = asyncio.Event()
        for bus in self.buses:
            bus.connection.on_lost(lost.set)
        await pausing.__aenter__()
        await lost.wait()
        yield
        back = [_next_reconnect(bus) for bus in self.buses]
        await pausing.__aexit__(None, None, None)
        await asyncio.gather(*back)

    @contextlib.asynccontextmanager
    async def answering_late(self) -> AsyncIterator[None]:
        os.kill(self.server.pid, signal.SIGSTOP)
        while any(thread.status() != "stopped" for thread in _threads(self.server.pid)):
            pass
        yield
        os.kill(self.server.pid, signal.SIGCONT)

    async def remember(self) -> None:
        async with self.away():
            store = self.server.folder / "store"
            shutil.copytree(store, self.server.folder / "remembered")

    async def go_back(self) -> None:
        async with self.away():
            store = self.server.folder / "store"
            shutil.rmtree(store)
            (self.server.folder / "remembered").rename(store)

    async def close(self) -> None:
        for bus in self.buses:
            await bus.close()
        await self.server.stop()


def _threads(pid: int) -> list[psutil.Process]:
    """A signal that stops a process reaches its threads one by one."""
    return [psutil.Process(thread.id) for thread in psutil.Process(pid).threads()]


def _next_reconnect(bus: Bus) -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    bus.on_reconnect(lambda: future.done() or future.set_result(None))
    return future


async def _heard(buses: Any, act: Any) -> None:
    """Do it, and return when every connection is back."""
    back = [_next_reconnect(bus) for bus in buses]
    act()
    await asyncio.gather(*back)
