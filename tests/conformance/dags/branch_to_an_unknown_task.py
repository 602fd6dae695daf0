"""A branch that names no task fails.

---
run: failed
tasks:
  a: upstream_failed
  b: upstream_failed
  choose: failed
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

with DAG("branch_to_an_unknown_task", schedule=None):

    @task.branch
    def choose():
        return "nowhere"

    choose() >> [EmptyOperator(task_id="a"), EmptyOperator(task_id="b")]
