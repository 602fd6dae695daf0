"""Over an empty list: skipped, and so is what needs it.

---
run: success
tasks:
  anyway: success
  each: skipped
  gather: skipped
  nothing: success
xcoms:
  anyway: []
  nothing: []
"""

from airflow.sdk import DAG, task

with DAG("map_empty_list", schedule=None):

    @task
    def nothing():
        return []

    @task
    def each(n):
        return n

    @task
    def gather(values):
        return list(values)

    @task(trigger_rule="all_done")
    def anyway(values):
        return list(values)

    numbers = each.expand(n=nothing())
    gather(numbers)
    anyway(numbers)
