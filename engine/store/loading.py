"""From the projection back to the state: what a fold of the log would have, without folding it.

Counters are not stored but counted again from the instances' states: they are derived from them,
and a wrong counter would live for ever. Which instances have been queued one by one, and which run,
follows from their states and tries as well.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from penstock.events.types import Delivery, RunTriggered
from penstock.lifecycle import awaiting, past
from penstock.lifecycle.instances import count, held
from penstock.lifecycle.plan import Plan, plan_of
from penstock.lifecycle.state import (
    Callback,
    DagState,
    Dated,
    Ended,
    Flight,
    Lost,
    RunState,
    State,
    TaskRecord,
    Waiting,
    WorkerState,
)
from penstock.lifecycle.states import CODES, ENDS, RUN_QUEUED, RUN_RUNNING, RUNNING, SUCCESS
from penstock.store.batch import Position
from penstock.store.errors import StoreDamagedError
from penstock.store.queries import query

decode_callbacks = msgspec.json.Decoder(list[Callback]).decode
decode_lengths = msgspec.json.Decoder(dict[str, int]).decode
decode_missing = msgspec.json.Decoder(dict[str, str]).decode
decode_waiting = msgspec.json.Decoder(Waiting).decode
decode_queues = msgspec.json.Decoder(tuple[str, ...]).decode

Place = tuple[str, str]  # run, task


class Owed(NamedTuple):
    """A row of the outbox: to be sent again, under the same id."""

    position: int
    id: str
    subject: str
    payload: bytes


def load(connection: sqlite3.Connection) -> tuple[State, Position]:
    """Return the whole live state and where the log stood, as of one moment.

    Runs that are over are left out.
    """
    with reading(connection):
        state = State()
        position = load_position(connection, state)
        if position.sequence:
            load_registries(connection, state)
            load_runs(connection, state, query("live_runs"), ())
            load_past(connection, state)
            state.quarantined.update(position.quarantined)
        return state, position


def load_run(connection: sqlite3.Connection, state: State, key: str) -> RunState | None:
    """Return a projected run that is not in memory, None if there is no such run.

    It is not put into `state`, which only gives its plan (or takes it, if it has not got it).
    """
    with reading(connection):
        apart = State()
        apart.plans = state.plans
        load_runs(connection, apart, query("one_run"), (key,))
        return apart.runs.get(key)


def load_outbox(connection: sqlite3.Connection) -> list[Owed]:
    """Return what is owed to others, oldest first."""
    return [Owed(*row) for row in connection.execute(query("outbox"))]


def load_tail(connection: sqlite3.Connection, after: int = 0) -> list[tuple[int, str, bytes]]:
    """Return (sequence, record id, payload) of the raw records kept after a sequence, in order."""
    return connection.execute(query("tail"), (after,)).fetchall()


class reading:
    """One read transaction, so that all that is read is of one moment. Joins one that is open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.is_outer = not connection.in_transaction

    def __enter__(self) -> None:
        if self.is_outer:
            self.connection.execute("BEGIN")

    def __exit__(self, *_: object) -> None:
        if self.is_outer:
            self.connection.execute("ROLLBACK")


# ---------------------------------------------------------------- what is not a run


def load_position(connection: sqlite3.Connection, state: State) -> Position:
    row = connection.execute(query("position")).fetchone()
    if row is None:
        return Position()
    sequence, record, digest, state.epoch, epoch, number, place, state.now, most = row
    state.redeliveries = most
    state.seen = (epoch, number, place)
    return Position(
        sequence,
        record,
        digest,
        state.epoch,
        connection.execute(query("tail_sizes")).fetchall(),
        dict(connection.execute(query("quarantined")).fetchall()),
    )


def load_registries(connection: sqlite3.Connection, state: State) -> None:
    for version, dag in connection.execute(query("serialized_dags")):
        state.plans[version] = plan_of(version, dag)
    for dag_id, version, paused, gone, since, *last in connection.execute(query("dags_in_force")):
        plan = plan_for(connection, state, version)
        dag = state.dags[dag_id] = DagState(dag_id, plan, bool(paused), since)
        dag.gone = bool(gone)
        dag.last_tick, dag.last_end = last
    for file, error, line in connection.execute(query("broken_files")):
        state.broken[file] = (error, line)
    state.pools = dict(connection.execute(query("pools")).fetchall())
    state.variables = dict(connection.execute(query("variables")).fetchall())
    state.connections = dict(connection.execute(query("connections")).fetchall())
    for worker, host, pid, slots, queues, joined_at in connection.execute(query("workers")):
        known = WorkerState(host, pid, slots, decode_queues(queues), joined_at)
        state.workers[worker] = known


# ---------------------------------------------------------------- runs


def load_runs(
    connection: sqlite3.Connection, state: State, which: str, parameters: tuple[Any, ...]
) -> None:
    """Read the runs that `which` selects into the state, oldest first."""
    for row in connection.execute(which, parameters).fetchall():
        run = run_of_row(row, plan_for(connection, state, row[3]))
        state.runs[run.key] = run
        for task, *said in connection.execute(query("tasks_of_run"), (run.key,)):
            restore_task(run, task, *said)
        restore_instances(run, connection.execute(query("live_instances"), (run.key,)))
        recount(run)
        awaiting.expect_all(state, run)
        take_place(state, run)


def plan_for(connection: sqlite3.Connection, state: State, version: str) -> Plan:
    plan = state.plans.get(version)
    if plan is None:
        found = connection.execute(query("serialized_dag"), (version,)).fetchone()
        if found is None:
            raise StoreDamagedError(
                f"version {version} of a DAG is missing in the database. Move the database away "
                "and start again: it is rebuilt from the log"
            )
        plan = state.plans[version] = plan_of(version, found[0])
    return plan


def run_of_row(row: tuple[Any, ...], plan: Plan) -> RunState:
    triggered = RunTriggered(
        dag_id=row[1],
        run_id=row[2],
        version=row[3],
        run_type=row[4],
        logical_date=row[5],
        interval_start=row[6],
        interval_end=row[7],
        conf=Raw(row[8].encode()),
        by=row[9],
        caused_by=row[10],
    )
    run = RunState(plan, triggered, row[11])
    run.state, run.started_at, run.ended_at, run.reason, run.stopping, run.counter = row[12:18]
    for callback in decode_callbacks(row[18]):
        run.callbacks[callback.key] = callback
    return run


def restore_task(
    run: RunState, task: str, length: int | None, rest: str, lengths: str, gathered: int, why: str
) -> None:
    record = run.record(task)
    if record is None:
        raise contradiction(run, task)
    if length is not None:
        record.expand(length)
    record.rest = CODES[rest]
    if length is not None:
        record.states = bytearray((record.rest,)) * length
    record.lengths = decode_lengths(lengths)
    record.gathered, record.reason = gathered, why


def restore_instances(run: RunState, found: Iterable[tuple[Any, ...]]) -> None:
    for task, index, state, tries, *live in found:
        record = run.record(task)
        place = None if record is None else record.place(index)
        if record is None or place is None:
            raise contradiction(run, f"{task}[{index}]")
        code = record.states[place] = CODES[state]
        record.tries[place] = tries
        if code < SUCCESS:
            restore_live(record, place, *live)


def contradiction(run: RunState, place: str) -> StoreDamagedError:
    return StoreDamagedError(
        f"run {run.key}: the database has a row of {place}, which version {run.plan.version} of "
        "its DAG has not. Move the database away and start again: it is rebuilt from the log"
    )


def restore_live(
    record: TaskRecord,
    place: int,
    lost: int,
    lost_epoch: int,
    lost_number: int,
    flight_epoch: int | None,
    flight_number: int | None,
    due: int | None,
    started_at: int,
    worker: str,
    wait: str | None,
) -> None:
    """Restore what only an instance that has not ended has."""
    if lost_epoch or lost_number:
        record.lost[place] = Lost(lost, Delivery(lost_epoch, lost_number))
    if record.states[place] == RUNNING and flight_epoch is not None and flight_number is not None:
        record.flights[place] = Flight(worker, Delivery(flight_epoch, flight_number), started_at)
    if due is not None:
        record.due[place] = due
    if wait is not None:
        record.waits[place] = decode_waiting(wait)
    # A mapped instance's first try is made ready with its range, every other one by itself, and so
    # is each later phase of a try.
    if record.tries[place] > (record.length is not None) or wait is not None:
        record.again.add(place)


def recount(run: RunState) -> None:
    """Work out the counters that follow from the instances' states."""
    for record in run.tasks:
        for end in ENDS:
            ended = record.states.count(end)
            if ended:
                count(run, record, end, ended)
        if record.decided:
            run.active += record.left


def take_place(state: State, run: RunState) -> None:
    """Let the run weigh on its DAG."""
    dag = state.dags.get(run.triggered.dag_id)
    if dag is not None and run.state == RUN_RUNNING:
        dag.active.add(run.key)
    elif dag is not None and run.state == RUN_QUEUED:
        dag.waiting.append(run.key)


def load_past(connection: sqlite3.Connection, state: State) -> None:
    """Restore who was before whom, and which tasks wait for that."""
    for plan in state.plans.values():
        if plan.asks_past and plan.dag.dag_id in state.dags:
            past.keep_past(state, state.dags[plan.dag.dag_id])
    for run, dag_id, date, is_tick, version, missing in connection.execute(query("past_runs")):
        at, kept = Dated(date, run, bool(is_tick)), state.dags[dag_id].past
        if kept is not None:
            kept.add(at)
            kept.ended[run] = Ended(at, version, decode_missing(missing))
    for live in state.runs.values():
        if live.state == RUN_RUNNING and live.plan.asks_past:
            live.held = held(state, live)
