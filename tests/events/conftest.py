from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.events.lock import FolderLock
from penstock.events.nats_bus import NatsBus
from penstock.events.server import Server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A running server with every stream, its folder locked as by a supervisor."""
    with FolderLock(tmp_path).acquire() as lock:
        async with Server(tmp_path, lock_fd=lock.fd) as running:
            seed = running.credentials.coordinator
            async with await NatsBus.connect(running.url, seed=seed) as bus:
                await bus.ensure_streams()
            yield running


@pytest.fixture
async def leader(server: Server) -> AsyncIterator[NatsBus]:
    async with await NatsBus.connect(server.url, seed=server.credentials.coordinator) as bus:
        yield bus
