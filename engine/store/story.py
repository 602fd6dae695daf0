"""The story: every fact as rows, one under each run that it concerns.

What is kept elsewhere (XComs, serialized DAGs, what a task waits with) is left out of a fact's
body; `task_id`s and causes stay, so that a story can be read from cause to cause.
"""

from __future__ import annotations

from msgspec import Raw, structs

from penstock.events.types import (
    NOT_MAPPED,
    Attempt,
    AttemptEnded,
    AttemptPaused,
    DagRegistered,
    Event,
    WorkerLost,
    encode,
)
from penstock.lifecycle.advance import Entry
from penstock.store.rows import Row

NO_DAG = Raw(b"null")


def event_rows(sequence: int, entry: Entry) -> list[Row]:
    """Return the rows of one fact; a lost worker is told to every run that it held work of."""
    event = entry.event
    if isinstance(event, AttemptEnded):
        if event.xcoms:
            event = structs.replace(event, xcoms=())
        if isinstance(event, AttemptPaused):
            bare = structs.replace(event.pause, trigger=None, resume=None, xcoms=())
            event = structs.replace(event, pause=bare)
        attempt = event.attempt
        return [row(sequence, entry, event, attempt.run, attempt.task, attempt.index)]
    if isinstance(event, WorkerLost):
        runs = dict.fromkeys(held.attempt.run for held in event.held)
        return [
            row(sequence, entry, structs.replace(event, held=()), ""),
            *(row(sequence, entry, of_run(event, run), run) for run in runs),
        ]
    if isinstance(event, DagRegistered):
        return [row(sequence, entry, structs.replace(event, dag=NO_DAG), "")]
    place: Attempt | None = getattr(event, "attempt", None)
    if place is not None:
        return [row(sequence, entry, event, place.run, place.task, place.index)]
    task, index = getattr(event, "task", ""), getattr(event, "index", NOT_MAPPED)
    return [row(sequence, entry, event, getattr(event, "run", ""), task, index)]


def of_run(event: WorkerLost, run: str) -> WorkerLost:
    held = tuple(held for held in event.held if held.attempt.run == run)
    return structs.replace(event, held=held)


def row(
    sequence: int,
    entry: Entry,
    event: Event,
    run: str,
    task: str = "",
    index: int = NOT_MAPPED,
) -> Row:
    return (
        run,
        sequence,
        entry.place,
        entry.id,
        event.__struct_config__.tag,
        task,
        index,
        entry.at,
        event.caused_by,
        encode(event).decode(),
    )
