""".map() changes each member before it is used.

---
run: success
tasks:
  names: success
  show[0]: success
  show[1]: success
  show[2]: success
xcoms:
  names: [a, b, c]
  show[0]: AA
  show[1]: BB
  show[2]: CC
"""

from airflow.sdk import DAG, task

with DAG("map_by_a_function", schedule=None):

    @task
    def names():
        return ["a", "b", "c"]

    @task
    def show(name):
        return name

    show.expand(name=names().map(lambda name: name * 2).map(lambda name: name.upper()))
