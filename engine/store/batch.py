"""From folded facts to rows: what a batch of the projection writes, gathered off the hot path.

The follower gives every folded record to a `Collector`, at once; `take` then closes a `Batch` that
is exactly the state as of its last record. Rows of one thing are coalesced: the last one counts,
and what it leaves open (None) stays as an earlier one said. So it makes no difference to the
database whether the log is projected one record at a time or all at once.

A batch is a value: it can be committed again after a failed commit, or twice by mistake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from penstock.events.types import DagRegistered, Record, encode
from penstock.lifecycle.advance import Entry
from penstock.lifecycle.commands import (
    Command,
    ConnectionRow,
    DagRow,
    FileRow,
    InstanceRow,
    PastRow,
    PlanTicks,
    PoolRow,
    RunOver,
    RunRow,
    TaskRow,
    VariableRow,
    WorkerRow,
    XcomRows,
)
from penstock.lifecycle.compare import is_over
from penstock.lifecycle.state import RunState, State
from penstock.lifecycle.states import RUN_QUARANTINED
from penstock.store import rows
from penstock.store.errors import StoreError
from penstock.store.rows import Row
from penstock.store.story import event_rows
from penstock.store.tail import TAIL_BYTES, TAIL_RECORDS, Tail


class UnprojectedRunError(StoreError):
    """A run left the memory before its last change was projected: a bug of who let it leave."""

    def __init__(self, run: str) -> None:
        super().__init__(
            f"run {run} changed and left the memory before it was projected. This is a bug of "
            "Penstock: please report it. A restart rebuilds the run from the log"
        )


class Position(NamedTuple):
    """Up to where the log is folded and projected: its last record's sequence, id and SHA-256.

    epoch: the greatest of the leaders seen. sizes: (sequence, bytes) of the records kept in the
    tail. quarantined: run key to reason, as projected.
    """

    sequence: int = 0
    record_id: str = ""
    hash: str = ""
    epoch: int = 0
    sizes: Sequence[tuple[int, int]] = ()
    quarantined: Mapping[str, str] = {}


@dataclass(slots=True)
class Batch:
    """What one transaction writes. writes: (name of the query, its rows), in this order.

    sequence: the last record's. over: keys of runs that may leave the memory once this is
    committed (see `Collector.is_dirty`). instances, events: how many rows of each, for metrics.
    outbox_added: (position, id, subject, payload) of what was derived up to `sequence` and is not
    confirmed, position being the sequence that it follows from; outbox_removed: ids of rows that
    are confirmed by now. Whoever sends them fills these in before the batch is committed.
    """

    sequence: int
    writes: list[tuple[str, list[Row]]]
    over: tuple[str, ...] = ()
    instances: int = 0
    events: int = 0
    outbox_added: list[tuple[int, str, str, bytes]] = field(default_factory=list)
    outbox_removed: list[str] = field(default_factory=list)

    def all_writes(self) -> list[tuple[str, Sequence[Row]]]:
        """Return every write with the outbox's, empty ones left out."""
        removed = [(name,) for name in self.outbox_removed]
        writes: list[tuple[str, Sequence[Row]]] = [
            *self.writes,
            ("drop_outbox", removed),
            ("write_outbox", self.outbox_added),
        ]
        return [write for write in writes if write[1]]


def digest(payload: bytes) -> str:
    """Return what a record is recognized by: the SHA-256 of its bytes, in hex."""
    return hashlib.sha256(payload).hexdigest()


class Collector:
    """Gathers what the folded records changed, until a batch takes it.

    position: where the database stands (`loading.load`). tail_records, tail_bytes: how many of the
    newest raw records are kept, and how many bytes of them at most (the newest one is kept anyway).
    """

    def __init__(
        self,
        position: Position,
        *,
        tail_records: int = TAIL_RECORDS,
        tail_bytes: int = TAIL_BYTES,
    ) -> None:
        self.sequence = position.sequence
        self.tail = Tail(position.sizes, tail_records, tail_bytes)
        self.last: tuple[Record, bytes] | None = None
        self.is_new = position.sequence == 0
        self.quarantined = len(position.quarantined)  # they only ever grow
        self.clear()
        self.takers: dict[type, Callable[[Any, State], None]] = {
            InstanceRow: self.instance_row,
            RunRow: lambda row, _: self.runs.setdefault(row.run),
            TaskRow: lambda row, _: self.tasks.setdefault((row.run, row.task)),
            XcomRows: self.xcom_rows,
            RunOver: lambda over, _: self.over.setdefault(over.run),
            DagRow: lambda row, _: self.dags.setdefault(row.dag_id),
            PlanTicks: lambda row, _: self.dags.setdefault(row.dag_id),  # says of ticks as well
            PastRow: lambda row, _: self.past.setdefault((row.dag_id, row.run)),
            FileRow: lambda row, _: self.files.setdefault(row.file),
            PoolRow: lambda row, _: self.pools.setdefault(row.name),
            VariableRow: lambda row, _: self.variables.setdefault(row.key),
            ConnectionRow: lambda row, _: self.connections.setdefault(row.conn_id),
            WorkerRow: lambda row, _: self.workers.setdefault(row.worker),
        }

    def clear(self) -> None:
        """Begin a new batch. Dicts are used as sets that keep the order, so rows are numbered as
        things happened, whatever the size of a batch."""
        self.events: list[Row] = []
        self.versions: list[Row] = []
        self.instances: dict[tuple[str, str, int], Row] = {}
        self.xcoms: dict[tuple[str, str, int], list[Row]] = {}
        self.wiped: dict[tuple[str, str, int], None] = {}
        self.runs: dict[str, None] = {}
        self.tasks: dict[tuple[str, str], None] = {}
        self.over: dict[str, None] = {}
        self.dags: dict[str, None] = {}
        self.past: dict[tuple[str, str], None] = {}
        self.files: dict[str, None] = {}
        self.pools: dict[str, None] = {}
        self.variables: dict[str, None] = {}
        self.connections: dict[str, None] = {}
        self.workers: dict[str, None] = {}
        self.aside: dict[str, str] = {}
        self.rewound: list[Row] = []

    # ------------------------------------------------------------ what happened

    def note(
        self,
        sequence: int,
        payload: bytes,
        record: Record,
        entries: Sequence[Entry],
        commands: Sequence[Command],
        state: State,
    ) -> None:
        """Take in a record that was just folded. commands: those of all its facts, in order."""
        self.sequence = sequence
        self.last = (record, payload)
        self.tail.add(sequence, record.id, payload)
        for entry in entries:
            self.events += event_rows(sequence, entry)
            event = entry.event
            if isinstance(event, DagRegistered):
                dag = bytes(event.dag).decode()
                self.versions.append((event.version, event.dag_id, entry.at, dag))
        takers = self.takers
        for command in commands:
            taker = takers.get(type(command))
            if taker is not None:
                taker(command, state)
        if len(state.quarantined) != self.quarantined:
            self.put_aside(state)

    def rewind(self, sequence: int) -> None:
        """What was noted after `sequence` has other places in the log now, and is noted again."""
        self.sequence = sequence
        self.tail.rewind(sequence)
        self.rewound = [(sequence,)]

    def instance_row(self, row: InstanceRow, state: State) -> None:
        key = (row.run, row.task, row.index)
        packed = rows.instance(row, state)
        earlier = self.instances.get(key)
        self.instances[key] = packed if earlier is None else rows.merged(packed, earlier)
        if row.reason:
            self.tasks[row.run, row.task] = None

    def xcom_rows(self, pushed: XcomRows, _: State) -> None:
        place = (pushed.run, pushed.task, pushed.index)
        if place in self.xcoms or not pushed.xcoms:
            self.wiped[place] = None
        self.xcoms[place] = [(*place, xcom.key, encode(xcom).decode()) for xcom in pushed.xcoms]

    # ------------------------------------------------------------ the batch

    def is_dirty(self, run: str) -> bool:
        """Whether a run changed since the last `take`: then it may not leave the memory yet."""
        return run in self.runs

    def take(self, state: State) -> Batch | None:
        """Close the batch: all that was noted since the last one; None if that is nothing.

        Reads `state` and does not wait, so it must be called with the state as the last noted
        record left it. Batches are committed in the order in which they are taken.
        """
        if self.last is None:
            return None
        dropped, kept = self.tail.take()
        writes = [
            self.position_write(*self.last, state),
            ("drop_tail_after", self.rewound),
            ("drop_events_after", self.rewound),
            ("drop_tail", dropped),
            ("write_tail", kept),
            ("write_serialized_dag", self.versions),
            *self.registry_writes(state),
            *self.run_writes(state),
            ("write_event", self.events),
        ]
        over = tuple(key for key in self.over if is_over(self.run(key, state)))
        batch = Batch(
            self.sequence,
            writes,
            over,
            len(self.instances),
            len(self.events),
        )
        self.last, self.is_new = None, False
        self.clear()
        return batch

    def position_write(self, record: Record, payload: bytes, state: State) -> tuple[str, list[Row]]:
        named = (self.sequence, record.id, digest(payload))
        row = (*named, state.epoch, *state.seen, state.now, state.redeliveries)
        return "write_position", [row]

    def registry_writes(self, state: State) -> list[tuple[str, list[Row]]]:
        """All but runs: a thing that is still in the state is written, else its row is dropped."""
        if self.is_new:
            self.pools.update(dict.fromkeys(state.pools))
        kept = {run: rows.past_run(state.dags[dag_id], run) for dag_id, run in self.past}
        return [
            ("write_dag", [rows.dag(state.dags[key]) for key in self.dags]),
            ("write_past_run", [row for row in kept.values() if row is not None]),
            ("drop_past_run", [(run,) for run, row in kept.items() if row is None]),
            *split("broken_file", self.files, state.broken, lambda error: error),
            *split("pool", self.pools, state.pools, lambda slots: (slots,)),
            *split("variable", self.variables, state.variables, lambda value: (value,)),
            *split("connection", self.connections, state.connections, lambda value: (value,)),
            *split("worker", self.workers, state.workers, rows.worker),
        ]

    def run_writes(self, state: State) -> list[tuple[str, list[Row]]]:
        instances, tasks = self.instances, self.tasks
        wiped = [tuple(place) for place in self.wiped]
        return [
            ("write_quarantined", list(self.aside.items())),
            ("write_run", [rows.run(self.run(key, state)) for key in self.runs]),
            ("write_task_run", [rows.task(self.run(key, state), task) for key, task in tasks]),
            ("write_task_instance", list(instances.values())),
            ("drop_xcoms", wiped),
            ("write_xcom", [row for pushed in self.xcoms.values() for row in pushed]),
        ]

    def put_aside(self, state: State) -> None:
        """Take in new quarantines: they break off in the middle, so not every row had a command."""
        many = len(state.quarantined) - self.quarantined
        for key in islice(reversed(state.quarantined), many):
            self.aside[key] = state.quarantined[key]
            run = state.runs.get(key)
            if run is not None and run.state == RUN_QUARANTINED:
                self.restate(run, state)
        self.quarantined += many

    def restate(self, run: RunState, state: State) -> None:
        self.runs[run.key] = None
        for row in rows.all_instances(run):
            self.instance_row(row, state)
        for step, record in zip(run.plan.steps, run.tasks, strict=True):
            if record.decided:
                self.tasks[run.key, step.task.task_id] = None

    @staticmethod
    def run(key: str, state: State) -> RunState:
        run = state.runs.get(key)
        if run is None:
            raise UnprojectedRunError(key)
        return run


def split(
    table: str, keys: Mapping[str, None], there: Mapping[str, Any], row: Callable[[Any], Row]
) -> list[tuple[str, list[Row]]]:
    """Return the write of the keys that are there, and the drop of those that are not."""
    return [
        (f"write_{table}", [(key, *row(there[key])) for key in keys if key in there]),
        (f"drop_{table}", [(key,) for key in keys if key not in there]),
    ]
