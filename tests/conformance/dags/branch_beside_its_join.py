"""A task that the chosen branch leads to is not skipped, even if it is a direct one itself.

---
run: success
tasks:
  choose: success
  join: success
  other: skipped
  work: success
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

with DAG("branch_beside_its_join", schedule=None):

    @task.branch
    def choose():
        return "work"

    choice = choose()
    work = EmptyOperator(task_id="work")
    join = EmptyOperator(task_id="join")
    other = EmptyOperator(task_id="other")
    choice >> [work, join, other]
    work >> join
