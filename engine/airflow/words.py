"""States, run types and the word for "not given" by Airflow's names, for files that compare."""

from __future__ import annotations

from enum import Enum
from typing import Any

from penstock.authoring.vocabulary import NotSet
from penstock.authoring.vocabulary import is_set as is_arg_set

__all__ = ["is_arg_set"]

ArgNotSet = NotSet


class SetDuringExecution(NotSet):
    """The type of SET_DURING_EXECUTION: a decorated function's result will be the value."""

    def __repr__(self) -> str:
        return "SET_DURING_EXECUTION"

    def __reduce__(self) -> str:
        return "SET_DURING_EXECUTION"


SET_DURING_EXECUTION: Any = SetDuringExecution()


class _Word(str, Enum):  # noqa: UP042 - its repr and str are part of what users see
    def __str__(self) -> str:
        return str(self.value)


class TaskInstanceState(_Word):
    """The states of a task instance."""

    REMOVED = "removed"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    RESTARTING = "restarting"
    FAILED = "failed"
    UP_FOR_RETRY = "up_for_retry"
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    UPSTREAM_FAILED = "upstream_failed"
    SKIPPED = "skipped"
    DEFERRED = "deferred"
    AWAITING_INPUT = "awaiting_input"


class TerminalTIState(_Word):
    """The states of a task instance that has ended."""

    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    UPSTREAM_FAILED = "upstream_failed"
    REMOVED = "removed"


class IntermediateTIState(_Word):
    """The states of a task instance that neither runs nor has ended."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RESTARTING = "restarting"
    UP_FOR_RETRY = "up_for_retry"
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    DEFERRED = "deferred"
    AWAITING_INPUT = "awaiting_input"


class DagRunState(_Word):
    """The states of a run."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class DagRunType(_Word):
    """Why a run exists."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"
    BACKFILL_JOB = "backfill"
    OPERATOR_TRIGGERED = "operator_triggered"
    ASSET_TRIGGERED = "asset_triggered"
    ASSET_MATERIALIZATION = "asset_materialization"

    @staticmethod
    def from_run_id(run_id: str) -> DagRunType:
        """Return the type that a run id begins with; manual, if it is none."""
        found = (kind for kind in DagRunType if run_id.startswith(f"{kind.value}__"))
        return next(found, DagRunType.MANUAL)


class State:
    """All states, of tasks and runs, under one name."""

    NONE = None
    REMOVED = TaskInstanceState.REMOVED
    SCHEDULED = TaskInstanceState.SCHEDULED
    QUEUED = TaskInstanceState.QUEUED
    RUNNING = TaskInstanceState.RUNNING
    SUCCESS = TaskInstanceState.SUCCESS
    RESTARTING = TaskInstanceState.RESTARTING
    FAILED = TaskInstanceState.FAILED
    UP_FOR_RETRY = TaskInstanceState.UP_FOR_RETRY
    UP_FOR_RESCHEDULE = TaskInstanceState.UP_FOR_RESCHEDULE
    UPSTREAM_FAILED = TaskInstanceState.UPSTREAM_FAILED
    SKIPPED = TaskInstanceState.SKIPPED
    DEFERRED = TaskInstanceState.DEFERRED
    AWAITING_INPUT = TaskInstanceState.AWAITING_INPUT

    task_states = (None, *TaskInstanceState)
    dag_states = tuple(DagRunState)
    finished = frozenset(TaskInstanceState(state.value) for state in TerminalTIState)
    unfinished = frozenset(task_states) - finished
    failed_states = frozenset({FAILED, UPSTREAM_FAILED})
    success_states = frozenset({SUCCESS, SKIPPED})
    finished_dr_states = frozenset({DagRunState.SUCCESS, DagRunState.FAILED})
    unfinished_dr_states = frozenset({DagRunState.QUEUED, DagRunState.RUNNING})
