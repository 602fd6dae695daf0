"""A skip raised in .map() skips that instance alone.

---
run: success
tasks:
  names: success
  show[0]: success
  show[1]: skipped 1
  show[2]: success
xcoms:
  names: [a, b, c]
  show[0]: a
  show[2]: c
"""

from airflow.exceptions import AirflowSkipException
from airflow.sdk import DAG, task

with DAG("map_by_a_function_that_skips", schedule=None):

    @task
    def names():
        return ["a", "b", "c"]

    def no_b(name):
        if name == "b":
            raise AirflowSkipException
        return name

    @task
    def show(name):
        return name

    show.expand(name=names().map(no_b))
