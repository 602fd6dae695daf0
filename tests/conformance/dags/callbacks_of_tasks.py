"""The callbacks of a task, by how its tries end.

---
run: failed
tasks:
  fails: failed 2
  fine: success
  skips: skipped 1
xcoms:
  fine: 1
files:
  callbacks_of_tasks.log: |
    execute fails 1
    execute fails 2
    execute fine 1
    execute skips 1
    failure fails 2
    retry fails 1
    skipped skips 1
    success fine 1
"""

import os
from datetime import timedelta

from airflow.exceptions import AirflowSkipException
from airflow.sdk import DAG, task


def noting(what):
    def note(context):
        with open(
            os.path.join(os.environ["CONFORMANCE_FILES"], "callbacks_of_tasks.log"), "a"
        ) as file:
            file.write(f"{what} {context['ti'].task_id} {context['ti'].try_number}\n")

    return note


CALLBACKS = {
    f"on_{what}_callback": noting(what)
    for what in ("execute", "success", "failure", "retry", "skipped")
}

with DAG("callbacks_of_tasks", schedule=None, default_args=CALLBACKS):

    @task
    def fine():
        return 1

    @task(retries=1, retry_delay=timedelta(seconds=0.1))
    def fails():
        raise ValueError("no")

    @task
    def skips():
        raise AirflowSkipException

    fine()
    fails()
    skips()
