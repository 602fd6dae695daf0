"""A task that takes longer than its execution_timeout fails.

---
run: success
tasks:
  alarm: success
  slow: failed
xcoms:
  alarm: too slow
"""

import time
from datetime import timedelta

from airflow.sdk import DAG, task

with DAG("fail_by_execution_timeout", schedule=None):

    @task(execution_timeout=timedelta(seconds=1))
    def slow():
        time.sleep(60)

    @task(trigger_rule="one_failed")
    def alarm():
        return "too slow"

    slow() >> alarm()
