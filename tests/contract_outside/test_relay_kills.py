"""nats-server dies by SIGKILL in mid-stream, 20 times: no notice is lost, none overtakes another.

NOTICES is written asynchronously, so each kill may cost messages that were acked already; sequences
are then used again. Judged by ids, in the stream and at a reader who listened all the time.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.coordinator.notices import Notices
from penstock.coordinator.relay import Relay
from penstock.events import Client
from penstock.events.access import add_user
from penstock.events.lock import FolderLock
from penstock.events.nats_bus import NatsBus
from penstock.events.server import Server
from penstock.events.subjects import Subjects
from penstock.lifecycle.commands import Notify, NotifyRun

RUNS = [f"d/{number}" for number in range(4)]


class Telling:
    """Runs that go on telling, each notice with the next number of its run."""

    def __init__(self, relay: Relay, seed: int) -> None:
        self.relay, self.random = relay, random.Random(seed)
        self.told = dict.fromkeys(RUNS, 0)
        self.position = 0

    def tell(self) -> None:
        run = self.random.choice(RUNS)
        number = self.told[run] + 1
        if self.random.random() < 0.02:
            width = self.random.choice([3, 250])
            self.add(Notify(run, "t", 0, width, 1, "success", number, 0, "1-1"))
            self.told[run] += width
        else:
            self.add(NotifyRun(run, "running", number, 0, "1-1"))
            self.told[run] += 1

    def add(self, command: Notify | NotifyRun) -> None:
        self.position += 1
        self.relay.tell(self.position, command)
        self.relay.folded(self.position)

    async def confirmed(self) -> None:
        await self.relay.settle(self.position, timeout=60.0)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    with FolderLock(tmp_path).acquire() as lock:
        async with Server(tmp_path, lock_fd=lock.fd) as running:
            yield running


async def kill(server: Server, bus: NatsBus, reader: Client) -> None:
    """Kill it, and return when everybody is back."""
    back = [asyncio.Event(), asyncio.Event()]
    bus.on_reconnect(back[0].set)
    reader._connection.on_back(back[1].set)
    os.kill(server.pid, signal.SIGKILL)
    await asyncio.gather(*(one.wait() for one in back))


def judge(heard: list[dict[str, Any]], told: dict[str, int]) -> None:
    """Each id is there, and a run's notices appear for the first time in their order."""
    for run, count in told.items():
        numbers = (one["sequence"] for one in heard if one["id"].startswith(f"{run}#"))
        assert list(dict.fromkeys(numbers)) == list(range(1, count + 1)), run


@pytest.mark.parametrize("pace", ["acked one by one", "a flood"])
async def test_no_notice_is_lost_and_none_overtakes_another(server: Server, pace: str) -> None:
    kills = 20 if pace == "acked one by one" else 5
    key = add_user(server.home, "board", "subscriber")
    seed = server.credentials.coordinator
    async with (
        await NatsBus.connect(server.url, seed=seed) as bus,
        Client.connect(key.url, nkey_seed=key.nkey_seed) as reader,
    ):
        await bus.ensure_streams()
        relay = Relay(bus, Notices(Subjects(), "/penstock"))
        bus.on_reconnect(relay.reconnected)
        relaying = asyncio.create_task(relay.run())
        telling, heard = Telling(relay, seed=7), list[dict[str, Any]]()
        listening = asyncio.create_task(listen(reader, heard))
        for _ in range(kills):
            for _ in range(telling.random.randrange(5, 30)):
                for _ in range(1 if kills == 20 else 100):
                    telling.tell()
                await (telling.confirmed() if kills == 20 else asyncio.sleep(0.001))
            await kill(server, bus, reader)
        telling.told["the/end"] = 1
        telling.add(NotifyRun("the/end", "success", 1, 0, "1-1"))
        await listening
        await telling.confirmed()
        relaying.cancel()
        kept = [
            msgspec.json.decode(one.payload)
            async for one in bus.replay("NOTICES", Subjects().events)
        ]
    judge(kept, telling.told)
    judge(heard, telling.told)
    assert server.restarts == kills


async def listen(reader: Client, heard: list[dict[str, Any]]) -> None:
    async for notice in reader.notices(after=0):
        heard.append(notice)
        if notice["id"] == "the/end#1":
            return


class Slate:
    """A bus that takes everything down. at: what is called when so many were stored."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.at: dict[int, Callable[[], None]] = {}

    async def store(self, subject: str, payload: bytes, **how: object) -> int:
        self.stored.append(msgspec.json.decode(payload)["id"])
        act = self.at.pop(len(self.stored), None)
        if act:
            asyncio.get_running_loop().call_soon(act)
        return 0

    async def flushed(self) -> None:
        return


async def test_a_reconnect_in_the_middle_of_a_fan_leaves_nothing_out() -> None:
    slate = Slate()
    relay = Relay(slate, Notices(Subjects(), "/penstock"))  # type: ignore[arg-type]
    relaying = asyncio.create_task(relay.run())
    telling = Telling(relay, seed=1)
    telling.add(NotifyRun("d/r", "queued", 1, 0, ""))
    await telling.confirmed()

    def come_back() -> None:  # to a server that has forgotten everything
        slate.stored.clear()
        relay.reconnected()

    slate.at[150] = come_back
    telling.add(Notify("d/r", "t", 0, 300, 1, "success", 2, 0, ""))
    await telling.confirmed()
    relaying.cancel()
    assert slate.stored == [f"d/r#{number}" for number in range(1, 302)]
