"""xcom_pull's default is for what is asked for by map index; else what is missing is None.

---
run: success
tasks:
  first: success
  pull: success
xcoms:
  first: 1
  pull: [null, mine]
"""

from airflow.sdk import DAG, task

with DAG("xcom_pull_default", schedule=None):

    @task
    def first():
        return 1

    @task
    def pull(ti):
        return [
            ti.xcom_pull(task_ids="first", key="nothing", default="mine"),
            ti.xcom_pull(task_ids="first", key="nothing", map_indexes=-1, default="mine"),
        ]

    first() >> pull()
