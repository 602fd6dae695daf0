"""LatestOnlyOperator: in a run that is not the schedule's newest, what is below is skipped."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import structs

from penstock.authoring import timetables
from penstock.authoring.context import Context, micros
from penstock.authoring.serialize import schedule_of
from penstock.steps.branch import BaseBranchOperator


class LatestOnlyOperator(BaseBranchOperator):
    """Goes on only if the run is the newest one that its schedule asks for by now.

    For what is of no use late, such as a deployment after a catchup:
    `LatestOnlyOperator(task_id="newest") >> deploy`. A run that was triggered by hand always goes
    on, as does one whose schedule asks for no later one.
    """

    ui_color = "#e9ffdb"

    def choose_branch(self, context: Context) -> list[str]:
        is_newest = context["dag_run"].run_type == "manual" or self._is_newest(context)
        return sorted(self.get_direct_relative_ids()) if is_newest else []

    def _is_newest(self, context: Context) -> bool:
        run = context["dag_run"]
        if run.logical_date is None:
            return True
        # The next tick after this run's, late or not, also beyond the schedule's end.
        every = structs.replace(schedule_of(self.dag), catchup=True, end=None)
        now = micros(datetime.now(UTC))
        after = timetables.next_run(every, micros(run.logical_date), now)
        start = run.data_interval_start or run.logical_date
        return after is None or micros(start) < now <= after.interval_end
