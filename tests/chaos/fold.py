"""The log folded from zero, in batches of a size, held against copies of the daemon's database.

A copy may be of any moment: the fold stops where the copy does. Everything is compared: each table
row by row, the position and the tail, the live state as a coordinator would load it with all of
its counters, and the outbox, which may hold what is not confirmed and the newest that is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec

from penstock.coordinator.relay import RECENT, Told, key_of
from penstock.events.bus import Stored
from penstock.events.types import decode_record
from penstock.lifecycle.advance import advance, entries_of
from penstock.lifecycle.commands import Notify, NotifyRun
from penstock.lifecycle.compare import same
from penstock.lifecycle.invariants import check
from penstock.lifecycle.state import State
from penstock.store import loading
from penstock.store.batch import Collector, Position
from penstock.store.check import TABLES
from penstock.store.database import connect_read_only, prepare, write

BATCHES = (1, 7, 0)
"""Records a batch; 0: all at once."""

MOST = 10

LATE = 2_000_000
"""Microseconds before the last record, within which a notice may not have been confirmed."""


@dataclass
class Folded:
    """What the log folds to. told: (position, command) of every notice, in order."""

    state: State
    database: Path
    told: list[tuple[int, Told]] = field(default_factory=list)


def copy_database(source: Path, target: Path) -> int:
    """Copy the projection as of one moment; return the sequence up to which it has the log."""
    reader = connect_read_only(source)
    try:
        with sqlite3.connect(target) as writer:
            reader.backup(writer)
        return position_of(target)
    finally:
        reader.close()


def position_of(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        row = connection.execute("SELECT sequence FROM position").fetchone()
        return int(row[0]) if row else 0
    finally:
        connection.close()


def fold(log: Sequence[Stored], upto: int, path: Path, batch: int, redeliveries: int) -> Folded:
    """Fold the log up to a sequence into a new database at `path`."""
    prepare(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    folded = Folded(State(redeliveries=redeliveries), path)
    collector = Collector(Position())
    for number, stored in enumerate(log, 1):
        if stored.sequence > upto:
            break
        record = decode_record(stored.payload)
        entries = entries_of(record)
        commands = [one for entry in entries for one in advance(folded.state, entry)]
        collector.note(stored.sequence, stored.payload, record, entries, commands, folded.state)
        folded.told += [
            (stored.sequence, one) for one in commands if isinstance(one, Notify | NotifyRun)
        ]
        if batch and number % batch == 0:
            project(connection, collector, folded.state)
    project(connection, collector, folded.state)
    connection.close()
    check(folded.state)
    return folded


def project(connection: sqlite3.Connection, collector: Collector, state: State) -> None:
    taken = collector.take(state)
    if taken is not None:
        write(connection, taken)


# ---------------------------------------------------------------- what differs


def compare(copy: Path, folded: Folded, *, settled: bool) -> Iterator[str]:
    """Yield how a copy differs from the fold; settled: everything had ended when it was made."""
    theirs = connect_read_only(copy)
    ours = connect_read_only(folded.database)
    try:
        state, _ = loading.load(theirs)
        yield from same(state, folded.state, (copy.name, "the fold"))
        again, _ = loading.load(ours)
        yield from same(again, folded.state, ("the fold's own database", "the fold"))
        for table in (*TABLES, "position", "tail"):
            yield from rows(table, theirs, ours, copy.name)
        yield from outbox(loading.load_outbox(theirs), folded, copy.name, settled=settled)
    finally:
        theirs.close()
        ours.close()


def rows(
    table: str, theirs: sqlite3.Connection, ours: sqlite3.Connection, name: str
) -> Iterator[str]:
    query = f"SELECT * FROM {table}"
    left, right = set(theirs.execute(query)), set(ours.execute(query))
    for where, found in ((f"in {name} alone", left - right), ("in the fold alone", right - left)):
        for row in islice(sorted(found, key=repr), MOST):
            yield f"table {table}, {where}: {row!r}"[:600]
        if len(found) > MOST:
            yield f"table {table}, {where}: {len(found) - MOST} more rows"


def outbox(
    owed: Sequence[loading.Owed], folded: Folded, name: str, *, settled: bool
) -> Iterator[str]:
    """The outbox is the end of all that was told, and, once settled, no more than is kept."""
    told = [(position, key_of(one), msgspec.json.encode(one)) for position, one in folded.told]
    least = min(RECENT, len(told))
    found = [(row.position, row.id, row.payload) for row in owed]
    wanted = told[len(told) - len(found) :] if found else []
    if sorted(found) != sorted(wanted):
        strange = sorted(set(found) ^ set(wanted))[:MOST]
        yield f"{name}: its outbox is not the end of what was told: {strange}"
    if len(found) < least:
        yield f"{name}: its outbox has {len(found)} rows; the newest {least} are to be kept"
    # Besides these, what had been confirmed only just before the last batch.
    late = {key for _, key, _ in told[-least:]} | {
        key_of(one) for _, one in folded.told if one.at > folded.state.now - LATE
    }
    left = [row for row in found if row[1] not in late]
    if settled and left:
        yield f"{name}: {len(left)} rows are left in its outbox that were confirmed long ago"
