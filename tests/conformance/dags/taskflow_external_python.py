"""@task.external_python runs the function in another Python; it sees its arguments alone.

---
run: success
tasks:
  after: success
  numbers: success
  total: success
xcoms:
  after: 13
  numbers: [1, 2, 3]
  total: 12
"""

import sys

from airflow.sdk import DAG, task

with DAG("taskflow_external_python", schedule=None):

    @task
    def numbers():
        return [1, 2, 3]

    @task.external_python(python=sys.executable, expect_airflow=False)
    def total(values):
        import math

        return math.prod(values) + sum(values)

    @task
    def after(n):
        return n + 1

    after(total(numbers()))
