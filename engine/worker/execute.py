"""From an attempt to the user's code: the DAG's file is loaded, its task found and run.

This is what a child is given to run by default; tests give their own module with the same two
functions, by its dotted name. The template imports it, so what nearly every DAG file needs is
imported here, once for all children that will be forked.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pendulum  # noqa: F401  (see above)
from msgspec import structs

import penstock.steps.bash
import penstock.steps.python  # noqa: F401
from penstock.authoring import decorators, runtime  # noqa: F401
from penstock.authoring.backend import Backend
from penstock.authoring.context import Looking, asking
from penstock.authoring.triggers import run_trigger
from penstock.errors import PenstockError
from penstock.events.words import RunInfo, Work
from penstock.worker import dagfile

if TYPE_CHECKING:
    from penstock.authoring.dag import DAG

_loaded: dict[tuple[str, int, int], dict[str, DAG]] = {}


class DagGoneError(PenstockError):
    """The file that a run's DAG came from no longer has it."""

    def __init__(self, dag_id: str, file: str, there: list[str]) -> None:
        super().__init__(
            f"{file} no longer defines DAG {dag_id!r} (it has: {', '.join(there) or 'none'}). "
            "Put it back, or cancel the run."
        )


class DagFileGoneError(PenstockError):
    """The file that a run's DAG came from is not there any more."""

    def __init__(self, file: str) -> None:
        super().__init__(
            f"{file} is gone, which this run was started from. Put it back, or cancel the run."
        )


def dag_of(info: RunInfo, backend: Backend) -> DAG:
    """Return the DAG of a run, from this process's cache while its file has not changed."""
    try:
        found = os.stat(info.file)
    except FileNotFoundError:
        raise DagFileGoneError(info.file) from None
    key = (info.file, found.st_mtime_ns, found.st_size)
    dags = _loaded.get(key)
    if dags is None:
        for old in [other for other in _loaded if other[0] == info.file]:
            del _loaded[old]
        looked_up = Looking.times
        with asking(backend, loading=True):
            dags = dagfile.load(info.file)
        if Looking.times == looked_up:  # else a variable may have changed, the next time
            _loaded[key] = dags
    if info.dag_id not in dags:
        raise DagGoneError(info.dag_id, info.file, sorted(dags))
    return dags[info.dag_id]


def run(work: Work, info: RunInfo, backend: Backend, started_at: int) -> None:
    """Run one attempt. Whatever user code raises comes through. started_at: microseconds."""
    run_in(dag_of(info, backend), work, info, backend, started_at)


async def run_async(work: Work, info: RunInfo, backend: Backend, started_at: int) -> None:
    """Run one attempt of an `async def` task, or of a trigger."""
    await run_async_in(dag_of(info, backend), work, info, backend, started_at)


def run_in(dag: DAG, work: Work, info: RunInfo, backend: Backend, started_at: int) -> None:
    """As `run`, for a DAG that is loaded."""
    if work.kind == "callback":
        # On the wire a callback's attempt has a name of its own, `~<callback>:<task>`.
        task = work.attempt.task.partition(":")[2]
        work = structs.replace(work, attempt=structs.replace(work.attempt, task=task))
        runtime.run_callback(dag, work, info, backend, started_at=started_at)
    else:
        runtime.run_task(dag, work, info, backend, started_at=started_at)


async def run_async_in(
    dag: DAG, work: Work, info: RunInfo, backend: Backend, started_at: int
) -> None:
    """As `run_async`, for a DAG that is loaded."""
    if work.kind == "trigger":
        await run_trigger(dag, work, info, backend)
        return
    await runtime.run_task_async(dag, work, info, backend, started_at=started_at)
