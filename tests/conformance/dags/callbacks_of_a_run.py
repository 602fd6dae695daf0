"""A DAG's callback runs once the run is over.

---
run: failed
tasks:
  broken: failed
files:
  callbacks_of_a_run.log: |
    failure callbacks_of_a_run
"""

import os

from airflow.sdk import DAG, task


def noting(what):
    def note(context):
        with open(
            os.path.join(os.environ["CONFORMANCE_FILES"], "callbacks_of_a_run.log"), "a"
        ) as file:
            file.write(f"{what} {context['dag_run'].dag_id}\n")

    return note


with DAG(
    "callbacks_of_a_run",
    schedule=None,
    on_failure_callback=noting("failure"),
    on_success_callback=noting("success"),
):

    @task
    def broken():
        raise ValueError("no")

    broken()
