"""ApprovalOperator: a default of "Reject" skips what is below.

---
run: success
tasks:
  approve: success
  deploy: skipped
"""

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG

with DAG("hitl_approval_default", schedule=None):
    approve = ApprovalOperator(
        task_id="approve",
        subject="Deploy?",
        defaults="Reject",
        response_timeout=timedelta(seconds=1),
    )
    approve >> EmptyOperator(task_id="deploy")
