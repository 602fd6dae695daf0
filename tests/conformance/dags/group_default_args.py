"""A group's default_args go over the DAG's; a task's own go over both.

---
run: success
tasks:
  group.inside: success
  group.own: success
  outside: success
xcoms:
  group.inside: 2
  group.own: 5
  outside: 0
"""

from datetime import timedelta

from airflow.sdk import DAG, TaskGroup, task

with DAG(
    "group_default_args",
    schedule=None,
    default_args={"retries": 0, "retry_delay": timedelta(seconds=0.1)},
):

    @task
    def retries(task):
        return task.retries

    retries.override(task_id="outside")()
    with TaskGroup("group", default_args={"retries": 2}):
        retries.override(task_id="inside")()
        retries.override(task_id="own", retries=5)()
