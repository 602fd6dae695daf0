"""Why is it so, and why not yet? Sentences for people, from recorded causes alone (law 12).

Each state of a task instance has a row in `WHY`: a function that says what put it there, or what it
waits for. What a *queued* instance waits for (slots of pools, a worker) is known to the dispatcher
and no part of the folded state, so whoever asks hands that in as `why_queued`.

Looking around is allowed here, as it is nowhere else in this room: nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from penstock.errors import PenstockError
from penstock.events.types import Pause
from penstock.lifecycle.past import unmet
from penstock.lifecycle.plan import sources
from penstock.lifecycle.rules import BAD, Rule
from penstock.lifecycle.state import NOTHING_LOST, RunState, State, TaskRecord
from penstock.lifecycle.states import (
    DEFERRED,
    ENDS,
    FAILED,
    PAUSED,
    QUEUED,
    RUN_ENDS,
    RUN_QUEUED,
    RUN_RUNNING,
    RUNNING,
    SKIPPED,
    SUCCESS,
    UP_FOR_RESCHEDULE,
    UP_FOR_RETRY,
    UPSTREAM_FAILED,
    WAITING,
    WORDS,
)

WhyQueued = Callable[[str, str, int], str]
"""(run, task, index) -> what a ready instance waits for, e.g. "waits for pool 'gpu': ..."."""

NAMED = 5
"""So many of a kind are named in a sentence; the rest is counted."""


YEAR_10000 = 253_402_300_800_000_000
"""Microseconds: what is later cannot be written as a date."""


class NothingToExplainError(PenstockError):
    """There is no such run among the live ones, or no such task or map index in it."""


class Case(NamedTuple):
    """The instance that is asked about."""

    state: State
    run: RunState
    record: TaskRecord
    place: int
    why_queued: WhyQueued


def ready(run: str, task: str, index: int) -> str:
    """What is said of a queued instance where no dispatcher can be asked."""
    return "is ready, and waits for a worker with a free slot"


def explain(
    state: State,
    run_key: str,
    task_id: str | None = None,
    *,
    index: int | None = None,
    why_queued: WhyQueued = ready,
) -> list[str]:
    """Return sentences on a live run and all its tasks but those that succeeded, or on one task.

    task_id, index: that task, or that map index of it, alone. Raises NothingToExplainError.
    """
    run = state.runs.get(run_key)
    if run is None:
        if run_key not in state.quarantined:
            raise NothingToExplainError(
                f"run {run_key} is not under way: it has ended and left, or never was. "
                f"Its story is kept: penstock story {run_key}"
            )
        return [f"Run {run_key} is quarantined before it began: {state.quarantined[run_key]}"]
    if task_id is None:
        rest = [rec for rec in run.tasks if set(rec.states) != {SUCCESS}]
        told = [line for rec in rest for line in of_task(state, run, rec, None, why_queued)]
        return [of_run(state, run), *told]
    record = run.record(task_id)
    if record is None:
        known = few(run.plan.numbers, len(run.plan.numbers))
        raise NothingToExplainError(f"run {run_key} has no task {task_id!r} (it has {known})")
    return list(of_task(state, run, record, index, why_queued))


def stuck(state: State, run_key: str, *, why_queued: WhyQueued = ready) -> list[str]:
    """Return what a live run waits for while nothing of it runs; nothing while something does."""
    run = state.runs.get(run_key)
    if run is None or run.state in RUN_ENDS:
        return []
    if run.state == RUN_QUEUED:
        return [of_run(state, run)]
    if any(RUNNING in record.states for record in run.tasks):
        return []
    return [
        sentence(Case(state, run, record, record.states.index(code), why_queued))
        for record in run.tasks
        for code in (WAITING, QUEUED, UP_FOR_RETRY, *PAUSED)
        if code in record.states and (code != WAITING or record.step.number in run.held)
    ]


# ---------------------------------------------------------------- runs


def of_run(state: State, run: RunState) -> str:
    if run.state == RUN_QUEUED:
        return f"Run {run.key} is queued: {turn_of(state, run)}"
    if run.state == RUN_RUNNING:
        ended = len(run.tasks) - run.unfinished
        return (
            f"Run {run.key} is running since {moment(run.started_at)}: {ended} of "
            f"{len(run.tasks)} tasks have ended, {count(run.active, 'task instance')} under way"
        )
    why = f": {run.reason}" if run.reason else ""
    left = f"; its callbacks are not over: {few(run.callbacks)}" if run.callbacks else ""
    return f"Run {run.key} is {run.state} since {moment(run.ended_at)}{why}{left}"


def turn_of(state: State, run: RunState) -> str:
    """What a queued run waits for."""
    dag = state.dags[run.triggered.dag_id]
    most = dag.plan.dag.max_active_runs
    before = dag.waiting.index(run.key)
    behind = f"; {count(before, 'queued run')} before it" if before else ""
    under_way = few(sorted(dag.active), len(dag.active))
    return (
        f"waits for max_active_runs: {len(dag.active)} of {most} runs under way: "
        f"{under_way}{behind}"
    )


# ---------------------------------------------------------------- tasks


def of_task(
    state: State, run: RunState, record: TaskRecord, index: int | None, why_queued: WhyQueued
) -> Iterator[str]:
    """Yield a sentence on an instance, or on the first of each state that a mapped task is in."""
    task = record.step.task.task_id
    if index is not None:
        place = record.place(index)
        if place is None:
            raise NothingToExplainError(f"task {task!r} of run {run.key} has no index {index}")
        yield sentence(Case(state, run, record, place, why_queued))
        return
    if record.length is None:
        yield sentence(Case(state, run, record, 0, why_queued))
        return
    many = {code: record.states.count(code) for code in range(len(WORDS))}
    said = ", ".join(f"{number} {WORDS[code]}" for code, number in many.items() if number)
    yield f"Task {task!r} has {count(record.length, 'instance')}: {said}"
    for code, number in many.items():
        if number and code != SUCCESS:
            case = Case(state, run, record, record.states.index(code), why_queued)
            yield sentence(case) + (f"; and {number - 1} more" if number > 1 else "")


def sentence(case: Case) -> str:
    record, place = case.record, case.place
    task, code = record.step.task.task_id, record.states[place]
    name = f"{task!r}" if record.length is None else f"{task!r}[{place}]"
    return f"Task {name} {WHY[code](case)}"


def waits(case: Case) -> str:
    run, step = case.run, case.record.step
    if run.state == RUN_QUEUED:
        return "waits for its run to start"
    if run.state in RUN_ENDS:
        return f"never started: the run is {run.state}"
    if step.number in run.held:
        return waits_for_past(case)
    above = [run.tasks[up] for up in step.upstream]
    still_open = [record for record in above if record.left]
    ended = [record for record in above if not record.left]
    so_far = f"; so far: {few(map(how, ended))}" if ended else ""
    wanted = {over.task for over in sources(step.task)}
    mapped = [rec.step.task.task_id for rec in still_open if rec.step.task.task_id in wanted]
    over = f"; it is mapped over {few(map(repr, mapped))}" if mapped else ""
    names = few(map(how, still_open))
    return f"waits for {names} under rule {step.task.trigger_rule}{so_far}{over}"


def waits_for_past(case: Case) -> str:
    found, own = unmet(case.state, case.run, case.record), case.record.step.task.task_id
    assert found is not None, "it is held"
    if not found.word:
        return f"waits (depends_on_past): run {found.run}, the one before, has no such task"
    whose = "its own success" if found.task == own else f"the success of {found.task!r} below it"
    argument = "depends_on_past" if found.task == own else "wait_for_downstream"
    return f"waits for {whose} in run {found.run} ({argument}): it is {found.word} there"


def is_queued(case: Case) -> str:
    task, index = case.record.step.task.task_id, case.record.index(case.place)
    why = case.why_queued(case.run.key, task, index)
    return f"is queued, {try_of(case)}: {why}{losses(case)}"


def runs_now(case: Case) -> str:
    flight = case.record.flights[case.place]
    since = moment(flight.started_at)
    return f"is running, {try_of(case)}, on worker {flight.worker} since {since}{losses(case)}"


def waits_for_retry(case: Case) -> str:
    record, place = case.record, case.place
    tries, most = record.tries[place], record.step.task.retries + 1
    due = moment(record.due[place])
    return f"is up_for_retry: try {tries} failed, try {tries + 1} of {most} is due at {due}"


def waits_for_look(case: Case) -> str:
    due = moment(case.record.due.get(case.place))
    ends = ends_awaited(case.record.waits[case.place].pause)
    first = f"when {ends}, or " if ends else ""
    return f"is up_for_reschedule, {try_of(case)}: it looks again {first}at {due}"


def ends_awaited(pause: Pause) -> str:
    """Return, as a part of a sentence, which ends of other runs and tasks are waited for."""
    if not pause.awaits:
        return ""
    named = [
        f"run {each.run_id or moment(each.logical_date)} of DAG {each.dag_id!r}"
        + (f", task {each.task!r}" if each.task else "")
        for each in pause.awaits[:NAMED]
    ]
    more = len(pause.awaits) - len(named)
    if more:
        named.append(f"one of {more} more")
    return f"{' or '.join(named)} ends"


def is_deferred(case: Case) -> str:
    pause, due = case.record.waits[case.place].pause, case.record.due.get(case.place)
    if pause.trigger is None:
        ends = ends_awaited(pause)
        first = f"{ends}, or " if ends else ""
        return f"is deferred, {try_of(case)}, until {first}{moment(due)}"
    most = "" if due is None else f", until {moment(due)} at most"
    return f"is deferred, {try_of(case)}: it waits for its trigger{most}"


def succeeded(case: Case) -> str:
    return f"is success, with {try_of(case)}"


def failed(case: Case) -> str:
    began = f", {try_of(case)}" if case.record.tries[case.place] else ""
    return f"is failed{began}{reason_of(case)}"


def skipped(case: Case) -> str:
    if case.record.reason:
        return f"is skipped{reason_of(case)}"
    if case.record.tries[case.place]:
        return f"is skipped: it said so itself, {try_of(case)}"
    return f"is skipped {by_rule(case, SKIPPED)}"


def upstream_failed(case: Case) -> str:
    if case.record.reason:
        return f"is upstream_failed{reason_of(case)}"
    return f"is upstream_failed {by_rule(case, UPSTREAM_FAILED)}"


WHY: dict[int, Callable[[Case], str]] = {
    WAITING: waits,
    QUEUED: is_queued,
    RUNNING: runs_now,
    UP_FOR_RETRY: waits_for_retry,
    UP_FOR_RESCHEDULE: waits_for_look,
    DEFERRED: is_deferred,
    SUCCESS: succeeded,
    FAILED: failed,
    SKIPPED: skipped,
    UPSTREAM_FAILED: upstream_failed,
}


# ---------------------------------------------------------------- parts of sentences


def by_rule(case: Case, fate: int) -> str:
    """Which upstreams made the trigger rule end the task in `fate`."""
    step = case.record.step
    above = [case.run.tasks[up] for up in step.upstream]
    wrong = culprits(step.rule, fate)
    blamed = [record for record in above if wrong & set(record.states)] or above
    root = roots(case.run, blamed) if fate == UPSTREAM_FAILED else ""
    return f"because of {few(map(how, blamed))} under rule {step.task.trigger_rule}{root}"


def culprits(rule: Rule, fate: int) -> frozenset[int]:
    """The ends of which one was enough for this fate; none, if it took all of them."""
    return frozenset(end for ends, forced in rule.early if forced == fate for end in ends)


def roots(run: RunState, blamed: list[TaskRecord]) -> str:
    """The tasks further up that failed themselves, where those that are blamed did not."""
    if any(FAILED in record.states for record in blamed):
        return ""
    seen: set[int] = set()
    todo = [record for record in blamed if BAD & set(record.states)]
    found: list[TaskRecord] = []
    while todo:
        record = todo.pop()
        if record.step.number in seen:
            continue
        seen.add(record.step.number)
        if FAILED in record.states:
            found.append(record)
        else:
            above = (run.tasks[up] for up in record.step.upstream)
            todo.extend(up for up in above if BAD & set(up.states))
    found.sort(key=lambda record: record.step.number)
    return f"; it began with {few(map(how, found))}" if found else ""


def how(record: TaskRecord) -> str:
    """A task with its state, a mapped one with how many of its instances ended how."""
    task = record.step.task.task_id
    if record.length is None:
        return f"{task!r} ({WORDS[record.states[0]]})"
    kinds = ((WORDS[code], record.states.count(code)) for code in ENDS)
    ended = ", ".join(f"{number} {word}" for word, number in kinds if number) or "none ended"
    return f"{task!r} ({ended} of {record.length})"


def reason_of(case: Case) -> str:
    """The reason that is kept: one for each task, so a mapped instance's own may be another."""
    if not case.record.reason:
        return ""
    whose = ": " if case.record.length is None else "; the first reason told of this task: "
    return f"{whose}{case.record.reason}"


def try_of(case: Case) -> str:
    record = case.record
    return f"try {record.tries[case.place]} of {record.step.task.retries + 1}"


def losses(case: Case) -> str:
    """What the infrastructure did to this try, and how often it may."""
    times = case.record.lost.get(case.place, NOTHING_LOST).times
    most = case.state.redeliveries
    return f"; lost {count(times, 'time')} by the infrastructure, {most} allowed" if times else ""


def few(names: Iterable[str], most: int = NAMED) -> str:
    """Name the first ones, count the rest."""
    named = list(names)
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return (", ".join(named[:most]) or "none") + more


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(at: int | None) -> str:
    """A moment in microseconds as RFC 3339, to the second, UTC."""
    if at is None or not 0 <= at < YEAR_10000:
        return "an unknown moment"  # workers' clocks may say anything
    return f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"
