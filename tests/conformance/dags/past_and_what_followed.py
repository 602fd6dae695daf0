"""wait_for_downstream: a task also waits for what stood directly below it in the run before.

---
runs:
- logical_date: 2026-01-05T00:00:00+00:00
  run: failed
  tasks:
    first: success
    second: failed
  xcoms:
    first: 1
- logical_date: 2026-01-06T00:00:00+00:00
  run: failed
  tasks:
    first: skipped
    second: skipped
"""

import os
from datetime import timedelta

from airflow.sdk import DAG, task

TIME = timedelta(seconds=float(os.environ.get("CONFORMANCE_RUN_SECONDS", "60")))

with DAG("past_and_what_followed", schedule=None, dagrun_timeout=TIME):

    @task(wait_for_downstream=True)
    def first():
        return 1

    @task
    def second():
        raise ValueError("no")

    first() >> second()
