"""A branch may name a task group: its first tasks are followed.

---
run: success
tasks:
  choose: success
  left.x: success
  left.y: success
  right.x: skipped
  right.y: skipped
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TaskGroup, task

with DAG("branch_to_a_group", schedule=None):

    @task.branch
    def choose():
        return "left"

    with TaskGroup("left") as left:
        EmptyOperator(task_id="x") >> EmptyOperator(task_id="y")
    with TaskGroup("right") as right:
        EmptyOperator(task_id="x") >> EmptyOperator(task_id="y")
    choose() >> [left, right]
