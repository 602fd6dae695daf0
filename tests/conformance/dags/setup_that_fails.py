"""A setup that fails: the work and the teardown are upstream_failed.

---
run: failed
tasks:
  create: failed
  delete: upstream_failed
  work: upstream_failed
"""

from airflow.sdk import DAG, setup, task, teardown

with DAG("setup_that_fails", schedule=None):

    @setup
    def create():
        raise ValueError("no")

    @task
    def work():
        return 1

    @teardown
    def delete():
        return 1

    first = create()
    first >> work() >> delete().as_teardown(setups=first)
