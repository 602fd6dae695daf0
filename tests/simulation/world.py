"""A whole Penstock in one thread over simulated time: real coordinators and workers, and what can
go wrong with the machines, the wires and the disks that they stand on.

Coordinators live on disks (`a`, and `b` for a standby): who starts on a disk reads what the one
before it left there. Workers share one folder. A process can be killed at any instant: what it
does afterwards reaches nobody.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import Coroutine, Hashable
from pathlib import Path
from typing import Any

from msgspec import Raw

from penstock.authoring.serialized import SerializedDag, dump
from penstock.coordinator.coordinator import Coordinator, Settings
from penstock.coordinator.notices import rfc3339
from penstock.errors import PenstockError
from penstock.events.bus import BusError, Message
from penstock.events.memory_server import MemoryServer
from penstock.events.subjects import Subjects
from penstock.events.types import DagRegistered, Delivery, Event, Record, decode_record, encode
from penstock.events.words import Dispatch, decode_down
from penstock.lifecycle.advance import advance, entries_of
from penstock.lifecycle.invariants import check
from penstock.lifecycle.state import RunState, State
from penstock.worker.worker import Worker, WorkerIdentity
from tests.simulation.disks import Killed, Shelf, SimDatabase, SimKeep
from tests.simulation.halting import ProcessBus, Signals, SimNetwork
from tests.simulation.loop import SimClock, SimLoop
from tests.simulation.pool import Effects, Play, SimPool


class Process:
    """A coordinator or worker that can be killed at any instant. disk: a coordinator's."""

    def __init__(
        self, name: str, bus: ProcessBus, task: asyncio.Task[None], disk: str = ""
    ) -> None:
        self.name, self.bus, self.task, self.disk = name, bus, task, disk

    @property
    def is_alive(self) -> bool:
        return not self.task.done()


class Words:
    """What leaders said to one worker. refused: deliveries that came under too low an epoch.

    A message may come twice: what came in time is not refused for having come again later.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.taken: set[Delivery] = set()
        self.refused: set[Delivery] = set()

    def note(self, message: Message) -> None:
        word = decode_down(message.payload)
        self.epoch = max(self.epoch, word.epoch)
        if isinstance(word, Dispatch):
            told = {work.delivery for work in word.work}
            if word.epoch < self.epoch:
                self.refused |= told - self.taken
            else:
                self.taken |= told


class World:
    """keep_commits: how many of a database's last commits can be lost. log_lost: the log has lost
    facts that it had acked, so that not everything can be promised any more.
    """

    def __init__(
        self,
        seed: int,
        loop: SimLoop,
        play: Play,
        *,
        redeliveries: int = 1000,
        keep_commits: int = 0,
    ) -> None:
        self.random = random.Random(seed)
        self.loop, self.play, self.keep_commits = loop, play, keep_commits
        self.network = SimNetwork(random.Random(seed + 1))
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
        self.working: dict[str, Worker] = {}
        self.pools: dict[str, SimPool] = {}
        self.words: dict[str, Words] = {}
        self.shelf: Shelf = {}
        self.counts = {"coordinator": 0, "worker": 0}
        self.failures: list[BaseException] = []
        self.state = State(redeliveries=redeliveries)  # the log folded by nobody in particular
        self.folded = 0
        self.shapes: set[int] = set()
        self.log_lost = False
        self.owed: set[Hashable] = set()  # facts that the log lost and a projection had
        self.is_smooth = False  # no message was ever lost on its way
        self.cancelled: set[str] = set()

    # ------------------------------------------------------------ processes

    async def connect(self, name: str) -> ProcessBus:
        while True:
            try:
                bus = await ProcessBus.connect(
                    self.server, name=name, on_error=self.failures.append
                )
            except BusError:
                await asyncio.sleep(0.1)
                continue
            assert isinstance(bus, ProcessBus)
            bus.signals = Signals()
            return bus

    def begin(
        self, name: str, bus: ProcessBus, living: Coroutine[Any, Any, None], disk: str = ""
    ) -> Process:
        context = bus.signals.context.copy()
        task = asyncio.create_task(self.watch(living), context=context)
        return Process(name, bus, task, disk)

    async def start_coordinator(self, disk: str = "a") -> str:
        self.counts["coordinator"] += 1
        name = f"c{self.counts['coordinator']}"
        bus = await self.connect(name)
        path = self.folder / f"{disk}.db"
        database = self.databases[disk] = SimDatabase(path, keep=self.keep_commits)
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

        self.coordinators[name] = self.begin(name, bus, live(), disk)
        return name

    async def start_worker(self, *, slots: int = 2) -> str:
        self.counts["worker"] += 1
        name = f"w{self.counts['worker']}"
        bus = await self.connect(name)
        chance = random.Random(self.random.random())
        pool = self.pools[name] = SimPool(name, self.effects, self.play, chance, bus.signals)
        self.words[name] = Words()
        bus.heard = self.words[name].note
        worker = self.working[name] = Worker(
            WorkerIdentity(name=name, host="sim", pid=self.counts["worker"], slots=slots),
            bus,
            self.subjects,
            pool,
            SimClock(self.loop),
            keep=SimKeep(self.shelf, name),
        )
        self.workers[name] = self.begin(name, bus, worker.run())
        return name

    async def watch(self, living: Coroutine[Any, Any, None]) -> None:
        """Note what a process ended with, unless that is what it was meant to end with."""
        try:
            await living
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
        if process.disk:
            self.databases[process.disk].is_dead = True
        pool = self.pools.get(process.name)
        if pool is not None:
            pool.die()
            if process.name in self.shelf:
                self.shelf[f"dead {process.name}"] = self.shelf.pop(process.name)
        process.bus.signals.go_on()
        process.task.cancel()
        await asyncio.gather(process.task, return_exceptions=True)
        for of in (self.coordinators, self.leaders, self.workers, self.working):
            of.pop(process.name, None)  # type: ignore[attr-defined]

    async def stop(self, process: Process) -> None:
        """SIGTERM to a coordinator: it projects what it has folded, and ends."""
        process.bus.signals.go_on()
        process.task.cancel()
        await asyncio.gather(process.task, return_exceptions=True)
        await self.kill(process)

    async def keep_alive(self) -> None:
        """A supervisor: whoever ended by itself (fenced off) is started again.

        Raises what nobody may end with.
        """
        if self.failures:
            raise self.failures[0]
        for process in list(self.coordinators.values()):
            if not process.is_alive:
                await self.kill(process)
                await self.start_coordinator(process.disk)
        for process in list(self.workers.values()):
            if not process.is_alive:
                await self.kill(process)
                await self.start_worker()

    def leading(self) -> Process | None:
        """Return the process that leads, as far as it knows."""
        for process in self.coordinators.values():
            if process.name in self.leaders and self.leaders[process.name].is_leading:
                return process
        return None

    @property
    def leader(self) -> Coordinator | None:
        """The one with the highest epoch: a deposed one may not know of it yet."""
        leading = [
            one
            for name, one in self.leaders.items()
            if one.is_leading and self.coordinators[name].is_alive
        ]
        return max(leading, key=lambda one: one.sequencer.epoch, default=None)

    @property
    def is_projected(self) -> bool:
        """Whether every coordinator lives and has the whole log on its disk."""
        end = self.server.streams["LOG"].last
        return all(
            process.is_alive
            and process.name in self.leaders
            and self.leaders[process.name].projector.sequence == end
            for process in self.coordinators.values()
        )

    async def led(self) -> Coordinator:
        """Wait for a leader that can append."""
        while True:
            await self.keep_alive()
            leader = self.leader
            if leader is not None and leader.sequencer.epoch:
                return leader
            await asyncio.sleep(0.2)

    # ------------------------------------------------------------ what users do

    async def propose(self, event: Event) -> None:
        """Have the leader keep a fact, whoever that is, however often it takes."""
        while True:
            leader = await self.led()
            try:
                async with asyncio.timeout(20):
                    await leader.propose(event)
                return
            except (PenstockError, TimeoutError):
                await asyncio.sleep(0.5)

    async def register(self, dag: SerializedDag) -> None:
        version, text = dump(dag)
        await self.propose(DagRegistered(dag_id=dag.dag_id, version=version, dag=Raw(bytes(text))))

    async def trigger(self, dag_id: str, run_id: str, date: int | None = None) -> None:
        """As another service does: publish until it is kept. date: the run's logical date."""
        bus = await self.connect(f"user-{run_id}")
        asked = {"specversion": "1.0", "id": run_id, "source": "sim", "type": "penstock.trigger"}
        asked["runid"] = run_id
        if date is not None:
            asked["logicaldate"] = rfc3339(date)
        event = encode(asked)
        while True:
            try:
                await bus.store(self.subjects.trigger(dag_id), event)
                break
            except BusError:
                await asyncio.sleep(0.3)
        await bus.close()

    # ------------------------------------------------------------ judging

    def records(self) -> list[Record]:
        log = self.server.streams["LOG"]
        return [decode_record(stored.payload) for stored, _ in log.messages.values()]

    def events(self) -> list[Event]:
        return [event for record in self.records() for event in record.events]

    def fold(self) -> State:
        """Fold the log from where this fold stands, checking the invariants at each step."""
        log = self.server.streams["LOG"]
        while (stored := log.get(self.folded + 1)) is not None:
            for entry in entries_of(decode_record(stored.payload)):
                advance(self.state, entry)
                check(self.state)
            self.shapes.add(hash(shape(self.state)))
            self.folded += 1
        return self.state

    def runs(self) -> dict[str, RunState]:
        return self.fold().runs

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def shape(state: State) -> tuple[object, ...]:
    """What is left of a state without names, times and the order of events: how it looks."""
    runs = [
        (
            run.plan.version,
            run.state,
            bool(run.stopping),
            len(run.callbacks),
            *(
                (
                    bytes(record.states),
                    tuple(record.tries),
                    tuple(sorted(record.flights)),
                    tuple(sorted((place, lost.times) for place, lost in record.lost.items())),
                )
                for record in run.tasks
            ),
        )
        for run in state.runs.values()
        if run.ended_at is None or run.callbacks
    ]
    over = sum(run.ended_at is not None for run in state.runs.values())
    return (len(state.workers), over, *runs)


def is_expected(error: BaseException) -> bool:
    """Whether a coordinator may end with this: it was fenced off, or its connection is closed."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_expected(one) for one in error.exceptions)
    return isinstance(error, (BusError, Killed, asyncio.CancelledError))
