"""prefix_group_id=False leaves the ids as they are.

---
run: success
tasks:
  here: success
  name: success
  other.name: success
xcoms:
  here: here
  name: name
  other.name: other.name
"""

from airflow.sdk import DAG, TaskGroup, task

with DAG("group_without_prefix", schedule=None):

    @task
    def name(task):
        return task.task_id

    with TaskGroup("plain", prefix_group_id=False):
        name()
    with TaskGroup("other"):
        name()
        with TaskGroup("deep", prefix_group_id=False):
            name.override(task_id="here")()
