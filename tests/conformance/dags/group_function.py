"""@task_group: a function whose tasks are a group; what it returns is wired on.

---
run: success
tasks:
  end: success
  start: success
  sums.first: success
  sums.second: success
  sums__1.first: success
  sums__1.second: success
xcoms:
  end: 223
  start: 3
  sums.first: 13
  sums.second: 113
  sums__1.first: 123
  sums__1.second: 223
"""

from airflow import DAG
from airflow.decorators import task, task_group

with DAG("group_function", schedule=None):

    @task
    def start():
        return 3

    @task
    def add(n, m):
        return n + m

    @task_group
    def sums(n):
        return add.override(task_id="second")(add.override(task_id="first")(n, 10), 100)

    @task
    def end(n):
        return n

    end(sums(sums(start())))
