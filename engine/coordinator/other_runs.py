"""What a task asks of other DAGs: a run of one, or how the runs and tasks of one stand.

A run is triggered once for the attempt that asks, however often its question comes: the run id is
the attempt's choice, and the run knows who asked for it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from penstock.events.questions import AskStates, AskTrigger, FoundRun, StatesFound, Triggered
from penstock.lifecycle.states import RUN_ENDS, RUN_FAILED, RUN_QUARANTINED

if TYPE_CHECKING:
    from penstock.authoring.serialized import SerializedDag
    from penstock.coordinator.coordinator import Coordinator

PAUSED = "paused"


class OtherRuns:
    def __init__(self, coordinator: Coordinator) -> None:
        self.coordinator = coordinator

    async def trigger(self, asked: AskTrigger) -> Triggered:
        """Trigger a run. Raises TriggerRefusedError with the reason why not."""
        one, key = self.coordinator, f"{asked.dag_id}/{asked.run_id}"
        dag = one.state.dags.get(asked.dag_id)
        if asked.unless_paused and dag is not None and dag.paused:
            return Triggered(run_id="", state=PAUSED, is_new=False)
        key, state = await one.triggers.trigger(
            asked.dag_id,
            conf=msgspec.json.decode(asked.conf) or {},
            run_id=asked.run_id,
            logical_date=asked.logical_date,
            by=asked.by,
            named=False,
        )
        is_new = await one.triggers.asker(key) == asked.by
        return Triggered(run_id=asked.run_id, state=state, is_new=is_new)

    async def states(self, asked: AskStates) -> StatesFound:
        """Answer from the projection, once it has caught up with what was folded."""
        one = self.coordinator
        dag = one.state.dags.get(asked.dag_id)
        if dag is None or dag.gone:
            missing = f"there is no DAG {asked.dag_id!r}"
        else:
            missing = missing_from(dag.plan.dag, asked)
        await one.caught_up()
        return StatesFound(runs=await asyncio.to_thread(self.find, asked), missing=missing)

    def find(self, asked: AskStates) -> tuple[FoundRun, ...]:
        reading = self.coordinator.reading
        found = []
        with reading.snapshot():
            for run in reading.runs_for(asked.dag_id, asked.run_ids, asked.logical_dates):
                dag = reading.dag_of(run["version"])
                tasks = {
                    task: dict(Counter(one.state for one in reading.instances_of(run, task)))
                    for task in tasks_of(dag, asked)
                }
                state = RUN_FAILED if run["state"] == RUN_QUARANTINED else run["state"]
                found.append(
                    FoundRun(
                        run_id=run["run_id"],
                        logical_date=run["logical_date"],
                        state=state,
                        live=run["state"] not in RUN_ENDS,
                        tasks=tasks,
                    )
                )
        return tuple(found)


def tasks_of(dag: SerializedDag, asked: AskStates) -> list[str]:
    """Return the tasks that are asked about and that this version of the DAG has."""
    if asked.group:
        return [t.task_id for t in dag.tasks if t.task_id.startswith(f"{asked.group}.")]
    known = {task.task_id for task in dag.tasks}
    return [task for task in asked.tasks if task in known]


def missing_from(dag: SerializedDag, asked: AskStates) -> str:
    """Return what a question names and the DAG has not, "" if it has all of it."""
    there = tasks_of(dag, asked)
    if asked.group and not there:
        return f"DAG {asked.dag_id!r} has no task group {asked.group!r}"
    gone = [task for task in asked.tasks if task not in there]
    return f"DAG {asked.dag_id!r} has no task {gone[0]!r}" if gone else ""
