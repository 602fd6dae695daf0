"""The results of a mapped task are one list, by index; those that are None are left out.

---
run: success
tasks:
  gather: success
  odd[0]: success
  odd[1]: success
  odd[2]: success
  odd[3]: success
  odd[4]: success
xcoms:
  gather: [3, [5, 3, 1], 5, 1]
  odd[0]: 5
  odd[2]: 3
  odd[4]: 1
"""

from airflow.sdk import DAG, task

with DAG("xcom_gathered", schedule=None):

    @task
    def odd(n):
        return n if n % 2 else None

    @task
    def gather(values):
        return [len(values), list(values), values[0], values[-1]]

    gather(odd.expand(n=[5, 4, 3, 2, 1]))
