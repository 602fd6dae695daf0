"""What becomes of runs: queued, started, brought to an end, ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ParamSpec

from msgspec import Raw, structs

from penstock.events.types import RunCancelled, RunTriggered
from penstock.lifecycle import awaiting, past
from penstock.lifecycle.commands import (
    PlanTicks,
    Remind,
    RunOver,
    StopRun,
    TaskRow,
)
from penstock.lifecycle.instances import call_back, consider, count
from penstock.lifecycle.pauses import drop_trigger, wake
from penstock.lifecycle.retries import micros
from penstock.lifecycle.state import DagState, RunState, TaskRecord
from penstock.lifecycle.states import (
    FAILED,
    PAUSED,
    QUEUED,
    RUN_ENDS,
    RUN_FAILED,
    RUN_QUARANTINED,
    RUN_QUEUED,
    RUN_RUNNING,
    RUN_SUCCESS,
    RUNNING,
    SKIPPED,
    UPSTREAM_FAILED,
)
from penstock.lifecycle.turn import Turn

P = ParamSpec("P")

QUEUED_SPANS = re.compile(bytes((QUEUED,)) + b"+")


def triggered(turn: Turn, event: RunTriggered) -> None:
    state = turn.state
    if event.run in state.runs:
        return  # once, however often it comes
    dag, plan = state.dags.get(event.dag_id), state.plans.get(event.version)
    if dag is None or plan is None:
        raise LookupError(f"version {event.version} of DAG {event.dag_id!r} is not in the log")
    if event.run_type == "scheduled" and event.logical_date is not None:
        if dag.last_tick is not None and event.logical_date <= dag.last_tick:
            return  # a tick's identity is (DAG, time); its run may have left the memory
        dag.last_tick, dag.last_end = event.logical_date, event.interval_end
    # A copy: a `Raw` keeps all of the record alive that it was decoded from.
    event = structs.replace(event, conf=Raw(bytes(event.conf)))
    run = state.runs[event.run] = RunState(plan, event, turn.at)
    past.triggered(turn, dag, run)
    dag.waiting.append(run.key)
    turn.notify_run(run)
    start_waiting(turn, dag)
    turn.add(PlanTicks(dag.dag_id))


def start_waiting(turn: Turn, dag: DagState) -> None:
    """Start the DAG's queued runs, oldest first, as far as `max_active_runs` allows."""
    while dag.waiting and len(dag.active) < dag.plan.dag.max_active_runs:
        run = turn.state.runs[dag.waiting.popleft()]
        guard(turn, run.key, start, turn, dag, run)


def start(turn: Turn, dag: DagState, run: RunState) -> None:
    dag.active.add(run.key)
    run.state = RUN_RUNNING
    run.started_at = turn.at
    turn.notify_run(run)
    timeout = run.plan.dag.dagrun_timeout
    if timeout is not None:
        turn.add(Remind(turn.at + micros(timeout), "run_timeout", run.key, caused_by=turn.cause))
    for record in run.tasks:
        turn.consider.append((run, record.step.number))
    turn.touched[run.key] = run


def work_off(turn: Turn) -> None:
    """Look at every task and run that this turn made worth a look.

    The end of one run can start another, so each step is guarded for its own run.
    """
    while True:
        if turn.failed:
            run, task = turn.failed.pop()
            guard(turn, run.key, fail_fast, turn, run, task)
        elif turn.consider:
            run, number = turn.consider.popleft()
            guard(turn, run.key, consider, turn, run, number)
        elif turn.over:
            for waiter in sorted(turn.state.awaited.pop(turn.over.popleft(), ())):
                guard(turn, waiter[0], wake, turn, *waiter)
        elif turn.touched:
            key, run = turn.touched.popitem()
            guard(turn, key, look, turn, run)
        else:
            return


def guard(turn: Turn, key: str, step: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Do one step for a run. If it cannot be done that run is put aside, and nothing else is."""
    try:
        step(*args, **kwargs)
    except Exception as error:
        quarantine(turn, key, error)


def look(turn: Turn, run: RunState) -> None:
    """End the run if all its tasks have ended, or if nothing can happen any more.

    What the run before holds may come free yet, and if not, it waits, as in Airflow.
    """
    if run.state != RUN_RUNNING:
        return
    if run.unfinished == 0:
        end(turn, run)
    elif run.active == 0 and not run.held:
        stuck = [rec.step.task.task_id for rec in run.tasks if not rec.decided]
        reason = f"deadlock: nothing is under way, and these can never start: {', '.join(stuck)}"
        stop(turn, run, reason, running=FAILED)


def fail_fast(turn: Turn, run: RunState, task: str) -> None:
    if run.plan.dag.fail_fast and run.state == RUN_RUNNING and not run.stopping:
        stop(turn, run, f"fail_fast: task {task!r} failed", running=FAILED)


# ---------------------------------------------------------------- the end


def end(turn: Turn, run: RunState) -> None:
    """The run's fate is that of its leaves; whoever brought it to its end failed it."""
    bad = [
        record
        for record in run.tasks
        if record.step.is_leaf and (FAILED in record.states or UPSTREAM_FAILED in record.states)
    ]
    if run.stopping:
        run.reason = run.stopping
    elif bad:
        run.reason = blame(run, bad)
    leave(turn, run, RUN_FAILED if run.reason else RUN_SUCCESS)


def blame(run: RunState, leaves: list[TaskRecord]) -> str:
    """Name the tasks that failed themselves; a leaf alone would mostly say `upstream_failed`."""
    failed = [rec for rec in run.tasks if FAILED in rec.states] or leaves
    named = [f"{rec.step.task.task_id!r}" for rec in failed[:5]]
    more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
    why = next((f": {rec.reason}" for rec in failed if rec.reason), "")
    return f"failed: {', '.join(named)}{more}{why}"


def leave(turn: Turn, run: RunState, state: str) -> None:
    run.state = state
    run.ended_at = turn.at
    turn.notify_run(run)
    awaiting.run_ended(turn, run)
    name = "success" if state == RUN_SUCCESS else "failure"
    if name in run.plan.dag.callbacks:
        turn.call_back(run, name, "", -1, 1, run.reason)
    make_room(turn, run)


def make_room(turn: Turn, run: RunState) -> None:
    """The run weighs on its DAG no more: let go of it, and start the next one that waits."""
    if not run.callbacks:
        turn.add(RunOver(run.key))
    dag = turn.state.dags[run.triggered.dag_id]
    dag.active.discard(run.key)
    past.ended(turn, run)
    start_waiting(turn, dag)
    turn.add(PlanTicks(dag.dag_id))


def stop(turn: Turn, run: RunState, reason: str, *, running: int) -> None:
    """Bring a running run to its end: what runs ends in `running`, what has not begun is skipped.

    Work is proportional to the tasks and to what is in flight; a range at rest is one step.
    """
    run.stopping = reason
    for record in run.tasks:
        if record.left and not record.reason:
            record.reason = reason
        if not record.decided:
            record.states[0] = SKIPPED
            turn.row(run, record, 0, ended_at=turn.at, reason=reason)
            turn.notify(run, record, SKIPPED, 0, 1, reason=reason)
            count(run, record, SKIPPED, 1)
        elif record.left:
            stop_task(turn, run, record, reason, running)
    turn.add(StopRun(run.key, reason))
    run.active = 0
    end(turn, run)


def stop_task(turn: Turn, run: RunState, record: TaskRecord, reason: str, running: int) -> None:
    states = record.states
    single = record.again | record.due.keys() | record.lost.keys() | record.flights.keys()
    if record.length is None:
        single.add(0)
    for place in sorted(single):
        fate = running if states[place] in (RUNNING, *PAUSED) else SKIPPED
        record.due.pop(place, None)
        awaiting.forget(turn.state, run, record, place)
        drop_trigger(run, record, place)
        states[place] = fate
        turn.row(run, record, place, ended_at=turn.at, reason=reason)
        turn.notify(run, record, fate, place, place + 1, reason=reason)
        count(run, record, fate, 1)
        if fate == FAILED:
            call_back(turn, run, record, place, FAILED, reason)
    for left in (record.flights, record.lost, record.waits, record.again):
        left.clear()
    if record.left:
        skip_queued(turn, run, record, reason)


def skip_queued(turn: Turn, run: RunState, record: TaskRecord, reason: str) -> None:
    """Skip all instances that are still queued, span by span."""
    for span in QUEUED_SPANS.finditer(bytes(record.states)):
        first, last = span.span()
        turn.notify(run, record, SKIPPED, first, last, reason=reason)
        count(run, record, SKIPPED, last - first)
    record.states = record.states.replace(bytes((QUEUED,)), bytes((SKIPPED,)))
    record.rest = SKIPPED
    turn.add(TaskRow(run.key, record.step.task.task_id))


# ---------------------------------------------------------------- facts about runs


def cancelled(turn: Turn, event: RunCancelled) -> None:
    run = turn.state.runs.get(event.run)
    if run is None or run.state in RUN_ENDS:
        return
    reason = f"cancelled by {event.by or 'somebody'}"
    if run.state == RUN_QUEUED:
        turn.state.dags[run.triggered.dag_id].waiting.remove(run.key)
    stop(turn, run, reason, running=FAILED)


def timed_out(turn: Turn, run: RunState, due: int) -> None:
    timeout = run.plan.dag.dagrun_timeout
    if run.state != RUN_RUNNING or timeout is None or run.started_at is None:
        return
    if due == run.started_at + micros(timeout):
        stop(turn, run, f"run timeout: {timeout:g} s are over", running=SKIPPED)


def quarantine(turn: Turn, key: str, error: Exception) -> None:
    """Put a run aside whose facts the fold cannot take; everything else goes on.

    It was left in the middle of one, so nothing moves it any more. A run that has ended keeps its
    end, and the first error of a run is the one that is told.
    """
    reason = f"{turn.cause}: {type(error).__name__}: {error}"
    turn.state.quarantined.setdefault(key, reason)
    run = turn.state.runs.get(key)
    if run is None or run.state in RUN_ENDS:
        return
    waiting = turn.state.dags[run.triggered.dag_id].waiting
    if key in waiting:
        waiting.remove(key)
    run.state, run.reason, run.stopping = RUN_QUARANTINED, reason, reason
    run.ended_at = turn.at
    turn.add(StopRun(key, reason))
    turn.notify_run(run)
    awaiting.forget_all(turn.state, run)
    awaiting.run_ended(turn, run)
    make_room(turn, run)
