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
    AttemptSkipped,
    AttemptSucceeded,
    Delivery,
    Pause,
    Xcom,
)
from penstock.lifecycle import awaiting
from penstock.lifecycle.commands import Remind
from penstock.lifecycle.instances import decide, find
from penstock.lifecycle.state import RunState, TaskRecord, Waiting, callback_key
from penstock.lifecycle.states import (
    DEFERRED,
    PAUSED,
    QUEUED,
    RUN_RUNNING,
    RUNNING,
    UP_FOR_RESCHEDULE,
)
from penstock.lifecycle.turn import Turn

EVENT_KEY = "event"
END_KEY, XCOM_KEY = "end:", "xcom:"
"""Keys of the XComs by which a trigger's attempt tells what it fired with; or as what its task ends
(`end:success`), and with which XComs (`xcom:<key>`)."""

TOO_LATE = "its trigger did not fire in the time that it was given"


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
    if awaiting.has_ended(turn.state, run, record, place):
        go_on(turn, run, record, place)
    else:
        awaiting.expect(turn.state, run, record, place)


def resume_due(turn: Turn, run: RunState, task: str, index: int, due: int) -> None:
    """The moment came that a try waited for, or until which its trigger had time."""
    record = run.record(task)
    place = None if record is None else record.place(index)
    if record is None or place is None or record.due.get(place) != due:
        return
    if record.states[place] not in PAUSED:
        return
    pause = record.waits[place].pause
    if pause.until is None:
        drop_trigger(run, record, place)
        go_on_failed(turn, run, record, place, TOO_LATE, late=True)
    elif pause.ends:
        wait_no_more(turn, run, record, place)
        decide(turn, run, record, place, success_of(turn, run, record, place))
    else:
        go_on(turn, run, record, place)


def wake(turn: Turn, run_key: str, task: str, index: int) -> None:
    """Something ended that the instance waits for: it looks for itself what is the case."""
    run = turn.state.runs[run_key]
    record = run.record(task)
    place = None if record is None else record.place(index)
    if record is None or place is None or run.state != RUN_RUNNING:
        return
    if record.states[place] in PAUSED:
        go_on(turn, run, record, place)


def go_on_failed(
    turn: Turn, run: RunState, record: TaskRecord, place: int, failure: str, *, late: bool = False
) -> None:
    """What the instance waited for failed. Its own code hears of it: a sensor may skip then."""
    waiting = record.waits[place]
    record.waits[place] = structs.replace(waiting, failure=failure, late=late)
    go_on(turn, run, record, place)


def wait_no_more(turn: Turn, run: RunState, record: TaskRecord, place: int) -> None:
    awaiting.forget(turn.state, run, record, place)
    record.due.pop(place, None)


def go_on(turn: Turn, run: RunState, record: TaskRecord, place: int) -> None:
    wait_no_more(turn, run, record, place)
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
        go_on_failed(turn, run, record, place, f"its trigger failed: {reason}")
        return
    end = next((xcom.key for xcom in event.xcoms if xcom.key.startswith(END_KEY)), "")
    if end:
        wait_no_more(turn, run, record, place)
        outcome = told_by_trigger(end.removeprefix(END_KEY), event, record, place)
        decide(turn, run, record, place, outcome)
        return
    fired = next((own(xcom) for xcom in event.xcoms if xcom.key == EVENT_KEY), None)
    record.waits[place] = structs.replace(record.waits[place], event=fired)
    go_on(turn, run, record, place)


def trigger_failed(turn: Turn, run: RunState, attempt: Attempt, reason: str) -> None:
    found = deferred(run, attempt)
    if found is not None:
        go_on_failed(turn, run, *found, reason)


def told_by_trigger(end: str, event: AttemptEnded, record: TaskRecord, place: int) -> AttemptEnded:
    """Return the outcome of the instance's own try that its trigger said it came to."""
    waiting = record.waits[place]
    facts = structs.asdict(event)
    facts.pop("skip", None)
    facts["attempt"] = structs.replace(event.attempt, task=record.step.task.task_id)
    facts["started_at"] = waiting.since
    left = {xcom.key: xcom for xcom in waiting.pause.xcoms}
    for xcom in event.xcoms:
        if xcom.key.startswith(XCOM_KEY):
            key = xcom.key.removeprefix(XCOM_KEY)
            left[key] = structs.replace(xcom, key=key)
    facts["xcoms"] = tuple(left.values())
    if end == "success":
        return AttemptSucceeded(**facts)
    if end == "skipped":
        return AttemptSkipped(**facts, reason="its trigger said so")
    return AttemptFailed(**facts, reason="its trigger said that it has failed", final=True)


def success_of(turn: Turn, run: RunState, record: TaskRecord, place: int) -> AttemptSucceeded:
    """Return the outcome of a try whose moment has come, which does not go on after it."""
    waiting, task = record.waits[place], record.step.task.task_id
    tries = record.tries[place]
    return AttemptSucceeded(
        attempt=Attempt(run.key, task, record.index(place), tries, waiting.phase),
        delivery=Delivery(0, 0),
        worker="",
        started_at=waiting.since,
        ended_at=turn.at,
        xcoms=waiting.pause.xcoms,
    )


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
