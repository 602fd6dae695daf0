"""depends_on_past: a task starts when it succeeded, or was skipped, in the run before.

---
runs:
- logical_date: 2026-01-05T00:00:00+00:00
  run: success
  tasks:
    even: skipped 1
- logical_date: 2026-01-06T00:00:00+00:00
  run: success
  tasks:
    even: success
  xcoms:
    even: 6
- logical_date: 2026-01-07T00:00:00+00:00
  run: success
  tasks:
    even: skipped 1
"""

from airflow.exceptions import AirflowSkipException
from airflow.sdk import DAG, task

with DAG("past_that_succeeded", schedule=None):

    @task(depends_on_past=True)
    def even(logical_date):
        if logical_date.day % 2:
            raise AirflowSkipException
        return logical_date.day

    even()
