"""Over None: the task that returned it fails.

---
run: failed
tasks:
  each: upstream_failed
  nothing: failed
"""

from airflow.sdk import DAG, task

with DAG("map_over_none", schedule=None):

    @task
    def nothing():
        return None

    @task
    def each(n):
        return n

    each.expand(n=nothing())
