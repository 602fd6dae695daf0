"""One pure step: a fact in, the state changed, commands out (law 3).

`TRANSITIONS` is the whole machine: a row for each kind of fact. The same facts always give the same
state and the same commands; a fact seen twice changes nothing, because facts are numbered and each
transition is inert when its subject has moved on. The step is total: what it cannot take puts that
run in quarantine and leaves everything else alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from penstock.events.types import (
    Attempt,
    AttemptEnded,
    AttemptFailed,
    AttemptInterrupted,
    AttemptPaused,
    AttemptSkipped,
    AttemptStarted,
    AttemptSucceeded,
    ConnectionSet,
    DagPaused,
    DagRegistered,
    DagRemoved,
    Delivery,
    Event,
    FileBroken,
    FileMended,
    LeaderElected,
    PoolSet,
    Record,
    RunCancelled,
    RunTriggered,
    TimerDue,
    VariableSet,
    WorkerJoined,
    WorkerLost,
)
from penstock.lifecycle import callbacks, instances, past, pauses, runs
from penstock.lifecycle.commands import (
    Command,
    ConnectionRow,
    DagRow,
    FileRow,
    PlanTicks,
    PoolChanged,
    PoolRow,
    VariableRow,
    WorkerRow,
)
from penstock.lifecycle.plan import plan_of
from penstock.lifecycle.state import DagState, State, WorkerState
from penstock.lifecycle.states import RUN_ENDS
from penstock.lifecycle.turn import Turn

RULES_VERSION = 1
"""Which rules this `advance` folds by; a leader says it in its first event."""


class Entry(NamedTuple):
    """A fact in its place in the log. at: when it was appended, microseconds."""

    epoch: int
    number: int
    place: int
    at: int
    event: Event

    @property
    def id(self) -> str:
        return f"{self.epoch}-{self.number}.{self.place}"


def entries_of(record: Record) -> list[Entry]:
    """Return the facts of a record, in order."""
    return [
        Entry(record.epoch, record.number, place, record.at, event)
        for place, event in enumerate(record.events)
    ]


def advance(state: State, entry: Entry) -> list[Command]:
    """Fold one fact. `state` is changed in place: a copy of it per fact would break law 10."""
    here = (entry.epoch, entry.number, entry.place)
    if here <= state.seen:
        return []
    if not isinstance(entry.event, LeaderElected):
        # What a lost tail of the log had is appended again after the new leader's own event, under
        # its old numbers: that event must not make it look old.
        state.seen = here
    state.now = max(state.now, entry.at)
    turn = Turn(state, state.now, entry.id)
    try:
        TRANSITIONS[type(entry.event)](turn, entry.event)
    except Exception as error:
        run = run_of(entry.event)
        if run is None:
            raise
        runs.quarantine(turn, run, error)
    runs.work_off(turn)
    return turn.commands


def run_of(event: Event) -> str | None:
    """Return the key of the one run that a fact is about, None if it is about none or many."""
    attempt = getattr(event, "attempt", None)
    return attempt.run if attempt is not None else getattr(event, "run", None)


# ---------------------------------------------------------------- transitions


def leader_elected(turn: Turn, event: LeaderElected) -> None:
    if event.epoch >= turn.state.epoch:
        turn.state.epoch, turn.state.redeliveries = event.epoch, event.redeliveries


def dag_registered(turn: Turn, event: DagRegistered) -> None:
    state = turn.state
    plan = state.plans.get(event.version) or plan_of(event.version, event.dag)
    state.plans[event.version] = plan
    dag = state.dags.get(event.dag_id)
    if dag is None:
        paused = plan.dag.paused_upon_creation if event.paused is None else event.paused
        dag = state.dags[event.dag_id] = DagState(event.dag_id, plan, bool(paused), turn.at)
    if dag.gone or dag.plan.dag.schedule != plan.dag.schedule:
        dag.since = turn.at
    dag.plan, dag.gone = plan, False
    if plan.asks_past:
        past.keep_past(state, dag)
    turn.add(DagRow(event.dag_id))
    turn.add(PlanTicks(event.dag_id))
    runs.start_waiting(turn, dag)


def dag_paused(turn: Turn, event: DagPaused) -> None:
    dag = turn.state.dags.get(event.dag_id)
    if dag is not None and dag.paused != event.paused:
        dag.paused, dag.since = event.paused, turn.at
        turn.add(DagRow(event.dag_id))
        turn.add(PlanTicks(event.dag_id))


def dag_removed(turn: Turn, event: DagRemoved) -> None:
    dag = turn.state.dags.get(event.dag_id)
    if dag is not None:
        dag.gone = True
        turn.add(DagRow(event.dag_id))
        turn.add(PlanTicks(event.dag_id))


def file_broken(turn: Turn, event: FileBroken) -> None:
    turn.state.broken[event.file] = (event.error, event.line)
    turn.add(FileRow(event.file))


def file_mended(turn: Turn, event: FileMended) -> None:
    if turn.state.broken.pop(event.file, None) is not None:
        turn.add(FileRow(event.file))


def pool_set(turn: Turn, event: PoolSet) -> None:
    if event.slots is None:
        turn.state.pools.pop(event.name, None)
    else:
        turn.state.pools[event.name] = event.slots
    turn.add(PoolRow(event.name))
    turn.add(PoolChanged(event.name, event.slots))


def variable_set(turn: Turn, event: VariableSet) -> None:
    if event.value is None:
        turn.state.variables.pop(event.key, None)
    else:
        turn.state.variables[event.key] = event.value
    turn.add(VariableRow(event.key))


def connection_set(turn: Turn, event: ConnectionSet) -> None:
    if event.value is None:
        turn.state.connections.pop(event.conn_id, None)
    else:
        turn.state.connections[event.conn_id] = event.value
    turn.add(ConnectionRow(event.conn_id))


def worker_joined(turn: Turn, event: WorkerJoined) -> None:
    turn.state.workers[event.worker] = WorkerState(
        event.host, event.pid, event.slots, event.queues, turn.at
    )
    turn.add(WorkerRow(event.worker))


def worker_lost(turn: Turn, event: WorkerLost) -> None:
    if turn.state.workers.pop(event.worker, None) is not None:
        turn.add(WorkerRow(event.worker))
    for held in event.held:
        begun = held.begun and not event.clean
        reason = f"worker {event.worker} {event.reason}"
        args = (held.attempt, held.delivery, reason, begun)
        runs.guard(turn, held.attempt.run, interrupted, turn, *args)


def attempt_ended(turn: Turn, event: AttemptEnded) -> None:
    if event.attempt.task.startswith("~"):
        callbacks.ended(turn, event)
    elif isinstance(event, AttemptPaused):
        pauses.paused(turn, event)
    else:
        instances.attempt_ended(turn, event)


def attempt_interrupted(turn: Turn, event: AttemptInterrupted) -> None:
    interrupted(turn, event.attempt, event.delivery, event.reason, event.begun)


def interrupted(turn: Turn, attempt: Attempt, delivery: Delivery, reason: str, begun: bool) -> None:
    what = callbacks.lost if attempt.task.startswith("~") else instances.interrupted
    what(turn, attempt, delivery, reason, begun)


def timer_due(turn: Turn, event: TimerDue) -> None:
    run = turn.state.runs.get(event.run)
    if run is None or run.state in RUN_ENDS:
        return
    if event.what == "retry":
        instances.retry_due(turn, run, event.task, event.index, event.due)
    elif event.what == "resume":
        pauses.resume_due(turn, run, event.task, event.index, event.due)
    elif event.what == "run_timeout":
        runs.timed_out(turn, run, event.due)
    else:
        raise LookupError(f"unknown timer {event.what!r}")


TRANSITIONS: dict[type[Event], Callable[[Turn, Any], None]] = {
    LeaderElected: leader_elected,
    DagRegistered: dag_registered,
    DagPaused: dag_paused,
    DagRemoved: dag_removed,
    FileBroken: file_broken,
    FileMended: file_mended,
    PoolSet: pool_set,
    VariableSet: variable_set,
    ConnectionSet: connection_set,
    RunTriggered: runs.triggered,
    RunCancelled: runs.cancelled,
    WorkerJoined: worker_joined,
    WorkerLost: worker_lost,
    AttemptStarted: instances.attempt_started,
    AttemptSucceeded: attempt_ended,
    AttemptFailed: attempt_ended,
    AttemptSkipped: attempt_ended,
    AttemptPaused: attempt_ended,
    AttemptInterrupted: attempt_interrupted,
    TimerDue: timer_due,
}
