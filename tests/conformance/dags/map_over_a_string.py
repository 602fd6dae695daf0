"""Over a text: the task that returned it fails.

---
run: failed
tasks:
  each: upstream_failed
  text: failed
"""

from airflow.sdk import DAG, task

with DAG("map_over_a_string", schedule=None):

    @task
    def text():
        return "abc"

    @task
    def each(n):
        return n

    each.expand(n=text())
