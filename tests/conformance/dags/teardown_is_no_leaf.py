"""The run's state is that of the work, though the teardown succeeds.

---
run: failed
tasks:
  create: success
  delete: success
  work: failed
xcoms:
  create: 1
  delete: gone
"""

from airflow.sdk import DAG, setup, task, teardown

with DAG("teardown_is_no_leaf", schedule=None):

    @setup
    def create():
        return 1

    @task
    def work():
        raise ValueError("no")

    @teardown
    def delete():
        return "gone"

    create() >> work() >> delete()
