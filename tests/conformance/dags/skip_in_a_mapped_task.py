"""An instance that skips leaves the others, and is left out of what is gathered.

---
run: success
tasks:
  gather: success
  odd[0]: success
  odd[1]: skipped 1
  odd[2]: success
  strict: skipped
xcoms:
  gather: [1, 3]
  odd[0]: 1
  odd[2]: 3
"""

from airflow.exceptions import AirflowSkipException
from airflow.sdk import DAG, task

with DAG("skip_in_a_mapped_task", schedule=None):

    @task
    def odd(n):
        if n % 2 == 0:
            raise AirflowSkipException
        return n

    @task(trigger_rule="none_failed")
    def gather(values):
        return list(values)

    @task
    def strict(values):
        return list(values)

    numbers = odd.expand(n=[1, 2, 3])
    gather(numbers)
    strict(numbers)
