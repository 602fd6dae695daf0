"""What is held against the daemon once everything has ended: runs, tries, notices, the fold."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from penstock.coordinator.notices import Notices
from penstock.events.bus import Stored
from penstock.events.nats_bus import NatsBus
from penstock.events.subjects import Subjects

from .fold import BATCHES, Folded, compare, fold, position_of
from .work import WIDTH, expected_tries


async def read_all(url: str, seed: str) -> tuple[list[Stored], list[Stored]]:
    """Return the whole log and all notices, as a coordinator may read them."""
    async with await NatsBus.connect(url, seed=seed, name="chaos") as bus:
        log = [stored async for stored in bus.replay("LOG", bus.subjects.log)]
        notices = [stored async for stored in bus.replay("NOTICES", bus.subjects.events)]
    return log, notices


def runs(database: Path, wanted: set[str]) -> Iterator[str]:
    """Yield what is wrong with how the runs ended, against how they end when nobody is killed."""
    connection = sqlite3.connect(database)
    found = dict(connection.execute("SELECT run, state FROM run").fetchall())
    for run in sorted(wanted ^ found.keys()):
        yield f"run {run} was {'lost' if run in wanted else 'not asked for'}"
    for run, state in sorted(found.items()):
        if state != "success":
            yield f"run {run} ended as {state}"
        yield from tries(connection, run)
    connection.close()


def tries(connection: sqlite3.Connection, run: str) -> Iterator[str]:
    ended = {
        (task, index): (state, number)
        for task, index, state, number in connection.execute(
            "SELECT task, map_index, state, try_number FROM task_instance WHERE run = ?", (run,)
        )
    }
    for place, number in expected_tries().items():
        task, index = place
        if ended.get(place) != ("success", number):
            yield f"{run} {task}[{index}] is {ended.get(place)} instead of success at try {number}"
    query = "SELECT xcom FROM xcom WHERE run = ? AND task = 'total'"
    values = [msgspec.json.decode(row[0])["value"] for row in connection.execute(query, (run,))]
    if values != [sum(range(WIDTH))]:
        yield f"{run}: total gave {values} instead of {sum(range(WIDTH))}"


def projections(
    log: Sequence[Stored], copies: Sequence[Path], redeliveries: int
) -> tuple[Folded, list[str]]:
    """Hold each copy of the database against the log's fold; the last one is of the end."""
    wrong = [f"the log ends at {log[-1].sequence}, with {len(log)} records"] * (
        log[-1].sequence != len(log)
    )
    with tempfile.TemporaryDirectory() as folder:
        for copy in copies:
            upto = position_of(copy)
            for batch in BATCHES:
                database = Path(folder) / f"{copy.stem}-{batch}.db"
                folded = fold(log, upto, database, batch, redeliveries)
                differing = compare(copy, folded, settled=copy == copies[-1])
                wrong += [f"{copy.name} at {upto}, by {batch or 'all'}: {it}" for it in differing]
    return folded, wrong


def notices(folded: Folded, heard: Sequence[Stored], prefix: str = "penstock") -> Iterator[str]:
    """Yield what is wrong with the notices: each is there, as the fold says, and in order."""
    # It writes notices here and sends none, so it needs no bus.
    notices = Notices(Subjects(prefix), f"/{prefix}")
    wanted: dict[str, list[tuple[str, bytes]]] = {}
    for _, command in folded.told:
        wanted.setdefault(command.run, []).extend(notices.of(command))
    first: dict[str, dict[str, tuple[str, bytes]]] = {}
    for stored in heard:
        event = msgspec.json.decode(stored.payload)
        run = event["id"].rpartition("#")[0]
        seen = first.setdefault(run, {})
        before = seen.setdefault(event["id"], (stored.subject, stored.payload))
        if before != (stored.subject, stored.payload):
            yield f"notice {event['id']} came twice and says two things: {before} and {stored}"
    for run in sorted(wanted.keys() | first.keys()):
        ours, theirs = wanted.get(run, []), list(first.get(run, {}).values())
        if ours != theirs:
            yield f"run {run}: {first_difference(ours, theirs)}"


def first_difference(wanted: list[tuple[str, bytes]], heard: list[tuple[str, bytes]]) -> str:
    for place, (ours, theirs) in enumerate(zip(wanted, heard, strict=False), 1):
        if ours != theirs:
            return f"notice {place} of {len(wanted)} should be {ours}; heard was {theirs}"
    return f"{len(heard)} notices were heard instead of {len(wanted)}"
