"""One instance that fails: the others run; what gathers is upstream_failed.

---
run: failed
tasks:
  count: success
  divide[0]: success
  divide[1]: failed 2
  divide[2]: success
  gather: upstream_failed
xcoms:
  count: 2
  divide[0]: 6
  divide[2]: 2
"""

from datetime import timedelta

from airflow.sdk import DAG, task

with DAG("map_with_a_failure", schedule=None):

    @task(retries=1, retry_delay=timedelta(seconds=0.1))
    def divide(n):
        return 6 // n

    @task
    def gather(values):
        return list(values)

    @task(trigger_rule="all_done")
    def count(values):
        return len(values)

    shares = divide.expand(n=[1, 0, 3])
    gather(shares)
    count(shares)
