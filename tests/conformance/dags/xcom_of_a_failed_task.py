"""What the last try pushed stays when the task fails.

---
run: success
tasks:
  push: failed
  read: success
xcoms:
  push#before: the end
  read: the end
"""

from airflow.sdk import DAG, task

with DAG("xcom_of_a_failed_task", schedule=None):

    @task
    def push(ti):
        ti.xcom_push(key="before", value="the end")
        raise ValueError("the end")

    @task(trigger_rule="all_done")
    def read(ti):
        return ti.xcom_pull(task_ids="push", key="before")

    push() >> read()
