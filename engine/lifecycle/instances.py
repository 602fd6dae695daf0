"""What becomes of task instances: made ready, started, ended, retried, lost.

Each end updates the counters of the direct downstream tasks and has just these looked at again;
that is the whole of "releasing" (law 10).
"""

from __future__ import annotations

from penstock.events.types import (
    Attempt,
    AttemptEnded,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    Delivery,
)
from penstock.lifecycle import awaiting, past
from penstock.lifecycle.commands import Ready, Remind, TaskRow, XcomRows
from penstock.lifecycle.plan import Source, Step, sources
from penstock.lifecycle.retries import delay
from penstock.lifecycle.rules import START, WAIT, verdict
from penstock.lifecycle.state import (
    NOTHING_LOST,
    Flight,
    Lost,
    RunState,
    State,
    TaskRecord,
)
from penstock.lifecycle.states import (
    FAILED,
    QUEUED,
    RUNNING,
    SKIPPED,
    SUCCESS,
    UP_FOR_RETRY,
    UPSTREAM_FAILED,
    WORDS,
)
from penstock.lifecycle.turn import Turn

WIDEST = 1_000_000
"""Instances that one task may be mapped to. A few lists multiply to more than memory holds."""

MOST_TRIES = 65_535
"""A try's number is kept in two bytes; whoever asks for more retries gets these."""

FATE_OF_MAPPED = {FAILED: UPSTREAM_FAILED, UPSTREAM_FAILED: UPSTREAM_FAILED, SKIPPED: SKIPPED}
"""What becomes of a mapped task when what it is mapped over ended so."""

CALLBACK_OF = {SUCCESS: "success", FAILED: "failure", SKIPPED: "skipped", UP_FOR_RETRY: "retry"}


# ---------------------------------------------------------------- before the first try


def consider(turn: Turn, run: RunState, number: int) -> None:
    """Start the task, end it unstarted, or leave it waiting, as its trigger rule says."""
    record = run.tasks[number]
    if record.decided or run.stopping:
        return
    what, reason = outlook(run, record)
    if record.step.task.depends_on_past:
        if past.holds(turn.state, run, record, what):
            run.held.add(number)
            return
        run.held.discard(number)
    if what == START:
        start(turn, run, record)
    elif what != WAIT:
        assert isinstance(what, int)
        settle(turn, run, record, 0, what, reason=reason)


def outlook(run: RunState, record: TaskRecord) -> tuple[str | int, str]:
    """Return START, WAIT, or the state that the task ends in unstarted, and why if not its rule.

    A mapped task waits for what it is mapped over, and shares its fate, whatever the rule says.
    """
    what = verdict(record.step.rule, record.ends, record.open_upstreams, record.setup_ends)
    if what != START:
        return what, ""
    for over in sources(record.step.task):
        source = run.tasks[run.plan.numbers[over.task]]
        if source.left:
            return WAIT, ""
        fate = None if source.length is not None else FATE_OF_MAPPED.get(source.states[0])
        if fate is not None:
            word = WORDS[source.states[0]]
            return fate, f"{over.task!r}, which it is mapped over, is {word}"
    return START, ""


def held(state: State, run: RunState) -> set[int]:
    """Return which tasks the run before holds, by a look at all: `RunState.held`, counted again."""
    return {
        record.step.number
        for record in run.tasks
        if record.step.task.depends_on_past
        and not record.decided
        and past.holds(state, run, record, outlook(run, record)[0])
    }


def start(turn: Turn, run: RunState, record: TaskRecord) -> None:
    task = record.step.task
    if task.mapped:
        expand(turn, run, record)
    elif task.is_empty:
        record.tries[0] = 1
        settle(turn, run, record, 0, SUCCESS, started_at=turn.at)
    else:
        run.active += 1
        queue(turn, run, record, 0)


def expand(turn: Turn, run: RunState, record: TaskRecord) -> None:
    """Turn a mapped task into its instances: the product of what it is mapped over."""
    offered = {over: offer(run, over) for over in sources(record.step.task)}
    for over, found in offered.items():
        if found is None:
            reason = f"{over.task!r} left no XCom {over.key!r} to map over"
            return settle(turn, run, record, 0, UPSTREAM_FAILED, reason=reason)
    length = 1
    for argument in record.step.task.mapped:
        length *= argument.width(lambda over: offered[Source(over.task or "", over.key)]) or 0
    if length > WIDEST:
        reason = f"mapped over {length:,} members, more than {WIDEST:,}: map over batches of them"
        return settle(turn, run, record, 0, FAILED, reason=reason)
    if length == 0:
        return settle(turn, run, record, 0, SKIPPED, reason="mapped over nothing")
    record.expand(length)
    run.active += length
    turn.add(TaskRow(run.key, record.step.task.task_id))
    turn.notify(run, record, QUEUED, 0, length)
    turn.add(Ready(run.key, record.step.task.task_id, 0, length, 1, turn.cause))
    return None


def offer(run: RunState, over: Source) -> int | None:
    """Return how long an XCom is, or a mapped task's results together; None: it is not there."""
    upstream = run.tasks[run.plan.numbers[over.task]]
    is_gathered = upstream.length is not None and over.key == "return_value"
    return upstream.gathered if is_gathered else upstream.lengths.get(over.key)


def queue(turn: Turn, run: RunState, record: TaskRecord, place: int) -> None:
    """Make the instance's next try ready."""
    record.states[place] = QUEUED
    record.tries[place] += 1
    record.again.add(place)
    turn.row(run, record, place)
    turn.notify(run, record, QUEUED, place, place + 1)
    turn.ready(run, record, place)


# ---------------------------------------------------------------- the end of an instance


def settle(
    turn: Turn,
    run: RunState,
    record: TaskRecord,
    place: int,
    end: int,
    *,
    started_at: int | None = None,
    outcome: AttemptEnded | None = None,
    reason: str = "",
) -> None:
    """End the instance for good; its downstream tasks are looked at when this turn comes to them.

    The caller has taken it out of `run.active`.
    """
    record.states[place] = end
    if outcome is not None:
        turn.row(
            run,
            record,
            place,
            started_at=outcome.started_at,
            ended_at=outcome.ended_at,
            took=outcome.took,
            worker=outcome.worker,
            reason=reason,
        )
    else:
        turn.row(run, record, place, started_at=started_at, ended_at=turn.at, reason=reason)
    for kept in (record.flights, record.lost, record.waits):
        kept.pop(place, None)
    record.again.discard(place)
    if reason and not record.reason:
        record.reason = reason
    turn.notify(run, record, end, place, place + 1, reason=reason)
    # A skip that an upstream passed on is no skip of the user's; Airflow calls nothing back either.
    if outcome is not None or end == FAILED:
        call_back(turn, run, record, place, end, reason)
    count(run, record, end, 1)
    if end == FAILED:
        turn.failed.append((run, record.step.task.task_id))
    for down in record.step.downstream:
        turn.consider.append((run, down))
    if record.left == 0:
        awaiting.ended(turn, run, record.step.task.task_id)
        past.task_ended(turn, run, record)
    turn.touched[run.key] = run


def count(run: RunState, record: TaskRecord, end: int, many: int) -> None:
    """Note for the downstream tasks that `many` instances ended in `end`."""
    step = record.step
    record.left -= many
    is_over = record.left == 0
    for down in step.downstream:
        below = run.tasks[down]
        below.ends[end] += many
        if below.step.rule.setups and step.task.is_setup:
            below.setup_ends[end] += many
        if is_over:
            below.open_upstreams -= 1
    if is_over:
        run.unfinished -= 1


def call_back(
    turn: Turn, run: RunState, record: TaskRecord, place: int, state: int, reason: str
) -> None:
    name = CALLBACK_OF.get(state)
    if name in record.step.callbacks:
        assert name is not None
        task = record.step.task.task_id
        turn.call_back(run, name, task, record.index(place), record.tries[place], reason)


# ---------------------------------------------------------------- facts about attempts


def find(turn: Turn, attempt: Attempt) -> tuple[RunState, TaskRecord, int] | None:
    """Return the instance if this try is its current one without an outcome, else None (law 6)."""
    if not turn.state.is_wanted(attempt) or attempt.task.startswith("~"):
        return None
    run = turn.state.runs[attempt.run]
    record = run.tasks[run.plan.numbers[attempt.task]]
    place = record.place(attempt.index)
    assert place is not None
    return run, record, place


def attempt_started(turn: Turn, event: AttemptStarted) -> None:
    found = find(turn, event.attempt)
    if found is None:
        return
    run, record, place = found
    lost = record.lost.get(place, NOTHING_LOST)
    flown = record.flights.get(place)
    if event.delivery <= lost.last or (flown is not None and event.delivery <= flown.delivery):
        return
    began = record.states[place] == QUEUED
    record.states[place] = RUNNING
    record.flights[place] = Flight(event.worker, event.delivery, event.started_at)
    turn.row(run, record, place, started_at=event.started_at, worker=event.worker)
    if began:
        turn.notify(run, record, RUNNING, place, place + 1, at=event.started_at)


def attempt_ended(turn: Turn, event: AttemptEnded) -> None:
    found = find(turn, event.attempt)
    if found is None:
        return
    run, record, place = found
    if record.states[place] == QUEUED:
        turn.notify(run, record, RUNNING, place, place + 1, at=event.started_at)
    decide(turn, run, record, place, event)


def decide(turn: Turn, run: RunState, record: TaskRecord, place: int, event: AttemptEnded) -> None:
    """Let the outcome count that an instance's current try came to."""
    if isinstance(event, AttemptFailed):
        return fail(turn, run, record, place, event.reason, event)
    if isinstance(event, AttemptSucceeded):
        wrong = unmappable(record.step, event)
        if wrong:
            return fail(turn, run, record, place, wrong, event)
        gather(turn, run, record, event)
        finish(turn, run, record, place, SUCCESS, event, "")
        return leave_out(turn, run, record, event.skip)
    reason = getattr(event, "reason", "")
    return finish(turn, run, record, place, SKIPPED, event, reason)


def leave_out(turn: Turn, run: RunState, record: TaskRecord, tasks: tuple[str, ...]) -> None:
    """Skip what a branch did not take. What has started already goes on, as in Airflow."""
    for task in tasks:
        other = run.record(task)
        if other is not None and not other.decided and not run.stopping:
            reason = f"{record.step.task.task_id!r} left it out"
            run.held.discard(other.step.number)
            settle(turn, run, other, 0, SKIPPED, reason=reason)


def finish(
    turn: Turn,
    run: RunState,
    record: TaskRecord,
    place: int,
    end: int,
    event: AttemptEnded | None,
    reason: str,
) -> None:
    run.active -= 1
    if event is not None and event.xcoms:
        attempt = event.attempt
        turn.add(
            XcomRows(run.key, attempt.task, attempt.index, attempt.try_number, event.xcoms),
        )
    settle(turn, run, record, place, end, outcome=event, reason=reason)


def unmappable(step: Step, event: AttemptSucceeded) -> str:
    """Return why the outcome cannot be mapped over though some task wants to, "" if it can."""
    for xcom in event.xcoms:
        # A mapped task's None is left out when its results are gathered, so it does not matter.
        if xcom.key in step.feeds and xcom.length is None and not step.task.mapped:
            return f"XCom {xcom.key!r} is not a list or a dict, and a task is mapped over it"
    has_value = any(xcom.key == "return_value" for xcom in event.xcoms)
    if "return_value" in step.feeds and not has_value and not step.task.mapped:
        return "it returned None, and a task is mapped over its result"
    return ""


def gather(turn: Turn, run: RunState, record: TaskRecord, event: AttemptSucceeded) -> None:
    """Keep what a mapping over these XComs needs to know: how long they are."""
    for xcom in event.xcoms:
        if record.length is not None and xcom.key == "return_value":
            record.gathered += not xcom.is_none
            turn.add(TaskRow(run.key, record.step.task.task_id))
        elif xcom.key in record.step.feeds and xcom.length is not None:
            record.lengths[xcom.key] = xcom.length
            turn.add(TaskRow(run.key, record.step.task.task_id))


def fail(
    turn: Turn,
    run: RunState,
    record: TaskRecord,
    place: int,
    reason: str,
    event: AttemptEnded | None = None,
) -> None:
    """A try failed: retry it, or end the instance as failed."""
    task = record.step.task
    tried = record.tries[place]
    is_final = isinstance(event, AttemptFailed) and event.final
    if is_final or tried > task.retries or tried == MOST_TRIES:
        return finish(turn, run, record, place, FAILED, event, reason)
    name = f"{run.key}#{task.task_id}#{record.index(place)}"
    due = turn.at + delay(task, tried, name)
    record.states[place] = UP_FOR_RETRY
    record.due[place] = due
    for kept in (record.flights, record.lost, record.waits):
        kept.pop(place, None)
    if record.length is not None and tried == 1:
        record.again.discard(place)  # it had waited in its first try
    turn.row(
        run,
        record,
        place,
        started_at=event.started_at if event else None,
        ended_at=event.ended_at if event else turn.at,
        took=event.took if event else None,
        worker=event.worker if event else None,
        reason=reason,
    )
    turn.notify(run, record, UP_FOR_RETRY, place, place + 1, reason=reason)
    turn.add(Remind(due, "retry", run.key, task.task_id, record.index(place), turn.cause))
    call_back(turn, run, record, place, UP_FOR_RETRY, reason)
    return None


def retry_due(turn: Turn, run: RunState, task: str, index: int, due: int) -> None:
    record = run.record(task)
    place = None if record is None else record.place(index)
    if record is None or place is None or record.due.get(place) != due:
        return
    del record.due[place]
    queue(turn, run, record, place)


def interrupted(turn: Turn, attempt: Attempt, delivery: Delivery, reason: str, begun: bool) -> None:
    """A delivery ended without an outcome: send the try again, or fail it if that is too often."""
    found = find(turn, attempt)
    if found is None:
        return None
    run, record, place = found
    lost = record.lost.get(place, NOTHING_LOST)
    flown = record.flights.get(place)
    if delivery <= lost.last or (flown is not None and delivery < flown.delivery):
        return None  # told before, or of a sending that a later one has overtaken
    lost = record.lost[place] = Lost(lost.times + begun, delivery)
    if lost.times > turn.state.redeliveries:
        why = f"lost {lost.times} times by the infrastructure, the last time: {reason}"
        return fail(turn, run, record, place, why)
    record.flights.pop(place, None)
    was_running = record.states[place] == RUNNING
    record.states[place] = QUEUED
    turn.row(run, record, place, reason=reason)
    if was_running:
        turn.notify(run, record, QUEUED, place, place + 1, reason=reason)
    turn.ready(run, record, place, again=True)
    return None
