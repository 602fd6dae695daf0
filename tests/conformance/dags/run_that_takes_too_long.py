"""dagrun_timeout: the run fails, what runs and what waits is skipped.

---
run: failed
tasks:
  below: skipped
  slow: skipped 1
"""

import os
import time
from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

TIME = timedelta(seconds=float(os.environ.get("CONFORMANCE_RUN_SECONDS", "60")))

with DAG("run_that_takes_too_long", schedule=None, dagrun_timeout=TIME):

    @task
    def slow():
        time.sleep(60)

    slow() >> EmptyOperator(task_id="below")
