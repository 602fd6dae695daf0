"""partial: what all instances have in common.

---
run: success
tasks:
  add[0]: success
  add[1]: success
  base: success
xcoms:
  add[0]: 102
  add[1]: 103
  base: 100
"""

from airflow.sdk import DAG, task

with DAG("map_partial", schedule=None):

    @task
    def base():
        return 100

    @task
    def add(x, y, z=0):
        return x + y + z

    add.partial(y=base(), z=1).expand(x=[1, 2])
