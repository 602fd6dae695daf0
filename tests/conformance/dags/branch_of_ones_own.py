"""A class of one's own on BaseBranchOperator.

---
run: success
tasks:
  by_day: success
  monday: success
  other: skipped
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, BaseBranchOperator


class ByDay(BaseBranchOperator):
    def choose_branch(self, context):
        return "monday" if context["logical_date"].isoweekday() == 1 else "other"


with DAG("branch_of_ones_own", schedule=None):
    ByDay(task_id="by_day") >> [EmptyOperator(task_id="monday"), EmptyOperator(task_id="other")]
