"""When does a DAG's schedule want its next run? From the folded state, so every leader agrees.

A tick is made one at a time: the next one is asked for when the last one's run is in the log, and
while `max_active_runs` are under way none is, so that catching up years fills no memory.
"""

from __future__ import annotations

from penstock.authoring.timetables import Tick, next_run, run_id
from penstock.events.types import RunTriggered
from penstock.lifecycle.state import DagState


def next_tick(dag: DagState, now: int) -> Tick | None:
    """Return the DAG's next tick, due or to come; None while nothing may or need be made."""
    schedule, under_way = dag.plan.dag.schedule, len(dag.active) + len(dag.waiting)
    most = 1 if schedule.kind == "continuous" else dag.plan.dag.max_active_runs
    if dag.paused or dag.gone or under_way >= most:
        return None
    return next_run(schedule, dag.last_tick, now, since=dag.since, after_end=dag.last_end)


def tick_event(dag: DagState, tick: Tick) -> RunTriggered:
    """Return the fact that a tick is: its run, whose id says the logical date."""
    return RunTriggered(
        dag_id=dag.dag_id,
        run_id=run_id(tick),
        version=dag.plan.version,
        run_type="scheduled",
        logical_date=tick.logical_date,
        interval_start=tick.interval_start,
        interval_end=tick.interval_end,
        by="schedule",
    )
