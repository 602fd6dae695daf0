"""What becomes of a try that waits: paused, gone on with in its next phase, or given up.

A sensor between two looks and a deferred operator hold nothing: no slot of a pool, none of a
worker. What they wait for is a moment, which lies in the coordinator's heap, or a trigger, which
runs beside thousands of others on an event loop, as an attempt of its own. The try keeps its
number; its *phase* tells an outcome of an earlier part from one of the part under way (law 6).
"""

from __future__ import annotations

from msgspec import Raw, structs

from penstock.events.types import (
    ABSENT,
    Attempt,
    AttemptEnded,
    AttemptFailed,
    AttemptPaused,
    AttemptSucceeded,
    Pause,
    Xcom,
)
from penstock.lifecycle.commands import Remind
from penstock.lifecycle.instances import fail, find
from penstock.lifecycle.state import RunState, TaskRecord, Waiting, callback_key
from penstock.lifecycle.states import DEFERRED, PAUSED, QUEUED, RUNNING, UP_FOR_RESCHEDULE
from penstock.lifecycle.turn import Turn

EVENT_KEY = "event"
"""The key of the XCom by which a trigger's attempt tells what it fired with."""


def paused(turn: Turn, event: AttemptPaused) -> None:
    found = find(turn, event.attempt)
    if found is None:
        return
    run, record, place = found
    if record.states[place] == QUEUED:
        turn.notify(run, record, RUNNING, place, place + 1, at=event.started_at)
    pause = own_pause(event.pause)
    before = record.waits.get(place)
    since = event.started_at if before is None else before.since
    phase = event.attempt.phase + 1
    record.waits[place] = Waiting(phase=phase, since=since, pause=pause)
    state = UP_FOR_RESCHEDULE if pause.resume is None else DEFERRED
    record.states[place] = state
    record.again.add(place)
    record.flights.pop(place, None)
    record.lost.pop(place, None)
    task, index = record.step.task.task_id, record.index(place)
    due = pause.deadline if pause.until is None else pause.until
    if due is not None:
        record.due[place] = due
        turn.add(Remind(due, "resume", run.key, task, index, turn.cause))
    if pause.trigger is not None:
        turn.call_back(run, "trigger", task, index, record.tries[place], "", phase)
    turn.row(run, record, place, started_at=since, worker=event.worker)
    turn.notify(run, record, state, place, place + 1)


def resume_due(turn: Turn, run: RunState, task: str, index: int, due: int) -> None:
    """The moment came that a try waited for, or until which its trigger had time."""
    record = run.record(task)
    place = None if record is None else record.place(index)
    if record is None or place is None or record.due.get(place) != due:
        return
    if record.states[place] not in PAUSED:
        return
    del record.due[place]
    if record.waits[place].pause.trigger is None:
        go_on(turn, run, record, place)
    else:
        drop_trigger(run, record, place)
        fail(turn, run, record, place, "its trigger did not fire in the time that it was given")


def go_on(turn: Turn, run: RunState, record: TaskRecord, place: int) -> None:
    record.states[place] = QUEUED
    turn.row(run, record, place)
    turn.notify(run, record, QUEUED, place, place + 1)
    turn.ready(run, record, place)


def trigger_ended(turn: Turn, run: RunState, event: AttemptEnded) -> None:
    """A trigger fired, or failed; its own attempt is over."""
    found = deferred(run, event.attempt)
    if found is None:
        return
    record, place = found
    if not isinstance(event, AttemptSucceeded):
        reason = event.reason if isinstance(event, AttemptFailed) else "it was skipped"
        trigger_failed(turn, run, event.attempt, f"its trigger failed: {reason}")
        return
    fired = next((own(xcom) for xcom in event.xcoms if xcom.key == EVENT_KEY), None)
    record.due.pop(place, None)
    record.waits[place] = structs.replace(record.waits[place], event=fired)
    go_on(turn, run, record, place)


def trigger_failed(turn: Turn, run: RunState, attempt: Attempt, reason: str) -> None:
    found = deferred(run, attempt)
    if found is not None:
        record, place = found
        record.due.pop(place, None)
        fail(turn, run, record, place, reason)


def deferred(run: RunState, trigger: Attempt) -> tuple[TaskRecord, int] | None:
    """Return the instance that waits for this trigger, None if none does any more."""
    record = run.record(trigger.task.partition(":")[2])
    place = None if record is None else record.place(trigger.index)
    if record is None or place is None or record.states[place] != DEFERRED:
        return None
    waiting = record.waits[place]
    is_its = (record.tries[place], waiting.phase) == (trigger.try_number, trigger.phase)
    return (record, place) if is_its and waiting.pause.trigger is not None else None


def drop_trigger(run: RunState, record: TaskRecord, place: int) -> None:
    """Nobody waits for the instance's trigger any more; who runs it is told to stop."""
    waiting = record.waits.get(place)
    if waiting is not None and waiting.pause.trigger is not None:
        task, tries = f"~trigger:{record.step.task.task_id}", record.tries[place]
        run.callbacks.pop(callback_key(task, record.index(place), tries, waiting.phase), None)


# ---------------------------------------------------------------- what is kept


def own(xcom: Xcom) -> Xcom:
    """Return a copy: a `Raw` keeps all of the record alive that it was decoded from."""
    return structs.replace(xcom, value=own_raw(xcom.value), preview=own_raw(xcom.preview))


def own_raw(raw: Raw) -> Raw:
    return Raw(bytes(raw)) if memoryview(raw).nbytes else ABSENT


def own_pause(pause: Pause) -> Pause:
    return structs.replace(
        pause,
        trigger=None if pause.trigger is None else own(pause.trigger),
        resume=None if pause.resume is None else own(pause.resume),
        xcoms=tuple(map(own, pause.xcoms)),
    )
