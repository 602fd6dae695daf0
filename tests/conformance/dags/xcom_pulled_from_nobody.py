"""xcom_pull without task_ids looks at the task's own XComs.

---
run: success
tasks:
  alone: success
xcoms:
  alone: 5
  alone#mine: 5
"""

from airflow.sdk import DAG, task

with DAG("xcom_pulled_from_nobody", schedule=None):

    @task
    def alone(ti):
        ti.xcom_push(key="mine", value=5)
        return ti.xcom_pull(key="mine")

    alone()
