"""A server that takes the connection and says nothing: everybody gives up when it was said."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from penstock.events import Client
from penstock.events.bus import BusError
from penstock.events.nats_bus import NatsBus
from penstock.events.nats_connection import NatsConnection

SECONDS = 0.3


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """The URL of a server that accepts and never speaks."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield f"nats://127.0.0.1:{port}"
    server.close()
    for writer in writers:
        writer.close()


async def as_a_role(url: str) -> None:
    await NatsBus.connect(url, timeout=SECONDS)


async def as_another_service(url: str) -> None:
    async with Client.connect(url, timeout=SECONDS):
        pass


async def bare(url: str) -> None:
    await NatsConnection.open(url, timeout=SECONDS)


@pytest.mark.parametrize("connect", [as_a_role, as_another_service, bare])
async def test_connecting_ends_at_its_deadline(
    silent: str, connect: Callable[[str], Awaitable[None]]
) -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(BusError, match=r"no NATS server let us in within 0\.3 s"):
        await connect(silent)
    assert asyncio.get_running_loop().time() - began < SECONDS + 2.0


async def test_it_ends_although_nats_py_lets_cancellations_drop(
    silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.11's `wait_for` may: here the first two are dropped for certain."""
    dropped = []

    async def deaf(self: Any, *args: Any, **options: Any) -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if len(dropped) == 2:
                    raise
                dropped.append(1)

    monkeypatch.setattr("nats.aio.client.Client.connect", deaf)
    with pytest.raises(BusError, match="no NATS server let us in"):
        await NatsConnection.open(silent, timeout=0.05)
    assert dropped == [1, 1]


async def test_who_is_cancelled_while_connecting_is_cancelled(silent: str) -> None:
    connecting = asyncio.ensure_future(NatsConnection.open(silent, timeout=60.0))
    await asyncio.sleep(0)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting


@pytest.mark.parametrize("role", ["worker", "coordinator"])
async def test_a_role_says_that_nobody_let_it_in(silent: str, role: str, tmp_path: Any) -> None:
    command = [sys.executable, "-m", "penstock.cli", role, "--nats", silent, "--home", tmp_path]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "no NATS server let us in within" in done.stderr
