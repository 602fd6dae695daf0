"""The one writer of the projection (law 4): opens the file, commits batches, makes snapshots.

WAL, so that readers never wait and never make anybody wait; `synchronous=FULL`, because the
position in the file says which facts need not be folded again. aiosqlite runs SQLite in a thread of
its own, on the interpreter's lock that the event loop wants too, so inserts take many rows a
statement (`queries.wide`): a fifth less CPU than one row a statement.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import aiosqlite
import anyio

from penstock.lifecycle.state import RunState, State
from penstock.store import loading
from penstock.store.batch import Batch, Position
from penstock.store.errors import StoreDamagedError, StoreMissingError, explained
from penstock.store.queries import query, wide
from penstock.store.rows import Row
from penstock.store.schema import migrate, require_current

MIB = 1024 * 1024

PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "journal_size_limit": 64 * MIB,  # the WAL of a large batch gives its room back
    "wal_autocheckpoint": 2000,
    "cache_size": -8192,  # KiB
    "temp_store": "MEMORY",
    "busy_timeout": 2000,
}

VALUES_AT_ONCE = 2048
"""How many values one widened insert takes, over all its rows."""


class Database:
    """An open projection. Made by `Database.open`; used by one task at a time."""

    def __init__(self, path: Path, connection: aiosqlite.Connection) -> None:
        self.path = path
        self.connection = connection
        self.is_in_doubt = False  # a transaction may be open

    @classmethod
    async def open(cls, path: Path | str) -> Database:
        """Open or make the file and bring its schema up to date.

        Raises StoreSchemaError (foreign or newer), StoreReadOnlyError, StoreDamagedError,
        StoreFullError, StoreBusyError.
        """
        path = Path(path)
        try:
            # Migrated by a connection of its own: executescript and PRAGMAs stay in one thread.
            await asyncio.to_thread(prepare, path)
            connection = await aiosqlite.connect(path, isolation_level=None)
            for name, value in PRAGMAS.items():
                await connection.execute(f"PRAGMA {name} = {value}")
        except sqlite3.Error as error:
            raise explained(path, error) from error
        return cls(path, connection)

    async def commit(self, batch: Batch) -> None:
        """Write a batch in one transaction.

        Raises StoreError, StoreFullError among them; nothing of the batch is then written, and it
        can be committed again. So it can after a cancellation, when it may have been written.
        """
        connection = self.connection
        if self.is_in_doubt:
            await self.roll_back()
        self.is_in_doubt = True
        try:
            await connection.execute("BEGIN IMMEDIATE")
            for name, rows in batch.all_writes():
                for text, parameters in statements(name, rows):
                    await connection.executemany(text, parameters)
            await connection.execute("COMMIT")
            self.is_in_doubt = False
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await self.roll_back()
            if isinstance(error, sqlite3.Error):
                raise explained(self.path, error) from error
            raise

    async def roll_back(self) -> None:
        # Its turn comes after what a cancelled commit left behind in the thread's queue.
        await self.connection.execute("SELECT 1")
        if self.connection.in_transaction:
            await self.connection.execute("ROLLBACK")
        self.is_in_doubt = False

    async def load(self) -> tuple[State, Position]:
        """Return the live state and where the log stood (`loading.load`)."""
        return await asyncio.to_thread(load_from, self.path)

    async def load_run(self, state: State, key: str) -> RunState | None:
        """Return a projected run that has left the memory (`loading.load_run`)."""

        def read() -> RunState | None:
            with opened_for_reading(self.path) as connection:
                return loading.load_run(connection, state, key)

        return await asyncio.to_thread(read)

    async def load_outbox(self) -> list[loading.Owed]:
        """Return what was owed to others at the last commit, oldest first."""

        def read() -> list[loading.Owed]:
            with opened_for_reading(self.path) as connection:
                return loading.load_outbox(connection)

        return await asyncio.to_thread(read)

    async def load_tail(self, after: int = 0) -> list[tuple[int, str, bytes]]:
        """Return (sequence, record id, payload) of the raw records kept after a sequence."""

        def read() -> list[tuple[int, str, bytes]]:
            with opened_for_reading(self.path) as connection:
                return loading.load_tail(connection, after)

        return await asyncio.to_thread(read)

    async def vacuum_into(self, path: Path | str) -> None:
        """Write a checked snapshot; commits go on meanwhile. An existing file is replaced.

        Raises StoreError, and StoreDamagedError if the copy does not pass SQLite's check.
        """
        await asyncio.to_thread(vacuum_into, self.path, Path(path))

    async def set_aside(self) -> Path:
        """Close the file and give it a name under which nothing looks for it; return that."""
        await self.connection.close()
        return await asyncio.to_thread(set_aside, self.path)

    async def close(self) -> None:
        await self.connection.close()


def prepare(path: Path) -> None:
    """Make the file ours, or refuse it, before anything else is done with it."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA busy_timeout = {PRAGMAS['busy_timeout']}")
        migrate(connection, path)
    finally:
        connection.close()


def write(connection: sqlite3.Connection, batch: Batch) -> None:
    """Write a batch in one transaction, without a thread of its own."""
    connection.execute("BEGIN IMMEDIATE")
    for name, rows in batch.all_writes():
        for text, parameters in statements(name, rows):
            connection.executemany(text, parameters)
    connection.execute("COMMIT")


def load_from(path: Path) -> tuple[State, Position]:
    with opened_for_reading(path) as connection:
        return loading.load(connection)


def statements(name: str, rows: Sequence[Row]) -> Iterator[tuple[str, Iterable[Row]]]:
    """Yield (SQL, parameters for executemany) that write the rows, in order, in few statements."""
    many = VALUES_AT_ONCE // len(rows[0])
    wide_rows = 0
    if len(rows) >= many > 1 and name.startswith("write_") and name != "write_position":
        wide_rows = len(rows) - len(rows) % many
        yield wide(name, many), chunks(rows, many, wide_rows)
    if wide_rows < len(rows):
        yield query(name), rows[wide_rows:]


def chunks(rows: Sequence[Row], many: int, end: int) -> Iterator[Row]:
    for start in range(0, end, many):
        yield tuple(chain.from_iterable(rows[start : start + many]))


class opened_for_reading:
    """A read-only connection that sees what is committed, whether or not a writer is at work."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> sqlite3.Connection:
        self.connection = connect_read_only(self.path)
        return self.connection

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.connection.close()
        if isinstance(error, sqlite3.Error):
            raise explained(self.path, error) from error


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open a database to read from it, in any thread. Raises StoreError."""
    if not path.exists():
        raise StoreMissingError(path)
    address = path.absolute().as_uri()
    # Without a writer the WAL's files may be gone, and in a folder that cannot be written SQLite
    # cannot make them: nobody else can write there either, so the file is immutable.
    ways = ["mode=ro"]
    if not os.access(path.parent, os.W_OK) and not Path(f"{path}-shm").exists():
        ways = ["mode=ro&immutable=1"]
    try:
        connection = sqlite3.connect(
            f"{address}?{ways[0]}", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA busy_timeout = 2000")
        connection.execute("PRAGMA query_only = 1")
        require_current(connection, path)
    except sqlite3.Error as error:
        raise explained(path, error) from error
    return connection


def vacuum_into(source: Path, target: Path) -> None:
    """Copy the database as of one moment, checked and synced, under its name only when whole."""
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        connection = sqlite3.connect(source, isolation_level=None)
        try:
            connection.execute("VACUUM INTO ?", (str(partial),))
        finally:
            connection.close()
        with opened_for_reading(partial) as copy:
            (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise explained(source, error) from error
    if found != "ok":
        raise StoreDamagedError(f"{partial}: the snapshot is damaged ({found}); {source} may be")
    sync(partial)
    partial.replace(target)
    sync(target.parent)


def set_aside(path: Path) -> Path:
    numbers = itertools.count(1)
    names = (path.with_name(f"{path.name}.aside-{number}") for number in numbers)
    target = next(name for name in names if not name.exists())
    # The file last: a WAL without its file is no database, a file without its WAL an older one.
    for ending in ("-shm", "-wal", ""):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.replace(target.with_name(target.name + ending))
    sync(path.parent)
    return target


def sync(path: Path) -> None:
    """Return once a file's bytes, or a folder's names, would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
