"""A whole Penstock in one thread over simulated time: real coordinators and workers, and what can
go wrong with the machines, the wires and the disks that they stand on.

A *story* is a seed: it draws the DAGs, what each try does, how bad the network is, and when what is
killed. At the end everything is mended and the runs have to come to the very end that they would
have come to undisturbed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import sqlite3
import tempfile
from pathlib import Path

from msgspec import Raw

from penstock.authoring.serialized import SerializedDag, dump
from penstock.coordinator.coordinator import Coordinator, Settings
from penstock.errors import PenstockError
from penstock.events.bus import BusError
from penstock.events.memory_bus import MemoryBus
from penstock.events.memory_network import Network
from penstock.events.memory_server import MemoryServer
from penstock.events.subjects import Subjects
from penstock.events.types import DagRegistered, Outcome, Record, decode_record
from penstock.lifecycle.advance import advance, entries_of
from penstock.lifecycle.invariants import check
from penstock.lifecycle.state import RunState, State
from penstock.store import loading
from penstock.store.batch import Batch, Position
from penstock.store.database import connect_read_only, prepare, write
from penstock.worker.worker import Worker, WorkerIdentity
from tests.simulation.loop import SimClock, SimLoop
from tests.simulation.pool import Effects, Script, SimPool


class Killed(Exception):
    """The process is dead: whatever it does from now on does not happen."""


class SimDatabase:
    """A projection on a disk that may lose its last commits. Passes for a `Database`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_dead = False
        self.earlier: list[bytes] = []
        if not path.exists():
            prepare(path)

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")
        return connection

    async def commit(self, batch: Batch) -> None:
        if self.is_dead:
            raise Killed
        await asyncio.sleep(0.001)
        if self.is_dead:
            raise Killed
        with contextlib.closing(self.connect()) as connection:
            write(connection, batch)

    async def load(self, *, redeliveries: int = 3) -> tuple[State, Position]:
        with contextlib.closing(connect_read_only(self.path)) as connection:
            return loading.load(connection, redeliveries=redeliveries)

    async def load_outbox(self) -> list[loading.Owed]:
        with contextlib.closing(connect_read_only(self.path)) as connection:
            return loading.load_outbox(connection)

    async def load_tail(self, after: int = 0) -> list[tuple[int, str, bytes]]:
        with contextlib.closing(connect_read_only(self.path)) as connection:
            return loading.load_tail(connection, after)


class SimKeep:
    """What a worker's folder keeps over its death."""

    def __init__(self, shelf: dict[str, dict[object, Outcome]], worker: str) -> None:
        self.shelf, self.worker = shelf, worker
        shelf[worker] = {}

    def add(self, outcomes: object) -> None:
        for outcome in outcomes:  # type: ignore[attr-defined]
            self.shelf[self.worker][outcome.delivery] = outcome

    def gone(self, deliveries: object) -> None:
        for delivery in deliveries:  # type: ignore[attr-defined]
            self.shelf[self.worker].pop(delivery, None)

    def inherited(self) -> tuple[tuple[str, ...], list[Outcome]]:
        names, outcomes = [], []
        for name in [name for name in self.shelf if name.startswith("dead ")]:
            names.append(name.removeprefix("dead "))
            outcomes += self.shelf.pop(name).values()
        self.add(outcomes)
        return tuple(names), outcomes

    def close(self) -> None:
        self.shelf.pop(self.worker, None)


class Process:
    """A coordinator or worker that can be killed at any instant."""

    def __init__(self, name: str, bus: MemoryBus, task: asyncio.Task[None]) -> None:
        self.name, self.bus, self.task = name, bus, task

    @property
    def is_alive(self) -> bool:
        return not self.task.done()


class World:
    def __init__(
        self, seed: int, loop: SimLoop, script: Script, *, redeliveries: int = 1000
    ) -> None:
        self.random = random.Random(seed)
        self.loop, self.script = loop, script
        self.network = Network(random.Random(seed + 1))
        self.subjects = Subjects()
        self.server = MemoryServer(self.network, self.subjects)
        self.effects = Effects()
        self.redeliveries = redeliveries
        shm = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.folder = Path(tempfile.mkdtemp(prefix="penstock-sim-", dir=shm))
        self.coordinators: dict[str, Process] = {}
        self.leaders: dict[str, Coordinator] = {}
        self.databases: dict[str, SimDatabase] = {}
        self.clocks: dict[str, SimClock] = {}
        self.workers: dict[str, Process] = {}
        self.pools: dict[str, SimPool] = {}
        self.shelf: dict[str, dict[object, Outcome]] = {}
        self.counts = {"coordinator": 0, "worker": 0}
        self.failures: list[BaseException] = []
        self.state = State(redeliveries=redeliveries)  # the log folded by nobody in particular
        self.folded = 0
        self.notices: list[bytes] = []

    # ------------------------------------------------------------ processes

    async def connect(self, name: str) -> MemoryBus:
        while True:
            try:
                return await MemoryBus.connect(
                    self.server, name=name, on_error=self.failures.append
                )
            except BusError:
                await asyncio.sleep(0.1)

    async def start_coordinator(self, disk: str = "a") -> str:
        self.counts["coordinator"] += 1
        name = f"c{self.counts['coordinator']}"
        bus = await self.connect(name)
        database = self.databases[disk] = SimDatabase(self.folder / f"{disk}.db")
        clock = self.clocks.setdefault(disk, SimClock(self.loop))

        async def parse(file: str, timeout: float) -> list[SerializedDag]:
            raise NotImplementedError

        async def live() -> None:
            coordinator = await Coordinator.open(
                Settings(name=name, redeliveries=self.redeliveries),
                bus,
                self.subjects,
                clock,
                database,  # type: ignore[arg-type]
                parse,
            )
            coordinator.files.first_parse.set()
            self.leaders[name] = coordinator
            await coordinator.run()

        process = Process(name, bus, asyncio.create_task(self.watch(live(), name)))
        process.disk = disk  # type: ignore[attr-defined]
        self.coordinators[name] = process
        return name

    async def start_worker(self, *, slots: int = 2) -> str:
        self.counts["worker"] += 1
        name = f"w{self.counts['worker']}"
        bus = await self.connect(name)
        pool = self.pools[name] = SimPool(
            name, self.effects, self.script, random.Random(self.random.random()), 0.05
        )
        worker = Worker(
            WorkerIdentity(name=name, host="sim", pid=self.counts["worker"], slots=slots),
            bus,
            self.subjects,
            pool,
            SimClock(self.loop),
            keep=SimKeep(self.shelf, name),
        )
        self.workers[name] = Process(name, bus, asyncio.create_task(self.watch(worker.run(), name)))
        return name

    async def watch(self, living: object, name: str) -> None:
        """Note what a process ended with, unless that is what it was meant to end with."""
        try:
            await living  # type: ignore[misc]
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if not is_expected(error):
                self.failures.append(error)

    async def kill(self, process: Process) -> None:
        """SIGKILL: nothing that it does after this instant has any effect."""
        process.bus.closed = True
        process.bus.lose()
        if process.bus in self.server.buses:
            self.server.buses.remove(process.bus)
        disk = getattr(process, "disk", None)
        if disk is not None:
            self.databases[disk].is_dead = True
        pool = self.pools.get(process.name)
        if pool is not None:
            pool.die()
            if process.name in self.shelf:
                self.shelf[f"dead {process.name}"] = self.shelf.pop(process.name)
        process.task.cancel()
        await asyncio.gather(process.task, return_exceptions=True)
        self.coordinators.pop(process.name, None)
        self.leaders.pop(process.name, None)
        self.workers.pop(process.name, None)

    async def keep_alive(self) -> None:
        """A supervisor: whoever ended by itself (fenced off) is started again."""
        for process in list(self.coordinators.values()):
            if not process.is_alive:
                disk = process.disk  # type: ignore[attr-defined]
                await self.kill(process)
                await self.start_coordinator(disk)
        for process in list(self.workers.values()):
            if not process.is_alive:
                await self.kill(process)
                await self.start_worker()

    @property
    def leader(self) -> Coordinator | None:
        """The one with the highest epoch: a deposed one may not know of it yet."""
        leading = [
            one
            for name, one in self.leaders.items()
            if one.is_leading and self.coordinators[name].is_alive
        ]
        return max(leading, key=lambda one: one.sequencer.epoch, default=None)

    async def led(self) -> Coordinator:
        """Wait for a leader that can append."""
        while True:
            await self.keep_alive()
            leader = self.leader
            if leader is not None and leader.sequencer.epoch:
                return leader
            await asyncio.sleep(0.2)

    # ------------------------------------------------------------ what users do

    async def register(self, dag: SerializedDag) -> None:
        version, text = dump(dag)
        while True:
            leader = await self.led()
            try:
                async with asyncio.timeout(20):
                    await leader.propose(
                        DagRegistered(dag_id=dag.dag_id, version=version, dag=Raw(bytes(text)))
                    )
                return
            except (PenstockError, TimeoutError):
                await asyncio.sleep(0.5)

    async def trigger(self, dag_id: str, run_id: str) -> None:
        """As another service does: publish until it is kept."""
        bus = await self.connect(f"user-{run_id}")
        event = (
            b'{"specversion":"1.0","id":"%s","source":"sim","type":"penstock.trigger",'
            b'"runid":"%s"}' % (run_id.encode(), run_id.encode())
        )
        while True:
            try:
                await bus.store(self.subjects.trigger(dag_id), event)
                break
            except BusError:
                await asyncio.sleep(0.3)
        await bus.close()

    # ------------------------------------------------------------ judging

    def fold(self) -> State:
        """Fold the log from where this fold stands, checking the invariants at each step."""
        log = self.server.streams["LOG"]
        while (stored := log.get(self.folded + 1)) is not None:
            record: Record = decode_record(stored.payload)
            for entry in entries_of(record):
                advance(self.state, entry)
                check(self.state)
            self.folded += 1
        return self.state

    def runs(self) -> dict[str, RunState]:
        return self.fold().runs

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def is_expected(error: BaseException) -> bool:
    """Whether a coordinator may end with this: it was fenced off, or its connection is closed."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_expected(one) for one in error.exceptions)
    return isinstance(error, (BusError, Killed, asyncio.CancelledError))
