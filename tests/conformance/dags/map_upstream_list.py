"""One instance for each member of what a task returned.

---
run: success
tasks:
  greet[0]: success
  greet[1]: success
  names: success
xcoms:
  greet[0]: hello a
  greet[1]: hello b
  names: [a, b]
"""

from airflow.sdk import DAG, task

with DAG("map_upstream_list", schedule=None):

    @task
    def names():
        return ["a", "b"]

    @task
    def greet(name):
        return f"hello {name}"

    greet.expand(name=names())
