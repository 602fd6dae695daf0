"""Asking for a key of a result without multiple outputs fails the task that asks.

---
run: failed
tasks:
  make: success
  take: failed
xcoms:
  make: {x: 1}
"""

from airflow.sdk import DAG, task

with DAG("taskflow_key_that_is_not_there", schedule=None):

    @task
    def make():
        return {"x": 1}

    @task
    def take(x):
        return x

    take(make()["x"])
