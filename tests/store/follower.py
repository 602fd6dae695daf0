"""A follower without a wire: folds a log, projects it in batches of a size, and can begin again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from penstock.events.types import decode_record
from penstock.lifecycle.advance import advance, entries_of
from penstock.lifecycle.commands import Command
from penstock.lifecycle.compare import is_over
from penstock.lifecycle.state import State
from penstock.store import loading
from penstock.store.batch import Batch, Collector, Position
from penstock.store.database import connect_read_only, prepare, write
from store.stories import Logged

TABLES = (
    "position",
    "tail",
    "serialized_dag",
    "dag",
    "broken_file",
    "run",
    "quarantined",
    "past_run",
    "task_run",
    "task_instance",
    "xcom",
    "event",
    "outbox",
    "pool",
    "variable",
    "connection",
    "worker",
)


class Follower:
    """state, collector: as of the last record followed. leaves: whether runs leave the memory."""

    def __init__(self, path: Path, *, leaves: bool = True, **limits: int) -> None:
        self.path, self.leaves, self.limits = path, leaves, limits
        prepare(path)
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA synchronous = OFF")
        self.restart()

    def restart(self) -> None:
        """Forget the memory and begin from what is projected."""
        reader = connect_read_only(self.path)
        self.state, position = loading.load(reader)
        reader.close()
        self.position: Position = position
        self.collector = Collector(position, **self.limits)

    def follow(self, log: Iterable[Logged], batch_size: int) -> None:
        waiting = 0
        for logged in log:
            self.fold(logged)
            waiting += 1
            if waiting == batch_size:
                self.project()
                waiting = 0
        self.project()

    def fold(self, logged: Logged) -> list[Command]:
        record = decode_record(logged.payload)
        entries = entries_of(record)
        commands: list[Command] = []
        for entry in entries:
            for key in runs_of(entry.event):
                self.fetch(key)
            commands += advance(self.state, entry)
        self.collector.note(logged.sequence, logged.payload, record, entries, commands, self.state)
        return commands

    def fetch(self, key: str) -> None:
        if key not in self.state.runs:
            run = loading.load_run(self.connection, self.state, key)
            if run is not None:
                self.state.runs[key] = run

    def project(self) -> Batch | None:
        batch = self.collector.take(self.state)
        if batch is not None:
            write(self.connection, batch)
            for key in batch.over if self.leaves else ():
                if not self.collector.is_dirty(key):
                    self.state.runs.pop(key, None)
        return batch

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            table: sorted(self.connection.execute(f"SELECT * FROM {table}"), key=repr)
            for table in TABLES
        }

    def close(self) -> None:
        self.connection.close()


def runs_of(event: Any) -> Iterable[str]:
    """The runs that a fact names."""
    if hasattr(event, "held"):
        return [held.attempt.run for held in event.held]
    attempt = getattr(event, "attempt", None)
    run = attempt.run if attempt is not None else getattr(event, "run", None)
    return [run] if run else []


def folded(log: Sequence[Logged]) -> State:
    """The state that a log folds to, from nothing."""
    state = State()
    for logged in log:
        for entry in entries_of(decode_record(logged.payload)):
            advance(state, entry)
    return state


def live(state: State) -> set[str]:
    return {key for key, run in state.runs.items() if not is_over(run)}
