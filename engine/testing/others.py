"""What a trial says of other DAGs: which there are, and how their runs end. None of them is run.

A run that a task triggers is noted, and has ended by then as it was said to; so has each run that a
sensor waits for, with all its tasks.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from penstock.authoring.context import moment
from penstock.errors import PenstockError
from penstock.events import questions as q
from penstock.worker.questions import QuestionError

ENDS = ("success", "failed")


class GivenStateError(PenstockError):
    """A run of another DAG was said to be in a state that none ends in."""


class TriggeredRun(NamedTuple):
    """A run that a task has triggered, and that was not run. logical_date: None for none."""

    dag_id: str
    run_id: str
    conf: dict[str, Any]
    logical_date: datetime | None


class OtherDags:
    """states: how each DAG's runs end, by its id; None: all that are asked for end well."""

    def __init__(self, states: Mapping[str, str] | None) -> None:
        self.states = states
        self.triggered: list[TriggeredRun] = []
        self.askers: dict[tuple[str, str], str] = {}
        for dag_id, state in (states or {}).items():
            if state not in ENDS:
                raise GivenStateError(
                    f"other_dags: a run of {dag_id!r} cannot end as {state!r}: give "
                    f"{' or '.join(map(repr, ENDS))}."
                )

    def state_of(self, dag_id: str) -> str | None:
        """Return how the DAG's runs end, None if there is no such DAG."""
        return "success" if self.states is None else self.states.get(dag_id)

    def trigger(self, asked: q.AskTrigger) -> q.Triggered:
        """Note that a run is asked for. Raises QuestionError if there is no such DAG."""
        state = self.state_of(asked.dag_id)
        if state is None:
            raise QuestionError(f"{self.missing(asked.dag_id)}. Name it in other_dags.")
        place = (asked.dag_id, asked.run_id)
        asker = self.askers.setdefault(place, asked.by)
        if place not in [run[:2] for run in self.triggered]:
            conf = msgspec.json.decode(asked.conf) or {}
            self.triggered.append(TriggeredRun(*place, conf, moment(asked.logical_date)))
            self.say(f"the run {asked.run_id!r} of DAG {asked.dag_id!r} is not run", state)
        return q.Triggered(run_id=asked.run_id, state=state, is_new=asker == asked.by)

    def find(self, asked: q.AskStates) -> q.StatesFound:
        state = self.state_of(asked.dag_id)
        if state is None:
            return q.StatesFound(runs=(), missing=self.missing(asked.dag_id))
        tasks = [f"{asked.group}.all"] if asked.group else list(asked.tasks)
        if asked.logical_dates:
            self.say(f"DAG {asked.dag_id!r} is not looked at", state)
        runs: list[tuple[str, int | None]] = [(run_id, None) for run_id in asked.run_ids]
        runs += [(f"scheduled__{moment(date)}", date) for date in asked.logical_dates]
        return q.StatesFound(
            runs=tuple(
                q.FoundRun(
                    run_id=run_id,
                    logical_date=date,
                    state=state,
                    live=False,
                    tasks={task: {state: 1} for task in tasks},
                )
                for run_id, date in runs
            )
        )

    def missing(self, dag_id: str) -> str:
        return f"there is no DAG {dag_id!r}"

    def say(self, what: str, state: str) -> None:
        """Tell in the task's log that this is made up."""
        print(f"penstock: in this trial {what}, and taken as {state}", file=sys.stderr)
