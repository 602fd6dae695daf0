"""A task group mapped over what a task returned, with a partial.

---
run: success
tasks:
  each.measure[0]: success
  each.measure[1]: success
  each.read[0]: success
  each.read[1]: success
  files: success
xcoms:
  each.measure[0]: 3
  each.measure[1]: 3
  each.read[0]: r:a
  each.read[1]: r:b
  files: [a, b]
"""

from airflow.sdk import DAG, task, task_group

with DAG("map_task_group_over_results", schedule=None):

    @task
    def files():
        return ["a", "b"]

    @task
    def read(name, mode):
        return f"{mode}:{name}"

    @task
    def measure(text):
        return len(text)

    @task_group(group_id="each")
    def handle(name, mode):
        return measure(read(name, mode))

    handle.partial(mode="r").expand(name=files())
