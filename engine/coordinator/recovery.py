"""What a new leader finds under way: what may be out already, and what is to come.

What it then sends again, or waits for, follows from its election: what led to each before that is
in the run's story, and not in the state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock.events.types import election_id
from penstock.lifecycle.commands import Ready, Remind
from penstock.lifecycle.retries import SECOND
from penstock.lifecycle.state import RunState, State, TaskRecord
from penstock.lifecycle.states import LIVE, RUN_RUNNING, UP_FOR_RETRY

SPANS = re.compile(b"[" + bytes(LIVE) + b"]+")


def in_doubt(state: State) -> list[Ready]:
    """Return all that an earlier leader may have sent: every live instance and open callback."""
    found: list[Ready] = []
    cause = election_id(state.epoch)
    for run in state.runs.values():
        for record in run.tasks:
            found.extend(live_spans(run, record, cause))
        for callback in run.callbacks.values():
            index, tries, phase = callback.index, callback.try_number, callback.phase
            found.append(Ready(run.key, callback.task, index, index + 1, tries, cause, True, phase))
    return found


def live_spans(run: RunState, record: TaskRecord, cause: str) -> Iterator[Ready]:
    """Yield the task's live instances, as ranges of the same try and phase."""
    task = record.step.task.task_id
    for span in SPANS.finditer(bytes(record.states)):
        first, last = span.span()
        if record.length is None:
            yield Ready(run.key, task, -1, 0, record.tries[0], cause, True, record.phase(0))
            continue
        while first < last:
            tries, phase, end = record.tries[first], record.phase(first), first + 1
            while end < last and (record.tries[end], record.phase(end)) == (tries, phase):
                end += 1
            yield Ready(run.key, task, first, end, tries, cause, True, phase)
            first = end


def to_come(state: State) -> Iterator[Remind]:
    """Yield every moment that the state waits for."""
    for run in state.runs.values():
        timeout = run.plan.dag.dagrun_timeout
        if timeout is not None and run.state == RUN_RUNNING and run.started_at is not None:
            yield Remind(run.started_at + round(timeout * SECOND), "run_timeout", run.key)
        for record in run.tasks:
            for place, due in record.due.items():
                task = record.step.task.task_id
                what = "retry" if record.states[place] == UP_FOR_RETRY else "resume"
                yield Remind(due, what, run.key, task, record.index(place))
