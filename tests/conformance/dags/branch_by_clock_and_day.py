"""BranchDateTimeOperator and BranchDayOfWeekOperator, both by the run's logical date.

---
logical_date: 2026-01-05T12:00:00+00:00
run: success
tasks:
  is_noon: success
  is_not: skipped
  noon: success
  rest: skipped
  weekend: success
  work: success
"""

import datetime

from airflow.providers.standard.operators.datetime import BranchDateTimeOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.weekday import BranchDayOfWeekOperator
from airflow.sdk import DAG

with DAG("branch_by_clock_and_day", schedule=None):
    noon = BranchDateTimeOperator(
        task_id="noon",
        use_task_logical_date=True,
        target_lower=datetime.time(11),
        target_upper=datetime.time(13),
        follow_task_ids_if_true=["is_noon"],
        follow_task_ids_if_false=["is_not"],
    )
    noon >> [EmptyOperator(task_id="is_noon"), EmptyOperator(task_id="is_not")]
    weekend = BranchDayOfWeekOperator(
        task_id="weekend",
        use_task_logical_date=True,
        week_day={"Saturday", "Sunday"},
        follow_task_ids_if_true="rest",
        follow_task_ids_if_false="work",
    )
    weekend >> [EmptyOperator(task_id="rest"), EmptyOperator(task_id="work")]
