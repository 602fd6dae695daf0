"""What a try pushed is gone as the task is tried again.

---
run: success
tasks:
  push: success 2
xcoms:
  push: done
  push#try_2: 2
"""

from datetime import timedelta

from airflow.sdk import DAG, task

with DAG("xcom_cleared_by_a_retry", schedule=None):

    @task(retries=1, retry_delay=timedelta(seconds=0.1))
    def push(ti):
        ti.xcom_push(key=f"try_{ti.try_number}", value=ti.try_number)
        if ti.try_number == 1:
            raise ValueError("again")
        return "done"

    push()
