"""Over a dict: its items, as pairs.

---
run: success
tasks:
  literal[0]: success
  make: success
  show[0]: success
  show[1]: success
xcoms:
  literal[0]: x=9
  make: {a: 1, b: 2}
  show[0]: a=1
  show[1]: b=2
"""

from airflow.sdk import DAG, task

with DAG("map_dict", schedule=None):

    @task
    def make():
        return {"a": 1, "b": 2}

    @task
    def show(pair):
        key, value = pair
        return f"{key}={value}"

    show.override(task_id="literal").expand(pair={"x": 9})
    show.expand(pair=make())
