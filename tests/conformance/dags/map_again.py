"""A mapped task's results are mapped over again.

---
run: success
tasks:
  again[0]: success
  again[1]: success
  again[2]: success
  double[0]: success
  double[1]: success
  double[2]: success
  start: success
  total: success
xcoms:
  again[0]: 4
  again[1]: 8
  again[2]: 12
  double[0]: 2
  double[1]: 4
  double[2]: 6
  start: [1, 2, 3]
  total: 24
"""

from airflow.sdk import DAG, task

with DAG("map_again", schedule=None):

    @task
    def start():
        return [1, 2, 3]

    @task
    def double(n):
        return n * 2

    @task
    def total(values):
        return sum(values)

    total(double.override(task_id="again").expand(n=double.expand(n=start())))
