"""The coordinator: stands by, takes the lead, leads.

Standing by is folding the log. Leading is folding what one appends oneself, and acting on the
commands that come out. There is no decision in here: what a fact means is `lifecycle`'s, who is
sent what is the dispatcher's, when something is due is the timekeeper's. This is the wiring.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct, structs

from penstock.clock import Clock
from penstock.coordinator.dispatcher import Dispatcher
from penstock.coordinator.election import elect, watch_for_silence
from penstock.coordinator.files import DagFiles, Parse
from penstock.coordinator.hearing import Hearing
from penstock.coordinator.mending import mend_log
from penstock.coordinator.notices import Notices
from penstock.coordinator.post import Post
from penstock.coordinator.projector import Projector
from penstock.coordinator.questions import Questions
from penstock.coordinator.recovery import in_doubt, to_come
from penstock.coordinator.relay import Relay
from penstock.coordinator.rescuer import Rescuer
from penstock.coordinator.room import Room
from penstock.coordinator.sequencer import Sequencer
from penstock.coordinator.timekeeper import Timekeeper
from penstock.coordinator.triggers import Triggers
from penstock.coordinator.work import WorkMaker
from penstock.events.bus import Bus, BusError
from penstock.events.subjects import Subjects
from penstock.events.types import (
    AttemptEnded,
    AttemptInterrupted,
    AttemptStarted,
    Delivery,
    Event,
    Record,
    WorkerJoined,
    WorkerLost,
    decode_record,
    election_id,
    encode,
)
from penstock.events.words import Hello, Leading
from penstock.lifecycle.advance import Entry, advance, entries_of
from penstock.lifecycle.commands import (
    Command,
    Notify,
    NotifyRun,
    PlanTicks,
    PoolChanged,
    Ready,
    Remind,
    StopRun,
    XcomRows,
)
from penstock.lifecycle.state import State
from penstock.store.batch import Batch, Collector, Position, digest
from penstock.store.database import Database
from penstock.store.reading import Reading

BEAT_SECONDS = 1.0
CONFIRM_BEATS = 10

log = logging.getLogger("penstock.coordinator")


class Settings(Struct, frozen=True, kw_only=True):
    """name: of this coordinator, unique. lease: seconds that a silent worker keeps what it has.

    silence: seconds after which a standby takes over from a silent leader. schedules: whether
    the ticks of schedules are made.
    """

    name: str
    lease: float = 6.0
    silence: float = 4.0
    redeliveries: int = 3
    schedules: bool = True


class Coordinator:
    """Made by `Coordinator.open`; `run` until cancelled or, having led, fenced off."""

    def __init__(
        self,
        settings: Settings,
        bus: Bus,
        subjects: Subjects,
        clock: Clock,
        database: Database,
        state: State,
        position: Position,
        parse: Parse,
    ) -> None:
        self.settings, self.bus, self.subjects, self.clock = settings, bus, subjects, clock
        self.database, self.state = database, state
        self.sequence = position.sequence
        self.hash, self.payload = position.hash, b""  # of the record there, as far as is known
        self.reading = Reading(database.path)
        self.room = Room(database.path.parent)
        self.collector = Collector(position)
        self.relay = Relay(bus, Notices(subjects, f"/{subjects.prefix}"))
        self.projector = Projector(database, self.collector, state, self.relay, self.projected)
        self.projector.sequence = position.sequence
        self.post = Post(bus)
        self.maker = WorkMaker(state)
        self.dispatcher: Dispatcher = Dispatcher(
            state, self.post, subjects, self.maker, self.join, lease=settings.lease
        )
        self.sequencer = Sequencer(bus, clock, self.folded)
        self.timekeeper = Timekeeper(
            state, clock, self.sequencer.propose, lambda: not self.room.trouble
        )
        self.rescuer = Rescuer(self.dispatcher, settings.lease, self.give_up, self.can_hear)
        self.files = DagFiles(state, self.sequencer.ask, parse)
        self.triggers = Triggers(self)
        self.questions = Questions(self)
        self.hearing = Hearing(self)
        self.leaving: set[str] = set()  # runs that are over and not yet projected
        self.is_leading = False
        self.started_at = clock.now()
        self.acts: dict[type[Command], Callable[[Any], None]] = {
            Ready: self.dispatcher.queue.add,
            StopRun: lambda it: self.dispatcher.stop_run(it.run, it.reason),
            Remind: self.timekeeper.remind,
            PlanTicks: lambda it: self.plan_ticks(it.dag_id),
            PoolChanged: lambda it: self.dispatcher.queue.resize(it.name, it.slots),
            Notify: lambda it: self.relay.tell(self.sequence, it),
            NotifyRun: lambda it: self.relay.tell(self.sequence, it),
            XcomRows: lambda it: self.maker.keep(it.run, it.task, it.index, it.xcoms),
        }
        self.passive: dict[type[Command], Callable[[Any], None]] = {
            kind: self.acts[kind] for kind in (Notify, NotifyRun)
        }

    @classmethod
    async def open(
        cls,
        settings: Settings,
        bus: Bus,
        subjects: Subjects,
        clock: Clock,
        database: Database,
        parse: Parse,
    ) -> Coordinator:
        """Read the projection; nothing is heard or said yet."""
        state, position = await database.load()
        return cls(settings, bus, subjects, clock, database, state, position, parse)

    # ------------------------------------------------------------ the two roles

    async def run(self, *duties: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Stand by until there is no leader, then lead. duties: what else a leader does.

        Raises FencedError when somebody else leads: start anew, as a standby. Raises TailLostError,
        one of these, when the log lost what was folded: the next start puts it back.
        """
        # Before anything is folded: what is owed is older than all that will be told, on any run.
        await self.projector.take_outbox()
        await mend_log(self)
        async with asyncio.TaskGroup() as group:
            projecting = group.create_task(self.projector.run())
            try:
                await self.stand_by()
                await self.lead(duties)
            finally:
                projecting.cancel()

    async def stand_by(self) -> None:
        """Fold what others append, until elected."""
        while True:
            await watch_for_silence(self)
            if await elect(self):
                return

    async def lead(self, duties: tuple[Callable[[], Coroutine[Any, Any, None]], ...]) -> None:
        self.is_leading = True
        log.info("%s leads, epoch %d", self.settings.name, self.state.epoch)
        async with asyncio.TaskGroup() as group:
            await self.hearing.open(group.create_task)
            self.bus.on_reconnect(self.reconnected)
            self.take_over()
            await self.post.send()
            for duty in (
                self.sequencer.run,
                self.post.run,
                self.timekeeper.run,
                self.rescuer.run,
                self.relay.run,
                self.triggers.run,
                self.beat,
                *duties,
            ):
                group.create_task(duty())

    def take_over(self) -> None:
        """Act on what the state says is under way."""
        self.dispatcher.lead(self.state.epoch, in_doubt(self.state))
        self.relay.reconnected()  # what the leader before us sent last may be lost as well
        cause = election_id(self.state.epoch)
        for command in to_come(self.state):
            self.timekeeper.remind(structs.replace(command, caused_by=cause))
        for dag_id in self.state.dags:
            self.plan_ticks(dag_id)

    def plan_ticks(self, dag_id: str) -> None:
        if self.settings.schedules:
            self.timekeeper.plan(dag_id)

    async def beat(self) -> None:
        """Tell standbys that the leader lives, and what they need not keep any more.

        Now and then see that it does: with nothing to append a deposed leader would never hear.
        """
        for beat in itertools.count(1):
            if beat % CONFIRM_BEATS == 0:
                self.sequencer.doubt()
            word = Leading(
                epoch=self.state.epoch, leader=self.settings.name, noticed=self.relay.noticed
            )
            self.post.put(self.subjects.lead, encode(word))
            await asyncio.sleep(BEAT_SECONDS)

    def reconnected(self) -> None:
        self.sequencer.doubt()
        self.relay.reconnected()
        self.rescuer.reconnected()

    # ------------------------------------------------------------ folding

    async def folded(self, sequence: int, payload: bytes, record: Record) -> None:
        """A record of ours is stored: fold it, release what it made ready, tell who waits."""
        self.fold(sequence, payload, record)
        stored: dict[str, list[Delivery]] = {}
        for event in record.events:
            if isinstance(event, (AttemptEnded, AttemptInterrupted)):
                sender = self.hearing.on_their_way.pop(event.delivery, event.worker)
                stored.setdefault(sender, []).append(event.delivery)
                self.settle(sender, event)
            else:
                self.note(event)
        self.dispatcher.pump()
        for worker, deliveries in stored.items():
            self.dispatcher.stored(worker, tuple(deliveries))
        await self.post.send()

    def fold(self, sequence: int, payload: bytes, record: Record | None = None) -> None:
        """Fold a stored record and act on its commands, as far as the role wants."""
        record = decode_record(payload) if record is None else record
        entries = entries_of(record)
        commands = self.advance(entries)
        self.sequence, self.payload = sequence, payload
        self.collector.note(sequence, payload, record, entries, commands, self.state)
        acts = self.acts if self.is_leading else self.passive
        for command in commands:
            act = acts.get(type(command))
            if act is not None:
                act(command)
        self.relay.folded(sequence)
        self.projector.folded()

    @property
    def place(self) -> str:
        """The SHA-256 of the last record folded, in hex: what `sequence` has to be in the log."""
        return digest(self.payload) if self.payload else self.hash

    def rewind(self, sequence: int, payload: bytes) -> None:
        """Go back to an earlier place in the log. What is folded again from there changes nothing.

        payload: the record there.
        """
        self.sequence, self.payload = sequence, payload
        self.collector.rewind(sequence)

    def advance(self, entries: list[Entry]) -> list[Command]:
        if len(entries) == 1:
            return advance(self.state, entries[0])
        return [command for entry in entries for command in advance(self.state, entry)]

    def settle(self, sender: str, event: AttemptEnded | AttemptInterrupted) -> None:
        """Free what the outcome frees, and learn from how long it took."""
        is_timed = isinstance(event, AttemptEnded) and not event.attempt.task.startswith("~")
        took = event.took if is_timed and isinstance(event, AttemptEnded) else None
        self.dispatcher.settle(sender, event.worker, event.delivery, event.attempt, took)

    def note(self, event: Event) -> None:
        if isinstance(event, AttemptStarted):
            self.dispatcher.note_long(event.attempt)
        elif isinstance(event, WorkerLost):
            self.dispatcher.lost(event.worker)
            self.rescuer.given_up.discard(event.worker)
        elif isinstance(event, WorkerJoined):
            self.hearing.welcome(event.worker)

    def projected(self, batch: Batch) -> None:
        """Runs that are over and on disk leave the memory."""
        self.leaving.update(batch.over)
        for run in [run for run in self.leaving if not self.collector.is_dirty(run)]:
            self.leaving.discard(run)
            self.state.runs.pop(run, None)
            self.maker.forget(run)
            self.dispatcher.queue.forget(run)

    # ------------------------------------------------------------ workers come and go

    def join(self, hello: Hello) -> None:
        self.hearing.join(hello)

    def give_up(self, worker: str, silence: float) -> None:
        """A worker's lease ran out."""
        held = self.dispatcher.held_by(worker)
        reason = f"was silent for {silence:.1f} s"
        self.sequencer.propose(WorkerLost(worker=worker, reason=reason, held=held))

    async def can_hear(self) -> bool:
        try:
            await self.bus.last()
        except BusError:
            return False
        return True

    # ------------------------------------------------------------ what the API needs

    async def propose(self, event: Event) -> int:
        return await self.sequencer.ask(event)

    async def trigger(self, dag_id: str, **asked: Any) -> tuple[str, str]:
        return await self.triggers.trigger(dag_id, **asked)

    async def caught_up(self, sequence: int | None = None) -> None:
        await self.projector.caught_up(self.sequence if sequence is None else sequence)

    async def register(self, file: str) -> list[str]:
        return await self.files.register(file)

    def resolve_run(self, text: str) -> str:
        return self.questions.resolve_run(text)

    def explain(self, run: str, task: str | None) -> list[str]:
        return self.questions.explain(run, task)

    def stuck(self, run: str) -> list[str]:
        return self.questions.stuck(run)

    def status(self) -> dict[str, Any]:
        return self.questions.status()
