"""A failed try is tried again, as often as `retries` says.

---
run: failed
tasks:
  below: success
  never: failed 2
  third_time: success 3
xcoms:
  below: 3
  third_time: 3
"""

from datetime import timedelta

from airflow.sdk import DAG, task

with DAG(
    "retry_until_it_works", schedule=None, default_args={"retry_delay": timedelta(seconds=0.1)}
):

    @task(retries=3)
    def third_time(ti):
        if ti.try_number < 3:
            raise ValueError("not yet")
        return ti.try_number

    @task(retries=1)
    def never():
        raise ValueError("no")

    @task
    def below(value):
        return value

    below(third_time())
    never()
