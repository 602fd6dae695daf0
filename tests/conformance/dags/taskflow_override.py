"""A task can be used again under another name; without one it gets a number.

---
run: success
tasks:
  add: success
  add__1: success
  add__2: success
  last_sum: success
xcoms:
  add: 3
  add__1: 13
  last_sum: 113
"""

from airflow.sdk import DAG, task

with DAG("taskflow_override", schedule=None):

    @task(retries=0)
    def add(x, y):
        return x + y

    first = add(1, 2)
    second = add(first, 10)
    third = add.override(task_id="last_sum", retries=1)(second, 100)
    add.override(do_xcom_push=False)(third, 1000)
