"""The Penstock that is measured: `penstock up` in a temporary home, as any user starts it.

Notices, the logs of tasks, the projection and the outbox are on, and every outcome is synced: there
is no switch for less.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from penstock.bench.yardstick import SLOTS
from penstock.coordinator.api import unpack
from penstock.errors import PenstockError
from penstock.events.bus import Message
from penstock.events.nats_bus import NatsBus, stream_config
from penstock.events.server import read_credentials
from penstock.events.streams import Stream
from penstock.home import Home
from penstock.supervisor.roster import read_roster

DAGS = Path(__file__).parent / "dags"
PENSTOCK = [sys.executable, "-P", "-m", "penstock.cli"]
START_SECONDS = 60.0
RUN_SECONDS = 300.0
SCRATCH = Stream("BENCH", "bench.>", 64 * 1024 * 1024, discard="new")
"""A stream as LOG is, whose messages nobody reads."""


class BenchError(PenstockError):
    """What was to be measured did not work."""


class MeasuredStack:
    """`async with MeasuredStack(names) as stack:`; names: the DAG files that it has."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.said: deque[str] = deque(maxlen=20)
        self.ended: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.watched: set[str] = set()

    async def __aenter__(self) -> MeasuredStack:
        self.folder = Path(tempfile.mkdtemp(prefix="penstock-bench-"))
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.bus.close()
        await self.log.close()
        await self._stop()

    async def _start(self) -> None:
        dags = self.folder / "dags"
        dags.mkdir()
        for name in self.names:
            shutil.copy(DAGS / f"{name}.py", dags)
        self.home = Home(self.folder / "home")
        self.process = await asyncio.create_subprocess_exec(
            *(*PENSTOCK, "up", "--home", str(self.home), "--dags", str(dags)),
            *("--slots", str(SLOTS)),
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is ours to pass on
        )
        up = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(up))
        async with asyncio.timeout(START_SECONDS):
            await up.wait()
            if self.process.returncode is not None:
                raise BenchError("`penstock up` ended:\n" + "\n".join(self.said))
            credentials = read_credentials(self.home.folder)
            assert credentials is not None
            self.bus = await NatsBus.connect(credentials.url, seed=credentials.admin)
            self.log = await NatsBus.connect(credentials.url, seed=credentials.coordinator)
            await self._until_parsed()

    async def _listen(self, up: asyncio.Event) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            text = line.decode(errors="replace").rstrip()
            self.said.append(text)
            if text.startswith("penstock: up."):
                up.set()
        await self.process.wait()
        up.set()

    async def _until_parsed(self) -> None:
        """Wait until each DAG file has been read; BenchError if one cannot be."""
        while True:
            errors = await self.ask("dags_errors")
            if errors:
                raise BenchError(f"a DAG file of the benchmark cannot be read: {errors}")
            if set(self.names) <= {dag["dag_id"] for dag in await self.ask("dags_list")}:
                return
            await asyncio.sleep(0.05)

    async def _stop(self) -> None:
        process = getattr(self, "process", None)
        if process is not None:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            await self._listening
        shutil.rmtree(self.folder, ignore_errors=True)

    # ------------------------------------------------------------ asking

    async def ask(self, verb: str, **args: Any) -> Any:
        """Return the answer to one question of the API. Raises BenchError with the reason."""
        payload = msgspec.json.encode(args)
        answer = unpack(await self.bus.request(self.bus.subjects.api(verb), payload, timeout=60.0))
        if "error" in answer:
            raise BenchError(f"{verb}: {answer['error']}")
        return answer["ok"]

    async def run(self, dag_id: str, *, show: bool = True, **conf: Any) -> dict[str, Any]:
        """Run a DAG to its end and return the run's document. Raises BenchError if it failed.

        show: without it the document is only the answer to the trigger.
        """
        if dag_id not in self.watched:
            self.watched.add(dag_id)
            await self.bus.subscribe(self.bus.subjects.run_event(dag_id, "*"), self._hear)
        begun: dict[str, Any] = await self.ask("trigger", dag_id=dag_id, conf=conf, by="bench")
        async with asyncio.timeout(RUN_SECONDS):
            while True:
                data = await self.ended.get()
                if data["run_id"] == begun["run_id"] and data["state"] in ("success", "failed"):
                    break
        key = f"{dag_id}/{begun['run_id']}"
        if data["state"] != "success":
            raise BenchError(f"run {key} failed: {await self.ask('explain', run=key)}")
        document: dict[str, Any] = await self.ask("runs_show", run=key) if show else begun
        return document

    def _hear(self, message: Message) -> None:
        self.ended.put_nowait(json.loads(message.payload)["data"])

    def pid(self, role: str) -> int:
        return next(one.pid for one in read_roster(self.home.processes) if one.role == role)

    # ------------------------------------------------------------ the server underneath

    async def publish_seconds(self, times: int) -> list[float]:
        """Return how long a publish of 500 bytes takes that is acked once it is on disk."""
        config = stream_config(SCRATCH, "penstock", 1)
        await self.log.connection.api(f"STREAM.CREATE.{SCRATCH.name}", config)
        took = []
        for _ in range(times):
            start = time.perf_counter()
            await self.log.store("penstock.bench.publish", b"x" * 500)
            took.append(time.perf_counter() - start)
        await self.log.connection.api(f"STREAM.DELETE.{SCRATCH.name}")
        return took

    async def publish_median(self, times: int = 200) -> float:
        return statistics.median(await self.publish_seconds(times))
