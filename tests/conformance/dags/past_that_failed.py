"""depends_on_past: a task that failed in the run before does not start; the run times out.

---
runs:
- logical_date: 2026-01-05T00:00:00+00:00
  run: failed
  tasks:
    free: success
    work: failed
  xcoms:
    free: 1
- logical_date: 2026-01-06T00:00:00+00:00
  run: failed
  tasks:
    free: success
    work: skipped
  xcoms:
    free: 1
"""

import os
from datetime import timedelta

from airflow.sdk import DAG, task

TIME = timedelta(seconds=float(os.environ.get("CONFORMANCE_RUN_SECONDS", "60")))

with DAG("past_that_failed", schedule=None, dagrun_timeout=TIME):

    @task(depends_on_past=True)
    def work():
        raise ValueError("no")

    @task
    def free():
        return 1

    work()
    free()
