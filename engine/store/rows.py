"""The state's objects packed as rows, in the order of the columns of `sql/write_*.sql`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.events.types import encode
from penstock.lifecycle.commands import InstanceRow
from penstock.lifecycle.compare import is_over
from penstock.lifecycle.state import NOTHING_LOST, DagState, RunState, State, WorkerState
from penstock.lifecycle.states import SUCCESS, WAITING, WORDS

Row = tuple[Any, ...]

FIRST_KEPT, LAST_KEPT = 11, 15
"""The columns of an instance that a None leaves as they are: started_at, ended_at, took, worker."""


def instance(row: InstanceRow, state: State) -> Row:
    """Pack a task instance; by which delivery it runs and what it waits for the state says."""
    lost_last = row.delivery or NOTHING_LOST.last
    epoch = number = wait = None
    record = state.runs[row.run].record(row.task)
    place = None if record is None else record.place(row.index)
    if record is not None and place is not None:
        flight = record.flights.get(place) if row.state == "running" else None
        if flight is not None:
            epoch, number = flight.delivery.epoch, flight.delivery.number
        waiting = record.waits.get(place)
        if waiting is not None:
            wait = encode(waiting).decode()
    return (
        row.run,
        row.task,
        row.index,
        row.state,
        row.try_number,
        row.lost,
        lost_last.epoch,
        lost_last.number,
        epoch,
        number,
        row.due,
        row.started_at,
        row.ended_at,
        row.took,
        row.worker,
        row.reason,
        wait,
    )


def merged(row: Row, earlier: Row) -> Row:
    """Return `row` with what it leaves open filled from an earlier row of the same instance."""
    kept = [
        old if new is None else new
        for new, old in zip(row[FIRST_KEPT:LAST_KEPT], earlier[FIRST_KEPT:LAST_KEPT], strict=True)
    ]
    return (*row[:FIRST_KEPT], *kept, *row[LAST_KEPT:])


def all_instances(run: RunState) -> Iterator[InstanceRow]:
    """Yield every instance of a run that is not at rest, as the state has it."""
    for step, record in zip(run.plan.steps, run.tasks, strict=True):
        if not record.decided:
            continue
        rest = WAITING if record.length is None else record.rest
        kept = (record.due, record.lost, record.flights, record.waits)
        busy = record.again.union(*kept)
        for place, code in enumerate(record.states):
            if code == rest and record.tries[place] <= 1 and place not in busy:
                continue
            lost, flight = record.lost.get(place, NOTHING_LOST), record.flights.get(place)
            yield InstanceRow(
                run.key,
                step.task.task_id,
                record.index(place),
                WORDS[code],
                record.tries[place],
                lost.times,
                record.due.get(place),
                flight.started_at if flight else None,
                worker=flight.worker if flight else None,
                delivery=lost.last,
                reason="" if code == SUCCESS else record.reason,
            )


def run(run: RunState) -> Row:
    asked = run.triggered
    callbacks = encode(list(run.callbacks.values())).decode() if run.callbacks else "[]"
    return (
        run.key,
        asked.dag_id,
        asked.run_id,
        run.plan.version,
        asked.run_type,
        asked.logical_date,
        asked.interval_start,
        asked.interval_end,
        bytes(asked.conf).decode(),
        asked.by,
        asked.caused_by,
        run.triggered_at,
        run.state,
        int(not is_over(run)),
        run.started_at,
        run.ended_at,
        run.reason,
        run.stopping,
        run.counter,
        callbacks,
    )


def task(run: RunState, task_id: str) -> Row:
    record = run.record(task_id)
    assert record is not None
    return (
        run.key,
        task_id,
        record.length,
        WORDS[record.rest],
        encode(record.lengths).decode() if record.lengths else "{}",
        record.gathered,
        record.reason,
    )


def dag(dag: DagState) -> Row:
    return (
        dag.dag_id,
        dag.plan.version,
        int(dag.paused),
        int(dag.gone),
        dag.since,
        dag.last_tick,
        dag.last_end,
    )


def past_run(dag: DagState, run: str) -> Row | None:
    """Return the row of an ended run that the DAG keeps, None if it does not keep it (any more)."""
    ended = None if dag.past is None else dag.past.ended.get(run)
    if ended is None:
        return None
    at, missing = ended.at, encode(ended.missing).decode() if ended.missing else "{}"
    return (run, dag.dag_id, at.date, int(at.is_tick), ended.version, missing)


def worker(worker: WorkerState) -> Row:
    queues = encode(worker.queues).decode()
    return (worker.host, worker.pid, worker.slots, queues, worker.joined_at)
