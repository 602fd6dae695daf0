"""Random logs: small DAGs, and the facts that a leader could append about their runs.

`write_log` plays leader, workers and people at once. It folds what it writes, sees what the fold
releases, and lets a seeded random choose what comes next: starts, ends of every kind, losses, old
outcomes told again, timers, cancels, changed DAGs.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from msgspec import Raw

from penstock.authoring.serialized import MappedOver, SerializedDag, SerializedTask, dump
from penstock.events.types import (
    Attempt,
    AttemptEnded,
    AttemptFailed,
    AttemptInterrupted,
    AttemptSkipped,
    AttemptStarted,
    AttemptSucceeded,
    ConnectionSet,
    DagPaused,
    DagRegistered,
    DagRemoved,
    Delivery,
    Event,
    Fact,
    FileBroken,
    FileMended,
    Held,
    LeaderElected,
    PoolSet,
    Record,
    RunCancelled,
    RunTriggered,
    TimerDue,
    VariableSet,
    WorkerJoined,
    WorkerLost,
    Xcom,
    encode,
)
from penstock.lifecycle.advance import advance, entries_of
from penstock.lifecycle.commands import Command, Ready, Remind
from penstock.lifecycle.rules import RULES
from penstock.lifecycle.state import State

CALLBACKS = ("success", "failure", "retry", "skipped")
SECOND = 1_000_000


class Logged(NamedTuple):
    """A record with its place in the log."""

    sequence: int
    payload: bytes


def some_dag(chance: Random, dag_id: str) -> SerializedDag:
    """Up to six tasks, each below some of those before it; rules, retries, mapping as it comes."""
    tasks: list[SerializedTask] = []
    asks_past = chance.choice((0.0, 0.0, 0.5))
    for number in range(chance.randint(1, 6)):
        above = [task.task_id for task in tasks]
        upstream = chance.sample(above, min(len(above), chance.choice((0, 1, 1, 2, 3))))
        mapped: tuple[MappedOver, ...] = ()
        if chance.random() < 0.4:
            source = chance.choice(upstream) if upstream and chance.random() < 0.6 else None
            length = None if source else chance.choice((0, 1, 2, 3, 5))
            mapped = (MappedOver(argument="x", task=source, length=length),)
        tasks.append(
            SerializedTask(
                task_id=f"t{number}",
                operator="PythonOperator",
                upstream=tuple(upstream),
                trigger_rule=chance.choice(("all_success",) * 6 + tuple(RULES)),
                retries=chance.choice((0, 0, 1, 2)),
                retry_delay=chance.choice((0.0, 1.0, 60.0)),
                mapped=mapped,
                is_empty=not mapped and chance.random() < 0.1,
                is_setup=chance.random() < 0.1,
                is_teardown=chance.random() < 0.1,
                depends_on_past=chance.random() < asks_past,
                wait_for_downstream=chance.random() < asks_past / 2,
                callbacks=tuple(chance.sample(CALLBACKS, chance.choice((0, 0, 1, 3)))),
            )
        )
    return SerializedDag(
        dag_id=dag_id,
        tasks=tuple(tasks),
        file=f"/dags/{dag_id}.py",
        max_active_runs=chance.choice((1, 2, 16)),
        dagrun_timeout=chance.choice((None, None, 30.0)),
        fail_fast=chance.random() < 0.2,
        callbacks=tuple(chance.sample(("success", "failure"), chance.choice((0, 1, 2)))),
    )


class Teller:
    """Writes one log. held: released attempts with their last delivery; over: outcomes told."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.state = State()
        self.now = 1_000 * SECOND
        self.sent = 0
        self.runs = 0
        self.held: dict[Attempt, Delivery] = {}
        self.over: list[AttemptEnded] = []
        self.timers: list[Remind] = []
        self.versions: dict[str, str] = {}

    def records(self, length: int) -> Iterator[Logged]:
        for number in range(1, length + 1):
            facts: list[Fact] = self.opening() if number == 1 else self.facts()
            self.now += self.chance.choice((0, 1, SECOND))
            record = Record(epoch=1, number=number, at=self.now, events=tuple(facts))
            for entry in entries_of(record):
                for command in advance(self.state, entry):
                    self.hear(command)
            yield Logged(number * 2, encode(record))  # sequences may have gaps

    def hear(self, command: Command) -> None:
        if isinstance(command, Ready):
            for index in range(command.first, command.last):
                attempt = Attempt(command.run, command.task, index, command.try_number)
                self.sent += 1
                self.held[attempt] = Delivery(1, self.sent)
        elif isinstance(command, Remind):
            self.timers.append(command)

    # ------------------------------------------------------------ what happens

    def opening(self) -> list[Fact]:
        return [
            LeaderElected(epoch=1, leader="c1", rules=1),
            WorkerJoined(worker="w1", host="h", pid=1, slots=4),
            *(self.register(f"d{number}") for number in range(self.chance.randint(1, 2))),
            self.trigger(),
        ]

    def facts(self) -> list[Fact]:
        return [self.fact() for _ in range(self.chance.choice((1, 1, 2, 4)))]

    def fact(self) -> Fact:
        """One thing that happens next; mostly something that moves a run on."""
        ways = [self.ended] * 12 + [self.started] * 5 + [self.interrupted] * 2 + [self.timer] * 4
        ways += [self.trigger, self.again, self.registry, self.lost, self.cancel]
        return self.chance.choice(ways)()

    def register(self, dag_id: str) -> DagRegistered:
        version, text = dump(some_dag(self.chance, dag_id))
        self.versions[dag_id] = version
        return DagRegistered(dag_id=dag_id, version=version, dag=text)

    def trigger(self) -> RunTriggered:
        self.runs += self.chance.random() < 0.9  # else an id that there was already
        dag_id = self.chance.choice(list(self.versions))
        is_tick = self.chance.random() < 0.3
        return RunTriggered(
            dag_id=dag_id,
            run_id=f"r{self.runs}",
            version=self.versions[dag_id],
            run_type="scheduled" if is_tick else "manual",
            logical_date=self.now if is_tick else self.chance.choice((None, None, self.now - 1)),
            interval_end=self.now if is_tick else None,
            conf=Raw(b'{"x": 1}'),
            by="ann",
            caused_by="1-1.0",
        )

    def pick(self) -> tuple[Attempt, Delivery] | None:
        return self.chance.choice(list(self.held.items())) if self.held else None

    def started(self) -> Fact:
        found = self.pick()
        if found is None:
            return self.trigger()
        return AttemptStarted(
            attempt=found[0], delivery=found[1], worker="w1", started_at=self.now - 3
        )

    def ended(self) -> Fact:
        found = self.pick()
        if found is None:
            return self.trigger()
        attempt, delivery = found
        del self.held[attempt]
        said = {
            "attempt": attempt,
            "delivery": delivery,
            "worker": "w1",
            "started_at": self.now - 5,
            "ended_at": self.now,
            "took": 0.25,
        }
        what = self.chance.random()
        outcome: AttemptEnded
        if what < 0.65:
            outcome = AttemptSucceeded(**said, xcoms=self.xcoms())
        elif what < 0.9:
            outcome = AttemptFailed(**said, reason="it broke", final=self.chance.random() < 0.1)
        else:
            outcome = AttemptSkipped(**said, reason="not today")
        self.over.append(outcome)
        return outcome  # type: ignore[return-value]

    def xcoms(self) -> tuple[Xcom, ...]:
        length = self.chance.choice((None, 0, 2, 3))
        value = Raw(b"7") if length is None else Raw(b"[" + b"1," * (length - 1) + b"1]")
        returned = Xcom(value=value, length=length)
        more = Xcom(key="more", codec="pickle", inline="gASVAg==", preview=Raw(b'"a thing"'))
        return self.chance.choice(((), (returned,), (returned,), (returned,), (more, returned)))

    def again(self) -> Fact:
        """An outcome that was told before: of an old try, or simply twice."""
        return self.chance.choice(self.over) if self.over else self.started()  # type: ignore[return-value]

    def interrupted(self) -> Fact:
        found = self.pick()
        if found is None:
            return self.trigger()
        return AttemptInterrupted(
            attempt=found[0],
            delivery=found[1],
            worker="w1",
            reason="was killed",
            begun=self.chance.random() < 0.7,
        )

    def lost(self) -> Fact:
        some = self.chance.sample(list(self.held.items()), min(len(self.held), 3))
        held = tuple(Held(attempt, delivery, True) for attempt, delivery in some)
        clean = self.chance.random() < 0.3
        return WorkerLost(worker="w1", reason="fell silent", held=held, clean=clean)

    def timer(self) -> Fact:
        if not self.timers:
            return self.started()
        timer = self.timers.pop(self.chance.randrange(len(self.timers)))
        self.now = max(self.now, timer.due)
        return TimerDue(
            what=timer.what, due=timer.due, run=timer.run, task=timer.task, index=timer.index
        )

    def cancel(self) -> Fact:
        if self.chance.random() < 0.5:
            return self.again()
        if self.chance.random() < 0.2:
            return TimerDue(what="doomsday", due=1, run=self.a_run())
        return RunCancelled(run=self.a_run(), by="bob")

    def a_run(self) -> str:
        return self.chance.choice([*self.state.runs, "nobody/knows"])

    def registry(self) -> Fact:
        dag_id = self.chance.choice(list(self.versions))
        name, value = self.chance.choice("ab"), self.chance.choice((None, "1", "2"))
        worker = self.chance.choice(("w1", "w2"))
        if self.chance.random() < 0.1:
            return self.register(dag_id)
        events: list[Event] = [
            DagPaused(dag_id=dag_id, paused=self.chance.random() < 0.5),
            DagRemoved(dag_id=dag_id),
            FileBroken(file=f"/dags/{name}.py", error="SyntaxError", line=3),
            FileMended(file=f"/dags/{name}.py"),
            PoolSet(name=name, slots=self.chance.choice((None, -1, 4))),
            PoolSet(name="default_pool", slots=self.chance.choice((None, 64))),
            VariableSet(key=name, value=value),
            ConnectionSet(conn_id=name, value=value),
            WorkerJoined(worker=worker, host="h", pid=2, slots=2, queues=("gpu", "cpu")),
        ]
        return self.chance.choice(events)  # type: ignore[return-value]


def write_log(chance: Random, length: int) -> list[Logged]:
    """Return a log of `length` records, each of one to a few facts."""
    return list(Teller(chance).records(length))
