"""Rows as people and other programs read them: plain dicts, times in RFC 3339, UTC.

Keys are those of the command line's JSON; a moment that has not come yet is null.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec import structs

from penstock.authoring.serialized import SerializedDag
from penstock.events.types import NOT_MAPPED, Xcom, encode
from penstock.lifecycle.states import CODES, SUCCESS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Document = dict[str, Any]

decode_xcom = msgspec.json.Decoder(Xcom).decode


def moment(at: int | None) -> str | None:
    """Return microseconds since 1970 as RFC 3339 with microseconds, UTC."""
    if at is None:
        return None
    text = (EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds")
    return f"{text[:-6]}Z"


def plain(value: object) -> Any:
    """Return what the value is in JSON, as Python's own types."""
    return msgspec.json.decode(encode(value))


class Instance(NamedTuple):
    """A task instance as stored, those at rest included."""

    task: str
    map_index: int
    state: str
    try_number: int
    started_at: int | None = None
    ended_at: int | None = None
    took: float | None = None
    worker: str | None = None
    due: int | None = None
    lost: int = 0
    reason: str = ""


class TaskRun(NamedTuple):
    """What is stored of a task of a run as a whole."""

    task: str
    length: int | None
    rest: str
    gathered: int
    reason: str


def spread(
    task: str, whole: TaskRun | None, rows: Sequence[Instance], run: sqlite3.Row
) -> Iterator[Instance]:
    """Yield every instance of a task: its rows, and between them those at rest.

    What was skipped as a range was so when its run was stopped, and for that reason.
    """
    if whole is None or whole.length is None:
        yield from rows or (Instance(task, NOT_MAPPED, "none", 0),)
        return
    is_over = CODES[whole.rest] >= SUCCESS
    ended_at, reason = (run["ended_at"], run["stopping"]) if is_over else (None, "")
    at = 0
    for row in (*rows, Instance(task, whole.length, "none", 0)):
        for index in range(at, row.map_index):
            yield Instance(task, index, whole.rest, 1, ended_at=ended_at, reason=reason)
        if row.map_index < whole.length:
            yield row
        at = row.map_index + 1


def instance_document(one: Instance) -> Document:
    """The instance as a run's document has it; an earlier try's end is not shown as this one's."""
    has_started = one.state not in ("none", "queued")
    has_ended = has_started and one.state != "running"
    return {
        "task_id": one.task,
        "map_index": one.map_index,
        "state": one.state,
        "try_number": one.try_number,
        "started_at": moment(one.started_at) if has_started else None,
        "ended_at": moment(one.ended_at) if has_ended else None,
        "reason": one.reason,
    }


def instance_details(one: Instance) -> Document:
    """The instance with what a person asks of it alone. took: seconds. lost: by infrastructure."""
    return {
        **instance_document(one),
        "took": one.took,
        "worker": one.worker,
        "due": moment(one.due),
        "lost": one.lost,
    }


def run_summary(row: sqlite3.Row) -> Document:
    return {
        "dag_id": row["dag_id"],
        "run_id": row["run_id"],
        "state": row["state"],
        "run_type": row["run_type"],
        "logical_date": moment(row["logical_date"]),
        "data_interval_start": moment(row["interval_start"]),
        "data_interval_end": moment(row["interval_end"]),
        "triggered_at": moment(row["triggered_at"]),
        "started_at": moment(row["started_at"]),
        "ended_at": moment(row["ended_at"]),
        "triggered_by": row["triggered_by"],
        "version": row["version"],
        "conf": msgspec.json.decode(row["conf"]),
        "reason": row["reason"],
    }


def xcom_document(task: str, index: int, key: str, text: str) -> Document:
    """One XCom: its JSON value, or the preview that its worker made."""
    xcom = decode_xcom(text)
    value = msgspec.json.decode(xcom.shown) if memoryview(xcom.shown).nbytes else None
    return {"task_id": task, "map_index": index, "key": key, "value": value}


def dag_summary(row: sqlite3.Row, dag: SerializedDag, runs: Mapping[str, int]) -> Document:
    """runs: how many runs the DAG has, by state."""
    return {
        "dag_id": dag.dag_id,
        "version": row["version"],
        "paused": bool(row["paused"]),
        "gone": bool(row["gone"]),
        "file": dag.file,
        "line": dag.line,
        "schedule": dag.schedule.said,
        "last_tick": moment(row["last_tick"]),
        "tags": list(dag.tags),
        "description": dag.description,
        "tasks": len(dag.tasks),
        "warnings": list(dag.warnings),
        "runs": dict(runs),
    }


def dag_details(
    row: sqlite3.Row, dag: SerializedDag, runs: Mapping[str, int], versions: list[Document]
) -> Document:
    """All that is known of a DAG. schedule: as data; tasks: in topological order."""
    said = {
        field: plain(getattr(dag, field))
        for field in (
            "doc_md",
            "params",
            "max_active_tasks",
            "max_active_runs",
            "dagrun_timeout",
            "fail_fast",
            "callbacks",
        )
    }
    schedule: Document = structs.asdict(dag.schedule)
    for edge in ("start", "end"):
        schedule[edge] = moment(schedule[edge])
    tasks = [plain(structs.asdict(task)) for task in dag.tasks]
    return {
        **dag_summary(row, dag, runs),
        **said,
        "schedule": schedule,
        "tasks": tasks,
        "versions": versions,
    }


def story_line(row: sqlite3.Row) -> Document:
    """One fact of a run's story. event: the whole of it, without what has a table of its own."""
    return {
        "id": row["id"],
        "at": moment(row["at"]),
        "kind": row["kind"],
        "task_id": row["task"] or None,
        "map_index": row["map_index"],
        "caused_by": row["caused_by"] or None,
        "event": msgspec.json.decode(row["body"]),
    }
