"""A worker as a process of its own, on a real NATS: its life, its drain, its death."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from test_worker import Leader
from worker_play import HERE, appears, job, vanishes

from penstock.events import words as w
from penstock.events.bus import BusError
from penstock.events.nats_bus import NatsBus
from penstock.events.server import Server
from penstock.worker.main import WorkerSettings, run_worker

RUN = (
    "import sys, msgspec; from penstock.worker.main import WorkerSettings, run\n"
    "run(msgspec.json.decode(sys.argv[1], type=WorkerSettings))"
)


async def test_a_worker_that_nobody_lets_in_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object, **__: object) -> NatsBus:
        raise BusError("no NATS server let us in")

    monkeypatch.setattr(NatsBus, "connect", refused)
    said: list[str] = []
    settings = WorkerSettings(url="nats://there", home=str(tmp_path))
    with pytest.raises(BusError):
        await run_worker(settings, lambda: said.append("ready"))
    assert said == []


class Play:
    """A server, a leader, and worker processes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.server = folder, Server(folder / "nats")
        self.workers: list[subprocess.Popen[bytes]] = []

    async def start(self) -> None:
        await self.server.start()
        seed = self.server.credentials.coordinator
        self.bus = await NatsBus.connect(self.server.url, seed=seed)
        await self.bus.ensure_streams()
        self.leader = Leader(self.bus)  # type: ignore[arg-type]
        await self.leader.listen()

    async def worker(self, name: str) -> subprocess.Popen[bytes]:
        settings = WorkerSettings(
            url=self.server.url,
            seed=self.server.credentials.worker,
            home=str(self.folder / "home"),
            slots=2,
            name=name,
            drain=5.0,
            kill_grace=0.3,
            entry="entry",
            paths=(HERE,),
        )
        text = msgspec.json.encode(settings).decode()
        command = [sys.executable, "-c", RUN, text]
        process = subprocess.Popen(command)  # noqa: ASYNC220 (as good as at once)
        self.workers.append(process)
        await self.leader.hears(lambda: any(b.worker == name for b in self.leader.all(w.Heartbeat)))
        return process

    async def close(self) -> None:
        for process in self.workers:
            process.kill()
            process.wait()
        await self.bus.close()
        await self.server.stop()


@pytest.fixture
async def play(tmp_path: Path) -> AsyncIterator[Play]:
    play = Play(tmp_path)
    await play.start()
    yield play
    await play.close()


async def test_a_worker_on_a_real_wire_runs_logs_and_drains(play: Play, tmp_path: Path) -> None:
    process = await play.worker("host-1")
    prints, large = job("prints"), job("gives_text", conf={"size": 200_000})
    await play.leader.dispatch(prints, large)
    assert (await play.leader.outcome(prints)).logged == 6
    [xcom] = (await play.leader.outcome(large)).xcoms
    assert (tmp_path / "home" / "blobs" / xcom.blob[:2] / xcom.blob).exists()
    process.send_signal(signal.SIGTERM)
    await play.leader.hears(lambda: play.leader.all(w.Goodbye))
    assert await asyncio.to_thread(process.wait, 10) == 0
    assert list((tmp_path / "home" / "workers").iterdir()) == []


async def test_a_workers_death_ends_all_that_its_tasks_started(play: Play, tmp_path: Path) -> None:
    process = await play.worker("host-1")
    said = tmp_path / "said"
    loops = job("loops_in_c", conf={"file": str(said)})
    starts = job("starts_program", conf={"file": str(said), "wait": True})
    await play.leader.dispatch(loops, starts)
    pids = [int(pid) for pid in await appears(said, 2)]
    os.kill(process.pid, signal.SIGKILL)
    async with asyncio.timeout(2):
        for pid in pids:
            await vanishes(pid)
    await play.worker("host-2")
    assert play.leader.all(w.Hello)[-1].replaces == ("host-1",)
