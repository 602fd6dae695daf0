"""@task.branch returns the task to follow; the others are skipped.

---
run: success
tasks:
  after_small: skipped
  big: success
  choose: success
  join: success
  measure: success
  small: skipped
xcoms:
  measure: 7
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

with DAG("taskflow_branch", schedule=None):

    @task
    def measure():
        return 7

    @task.branch
    def choose(n):
        return "big" if n > 5 else "small"

    big = EmptyOperator(task_id="big")
    small = EmptyOperator(task_id="small")
    after_small = EmptyOperator(task_id="after_small")
    join = EmptyOperator(task_id="join", trigger_rule="none_failed_min_one_success")
    choose(measure()) >> [big, small]
    small >> after_small
    [big, after_small] >> join
