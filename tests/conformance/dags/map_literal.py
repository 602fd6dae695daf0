"""One instance for each member of a list.

---
run: success
tasks:
  add_one[0]: success
  add_one[1]: success
  add_one[2]: success
  total: success
xcoms:
  add_one[0]: 2
  add_one[1]: 3
  add_one[2]: 4
  total: 9
"""

from airflow.sdk import DAG, task

with DAG("map_literal", schedule=None):

    @task
    def add_one(x):
        return x + 1

    @task
    def total(values):
        return sum(values)

    total(add_one.expand(x=[1, 2, 3]))
