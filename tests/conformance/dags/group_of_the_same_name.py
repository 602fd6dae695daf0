"""A group function that is used twice gets a number.

---
run: success
tasks:
  last.name: success
  part.name: success
  part__1.name: success
xcoms:
  last.name: last.name
  part.name: part.name
  part__1.name: part__1.name
"""

from airflow.sdk import DAG, task, task_group

with DAG("group_of_the_same_name", schedule=None):

    @task
    def name(task):
        return task.task_id

    @task_group
    def part():
        name()

    part() >> part() >> part.override(group_id="last")()
