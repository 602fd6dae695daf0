"""A run without a logical date has none of the dates in its context.

---
logical_date: none
run: failed
tasks:
  date: failed
  which: success
xcoms:
  which: [run_id, dag_run]
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, task

with DAG("templates_without_a_logical_date", schedule=None):
    BashOperator(task_id="date", bash_command="echo {{ ds }}")

    @task
    def which(**context):
        names = ["ds", "ts", "logical_date", "data_interval_start", "run_id", "dag_run"]
        return [name for name in names if name in context]

    which()
