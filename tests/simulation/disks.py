"""What survives a death: the projection, which may lose its last commits, and a worker's outcomes.

A real disk loses a commit that was acknowledged only if it lies about having synced it, or if the
file is put back from a copy. The design promises to bear it all the same (DESIGN, law 4), so
`SimDatabase` keeps its last few contents and `lose` goes back to one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from penstock.events.types import Delivery, Outcome
from penstock.lifecycle.state import State
from penstock.store import loading
from penstock.store.batch import Batch, Position
from penstock.store.database import connect_read_only, prepare, write

COMMIT_SECONDS = 0.001


class Killed(Exception):
    """The process is dead: whatever it does from now on does not happen."""


class SimDatabase:
    """Passes for a `Database`. earlier: the file before each of the last commits, oldest first."""

    def __init__(self, path: Path, *, keep: int = 0) -> None:
        self.path = path
        self.is_dead = False
        self.earlier: deque[bytes] = deque(maxlen=keep)
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
        await asyncio.sleep(COMMIT_SECONDS)
        if self.is_dead:
            raise Killed
        if self.earlier.maxlen:
            self.earlier.append(self.path.read_bytes())
        with contextlib.closing(self.connect()) as connection:
            write(connection, batch)

    def lose(self, commits: int) -> None:
        """Be as before the last commits, as far back as is known."""
        for _ in range(min(commits, len(self.earlier))):
            self.path.write_bytes(self.earlier.pop())

    async def set_aside(self) -> Path:
        if self.is_dead:
            raise Killed
        self.earlier.clear()
        self.path.unlink()
        return self.path

    async def load(self) -> tuple[State, Position]:
        with contextlib.closing(connect_read_only(self.path)) as connection:
            return loading.load(connection)

    async def load_outbox(self) -> list[loading.Owed]:
        with contextlib.closing(connect_read_only(self.path)) as connection:
            return loading.load_outbox(connection)

    async def load_tail(self, after: int = 0) -> list[tuple[int, str, bytes]]:
        with contextlib.closing(connect_read_only(self.path)) as connection:
            return loading.load_tail(connection, after)


Shelf = dict[str, dict[Delivery, Outcome]]
"""Kept outcomes of the workers of one machine, by worker; `dead <worker>` once it is that."""


class SimKeep:
    """What a worker's folder keeps over its death."""

    def __init__(self, shelf: Shelf, worker: str) -> None:
        self.shelf, self.worker = shelf, worker
        shelf[worker] = {}

    def add(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self.shelf[self.worker][outcome.delivery] = outcome

    def gone(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            self.shelf.get(self.worker, {}).pop(delivery, None)

    def inherited(self) -> tuple[tuple[str, ...], list[Outcome]]:
        names: list[str] = []
        outcomes: list[Outcome] = []
        for name in [name for name in self.shelf if name.startswith("dead ")]:
            names.append(name.removeprefix("dead "))
            outcomes += self.shelf.pop(name).values()
        self.add(outcomes)
        return tuple(names), outcomes

    def close(self) -> None:
        if not self.shelf.get(self.worker, True):
            del self.shelf[self.worker]
