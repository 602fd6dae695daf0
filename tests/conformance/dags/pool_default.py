"""Tasks of the default pool run, with more than one slot as well.

---
run: success
tasks:
  work: success
  work__1: success
xcoms:
  work: worked
  work__1: worked
"""

from airflow.sdk import DAG, task

with DAG("pool_default", schedule=None, max_active_tasks=1):

    @task(pool="default_pool", pool_slots=2, priority_weight=5, weight_rule="absolute")
    def work():
        return "worked"

    work()
    work()
