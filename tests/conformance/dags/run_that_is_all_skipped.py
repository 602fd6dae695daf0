"""A run whose tasks are all skipped is a success.

---
run: success
tasks:
  check: success
  work: skipped
"""

from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.sdk import DAG, task

with DAG("run_that_is_all_skipped", schedule=None):

    @task
    def work():
        return 1

    ShortCircuitOperator(task_id="check", python_callable=list) >> work()
