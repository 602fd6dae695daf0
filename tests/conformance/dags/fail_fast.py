"""fail_fast: the first failure ends the run; what has not started is skipped.

---
run: success
tasks:
  below: skipped
  broken: failed
  fine: success
  further: skipped
xcoms:
  fine: 1
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

with DAG("fail_fast", schedule=None, fail_fast=True):

    @task
    def broken():
        raise ValueError("no")

    @task
    def fine():
        return 1

    fine() >> broken() >> EmptyOperator(task_id="below") >> EmptyOperator(task_id="further")
