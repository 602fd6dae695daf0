"""A teardown runs when its setup succeeded, whatever became of the work between.

---
run: failed
tasks:
  create: success
  delete: success
  more: upstream_failed
  work: failed
xcoms:
  create: cluster
  delete: deleted cluster
"""

from airflow.sdk import DAG, setup, task, teardown

with DAG("setup_and_teardown", schedule=None):

    @setup
    def create():
        return "cluster"

    @task
    def work():
        raise ValueError("no")

    @task
    def more():
        return 1

    @teardown
    def delete(name):
        return f"deleted {name}"

    name = create()
    name >> work() >> more() >> delete(name)
