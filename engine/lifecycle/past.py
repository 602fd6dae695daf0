"""What a task waits for in the run before its own: `depends_on_past`, `wait_for_downstream`.

The run before has the largest logical date below this run's; where the DAG catches up, among the
runs that its schedule made. Who is before whom is kept nowhere: a DAG that has such tasks keeps its
dated runs in order (`state.Past`), and both neighbours are found there, so a run that comes in
between changes nothing else. A live run is asked for its tasks; of one that ended, what is not well
is kept, for it leaves the memory.

A task whose turn it would be is *held* (`RunState.held`) until its own instances in the run before
have ended well, and looked at again when they, or what hangs on them, end. A past that failed holds
it for good, as in Airflow: its run goes on waiting, and that is no deadlock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from penstock.lifecycle.commands import PastRow
from penstock.lifecycle.plan import Plan
from penstock.lifecycle.rules import START
from penstock.lifecycle.state import DagState, Dated, Ended, Past, RunState, State, TaskRecord
from penstock.lifecycle.states import FAILED, RUN_ENDS, SKIPPED, UPSTREAM_FAILED, WORDS
from penstock.lifecycle.turn import Turn

KEPT = 100
"""So many ended runs a DAG keeps; one that a live run may still ask is kept beyond that. A run that
is triggered for a date before all of them has no run before it."""

BY_HAND = ("manual", "event")
"""Types of runs that no schedule made."""


class Unmet(NamedTuple):
    """Task `task` is `word` in run `run`, and should have ended well. word "": it is not there."""

    run: str
    task: str
    word: str


# ---------------------------------------------------------------- who is before whom


def dated(run: RunState) -> Dated | None:
    """Return the run's place among those of its DAG, None if it stands for no moment."""
    asked = run.triggered
    if asked.logical_date is None:
        return None
    return Dated(asked.logical_date, run.key, asked.run_type not in BY_HAND)


def before(past: Past, run: RunState) -> Dated | None:
    date = run.triggered.logical_date
    if date is None:
        return None
    line = past.ticks if run.plan.dag.schedule.catchup else past.dated
    place = bisect_left(line, (date,))
    return line[place - 1] if place else None


def after(state: State, past: Past, at: Dated) -> Iterator[RunState]:
    """Yield the live runs that this one is the run before of.

    That can be but the next one; or, of a run that the schedule made, any up to the next such.
    """
    place = bisect_right(past.dated, at)
    while place < len(past.dated):
        other = past.dated[place]
        if other.run not in past.ended:
            run = state.runs[other.run]
            if before(past, run) == at:
                yield run
        if other.is_tick or not at.is_tick:
            return
        place += 1


# ---------------------------------------------------------------- may it start?


def holds(state: State, run: RunState, record: TaskRecord, what: str | int) -> bool:
    """Whether the past holds a task that its rule would start, or skip (`what`)."""
    patient = record.step.task.wait_for_past_depends_before_skipping
    waits = what == START or (what == SKIPPED and patient)
    return waits and unmet(state, run, record) is not None


def unmet(state: State, run: RunState, record: TaskRecord) -> Unmet | None:
    """Return what a task that depends on the past misses in the run before, None if nothing."""
    task, past = record.step.task, state.dags[run.triggered.dag_id].past
    assert past is not None, "some version of the DAG asks for it"
    at = before(past, run)
    if at is None:
        return None
    if task.task_id not in plan_then(state, past, at).numbers:
        ignored = task.ignore_first_depends_on_past
        return None if ignored else Unmet(at.run, task.task_id, "")
    wanted = [task.task_id]
    if task.wait_for_downstream:
        wanted += (run.plan.dag.tasks[down].task_id for down in record.step.downstream)
    found = ((each, word_of(state, past, at, each)) for each in wanted)
    return next((Unmet(at.run, each, word) for each, word in found if word), None)


def plan_then(state: State, past: Past, at: Dated) -> Plan:
    ended = past.ended.get(at.run)
    return state.runs[at.run].plan if ended is None else state.plans[ended.version]


def word_of(state: State, past: Past, at: Dated, task: str) -> str:
    """Return what is not well with a task of that run, "" if it has ended well, or is not there."""
    ended = past.ended.get(at.run)
    if ended is not None:
        return ended.missing.get(task, "")
    record = state.runs[at.run].record(task)
    return "" if record is None else ill(record)


def ill(record: TaskRecord) -> str:
    """Return in a word why a task has not ended well, "" if it has."""
    if record.left:
        return WORDS[record.states[0]] if record.length is None else "not over"
    return next((WORDS[end] for end in (FAILED, UPSTREAM_FAILED) if end in record.states), "")


# ---------------------------------------------------------------- what a turn does


def keep_past(state: State, dag: DagState) -> None:
    """Let a DAG keep its past from now on: some version of it has a task that asks for it."""
    if dag.past is None:
        dag.past = Past()
        for run in state.runs.values():
            if run.triggered.dag_id == dag.dag_id and run.state not in RUN_ENDS:
                take_in(dag, run)


def take_in(dag: DagState, run: RunState) -> Dated | None:
    at = dated(run)
    if dag.past is not None and at is not None:
        dag.past.add(at)
    return at


def triggered(turn: Turn, dag: DagState, run: RunState) -> None:
    """A new run takes its place; what the one after it waits for may not be in it."""
    at = take_in(dag, run)
    if dag.past is not None and at is not None:
        look_again(turn, dag.past, at)


def task_ended(turn: Turn, run: RunState, record: TaskRecord) -> None:
    """All instances of a task have ended: the run after may have waited for that."""
    past, at = turn.state.dags[run.triggered.dag_id].past, dated(run)
    if past is None or at is None:
        return
    for other in after(turn.state, past, at):
        step = other.plan.step(record.step.task.task_id)
        if other.held and step is not None:
            freed = other.held & {step.number, *step.upstream}
            turn.consider.extend((other, number) for number in sorted(freed))


def ended(turn: Turn, run: RunState) -> None:
    """Keep of a run that ends, however it does, what later ones can ask of it."""
    dag, at = turn.state.dags[run.triggered.dag_id], dated(run)
    run.held.clear()
    if dag.past is None or at is None:
        return
    missing = {record.step.task.task_id: ill(record) for record in run.tasks}
    missing = {task: word for task, word in missing.items() if word}
    dag.past.ended[run.key] = Ended(at, run.plan.version, missing)
    turn.add(PastRow(dag.dag_id, run.key))
    look_again(turn, dag.past, at)
    trim(turn, dag, dag.past)


def look_again(turn: Turn, past: Past, at: Dated) -> None:
    for other in after(turn.state, past, at):
        turn.consider.extend((other, number) for number in sorted(other.held))


def trim(turn: Turn, dag: DagState, past: Past) -> None:
    """Forget the oldest of too many ended runs; one that a live run may ask is kept."""
    while len(past.ended) > KEPT:
        ours = (at for at in past.dated if at.run in past.ended)
        free = (at for at in ours if not any(after(turn.state, past, at)))
        oldest = next(free, None)
        if oldest is None:
            return
        past.remove(oldest)
        turn.add(PastRow(dag.dag_id, oldest.run))
