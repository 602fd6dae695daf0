"""Who waits for a run of a DAG, or for a task in one, to end: found by one look-up (law 10).

A try that waits so lies in `State.awaited`, under each end that it waits for; whichever comes first
has it go on, and look for itself what is the case. What ended between its question and its pause is
seen here when it pauses.
"""

from __future__ import annotations

from penstock.events.types import Awaited
from penstock.lifecycle.state import AwaitedKey, RunState, State, TaskRecord, Waiter
from penstock.lifecycle.states import PAUSED, RUN_ENDS, RUN_RUNNING
from penstock.lifecycle.turn import Turn


def expect(state: State, run: RunState, record: TaskRecord, place: int) -> None:
    """Put the instance under every end that it waits for."""
    for each in record.waits[place].pause.awaits:
        state.awaited.setdefault(key_of(each), set()).add(waiter(run, record, place))


def forget(state: State, run: RunState, record: TaskRecord, place: int) -> None:
    """It waits for nothing any more."""
    waiting = record.waits.get(place)
    if waiting is None:
        return
    for each in waiting.pause.awaits:
        key = key_of(each)
        waiters = state.awaited.get(key)
        if waiters is not None:
            waiters.discard(waiter(run, record, place))
            if not waiters:
                del state.awaited[key]


def expect_all(state: State, run: RunState) -> None:
    """Put all that waits in a run where it belongs: of one that was read from the store."""
    if run.state == RUN_RUNNING:
        for record in run.tasks:
            for place in record.waits:
                if record.states[place] in PAUSED:
                    expect(state, run, record, place)


def forget_all(state: State, run: RunState) -> None:
    """Nothing of the run waits any more."""
    for record in run.tasks:
        for place in record.waits:
            forget(state, run, record, place)


def has_ended(state: State, run: RunState, record: TaskRecord, place: int) -> bool:
    """Whether something that was live when the instance asked about it is over by now."""
    return any(each.live and is_over(state, each) for each in record.waits[place].pause.awaits)


def is_over(state: State, awaited: Awaited) -> bool:
    run = state.runs.get(f"{awaited.dag_id}/{awaited.run_id}")
    if run is None or run.state in RUN_ENDS:
        return True
    record = run.record(awaited.task) if awaited.task else None
    return record is not None and record.left == 0


def ended(turn: Turn, run: RunState, task: str = "") -> None:
    """A task of a run is over, or the run itself: whoever waits for it is woken in this turn."""
    if not turn.state.awaited:
        return
    dag_id, date = run.triggered.dag_id, run.triggered.logical_date
    turn.over.append((dag_id, run.triggered.run_id, task))
    if date is not None:
        turn.over.append((dag_id, date, task))


def run_ended(turn: Turn, run: RunState) -> None:
    """As `ended`, for a run; where it was stopped its tasks have ended with it, unheard."""
    if run.stopping and turn.state.awaited:
        for record in run.tasks:
            ended(turn, run, record.step.task.task_id)
    ended(turn, run)


def key_of(awaited: Awaited) -> AwaitedKey:
    which: str | int = awaited.run_id
    if awaited.logical_date is not None:
        which = awaited.logical_date
    return awaited.dag_id, which, awaited.task


def waiter(run: RunState, record: TaskRecord, place: int) -> Waiter:
    return run.key, record.step.task.task_id, record.index(place)
