"""A function that raises fails; what stands below is upstream_failed.

---
run: failed
tasks:
  below: upstream_failed
  beside: success
  broken: failed
  further: upstream_failed
xcoms:
  beside: fine
"""

from airflow.sdk import DAG, task

with DAG("taskflow_raised_exception", schedule=None):

    @task
    def broken():
        raise ValueError("no")

    @task
    def below(value):
        return value

    @task
    def further(value):
        return value

    @task
    def beside():
        return "fine"

    further(below(broken()))
    beside()
