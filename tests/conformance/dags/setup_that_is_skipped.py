"""A setup that is skipped: the work and the teardown are skipped.

---
run: success
tasks:
  create: skipped 1
  delete: skipped
  work: skipped
"""

from airflow.exceptions import AirflowSkipException
from airflow.sdk import DAG, setup, task, teardown

with DAG("setup_that_is_skipped", schedule=None):

    @setup
    def create():
        raise AirflowSkipException

    @task
    def work():
        return 1

    @teardown
    def delete():
        return 1

    first = create()
    first >> work() >> delete().as_teardown(setups=first)
