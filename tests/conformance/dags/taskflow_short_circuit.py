"""@task.short_circuit with a false value skips all that follows; a true one lets it run.

---
run: success
tasks:
  'no': success
  nor_this: skipped
  not: skipped
  runs: success
  runs_too: success
  'yes': success
xcoms:
  'yes': true
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, chain, task

with DAG("taskflow_short_circuit", schedule=None):

    @task.short_circuit
    def check(value):
        return value

    chain(
        check.override(task_id="yes")(True),
        EmptyOperator(task_id="runs"),
        EmptyOperator(task_id="runs_too"),
    )
    chain(
        check.override(task_id="no")(0),
        EmptyOperator(task_id="not"),
        EmptyOperator(task_id="nor_this", trigger_rule="all_done"),
    )
