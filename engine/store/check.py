"""`penstock db check`: is the projection what the log folds to?

The log is folded from zero into a database of its own, and that is compared with the one in use,
table by table and, of the live state, field by field. What is found is told in sentences.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from penstock.events.types import decode_record
from penstock.lifecycle.advance import advance, entries_of
from penstock.lifecycle.compare import same
from penstock.lifecycle.state import State
from penstock.store import loading
from penstock.store.batch import Collector, Position, digest
from penstock.store.database import opened_for_reading, prepare, write

BATCH = 500
"""Records a batch of the fold from zero."""

MOST = 20
"""Differences told of one table."""

TABLES = (
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
    "pool",
    "variable",
    "connection",
    "worker",
)
"""What follows from the log alone. The outbox follows from what was confirmed as well, and the tail
is what the log is compared with."""


def check(path: Path, records: Iterable[tuple[int, bytes]]) -> list[str]:
    """Return what is wrong with the projection at `path`, a sentence each; empty if nothing is.

    records: (sequence, payload) of the log from its first record on; those beyond the projection's
    position are not looked at. Raises StoreError.
    """
    # All of one moment, though a coordinator may go on writing.
    with opened_for_reading(path) as connection, loading.reading(connection):
        found = [
            f"SQLite: {text}"
            for (text,) in connection.execute("PRAGMA integrity_check")
            if text != "ok"
        ]
        state, position = loading.load(connection)
        kept = {row[0]: row[2] for row in loading.load_tail(connection)}
        with tempfile.TemporaryDirectory() as folder:
            apart = Path(folder) / "fold.db"
            folded, told = fold(apart, records, position, kept)
            found += told
            found += same(state, folded, ("the projection", "the log's fold"))
            found += table_differences(connection, apart)
    return found


def fold(
    path: Path,
    records: Iterable[tuple[int, bytes]],
    position: Position,
    kept: dict[int, bytes],
) -> tuple[State, list[str]]:
    """Fold the log up to `position` into a database at `path`."""
    told: list[str] = []
    prepare(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    state, collector, last = State(), Collector(Position()), 0
    try:
        for number, (sequence, payload) in enumerate(records, 1):
            if sequence > position.sequence:
                break
            last = sequence
            told += record_differences(sequence, payload, position, kept)
            record = decode_record(payload)
            entries = entries_of(record)
            commands = [command for entry in entries for command in advance(state, entry)]
            collector.note(sequence, payload, record, entries, commands, state)
            if number % BATCH == 0:
                project(connection, collector, state)
        project(connection, collector, state)
    finally:
        connection.close()
    if last < position.sequence:
        told.append(
            f"the projection has the log up to {position.sequence}, the log ends at {last}: its "
            "end was lost. A coordinator appends it again when it starts"
        )
    return state, told


def project(connection: sqlite3.Connection, collector: Collector, state: State) -> None:
    batch = collector.take(state)
    if batch is not None:
        write(connection, batch)


def record_differences(
    sequence: int, payload: bytes, position: Position, kept: dict[int, bytes]
) -> Iterator[str]:
    if kept.get(sequence, payload) != payload:
        yield f"record {sequence} of the log is not the one that the projection kept"
    if sequence == position.sequence and digest(payload) != position.hash:
        yield f"record {sequence} of the log is not the one that the projection ends with"


def table_differences(connection: sqlite3.Connection, apart: Path) -> Iterator[str]:
    """Compare every table of the log's fold with the projection's, row by row."""
    with opened_for_reading(apart) as other:
        for table in TABLES:
            query = f"SELECT * FROM {table}"
            ours, theirs = set(connection.execute(query)), set(other.execute(query))
            yield from some(table, ours - theirs, "is in the projection and not in the log's fold")
            yield from some(table, theirs - ours, "is in the log's fold and not in the projection")


def some(table: str, rows: set[tuple[object, ...]], where: str) -> Iterator[str]:
    for row in sorted(rows, key=repr)[:MOST]:
        yield f"table {table}: {row!r} {where}"
    if len(rows) > MOST:
        yield f"table {table}: {len(rows) - MOST} more rows: each {where}"
