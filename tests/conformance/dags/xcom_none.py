"""A returned None pushes nothing and is pulled as None; a None that is pushed is an XCom.

---
run: success
tasks:
  nothing: success
  pushed: success
  take: success
xcoms:
  pushed#empty: null
  take: [true, null, null]
"""

from airflow.sdk import DAG, task

with DAG("xcom_none", schedule=None):

    @task
    def nothing():
        return None

    @task
    def pushed(ti):
        ti.xcom_push(key="empty", value=None)

    @task
    def take(value, ti):
        return [
            value is None,
            ti.xcom_pull(task_ids="nothing"),
            ti.xcom_pull(task_ids="pushed", key="empty"),
        ]

    pushed() >> take(nothing())
