"""expand_kwargs: a dict of arguments for each instance.

---
run: success
tasks:
  add[0]: success
  add[1]: success
  literal[0]: success
  literal[1]: success
  make: success
xcoms:
  add[0]: 3
  add[1]: 13
  literal[0]: 0
  literal[1]: 15
  make: [{x: 1, y: 2}, {x: 3}]
"""

from airflow.sdk import DAG, task

with DAG("map_expand_kwargs", schedule=None):

    @task
    def make():
        return [{"x": 1, "y": 2}, {"x": 3}]

    @task
    def add(x, y=10):
        return x + y

    add.expand_kwargs(make())
    add.override(task_id="literal").expand_kwargs([{"x": 0, "y": 0}, {"x": 5}])
