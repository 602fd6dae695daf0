"""A branch that returns None skips everything directly below.

---
run: success
tasks:
  a: skipped
  always: success
  b: skipped
  below: skipped
  choose: success
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

with DAG("branch_to_nothing", schedule=None):

    @task.branch
    def choose():
        return None

    a, b = EmptyOperator(task_id="a"), EmptyOperator(task_id="b")
    below = EmptyOperator(task_id="below")
    always = EmptyOperator(task_id="always", trigger_rule="all_done")
    choose() >> [a, b]
    a >> below >> always
