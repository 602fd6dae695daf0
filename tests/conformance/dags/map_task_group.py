"""A mapped task group: each of its instances goes its own way down.

---
run: success
tasks:
  gather: success
  steps.add_one[0]: success
  steps.add_one[1]: failed
  steps.add_one[2]: success
  steps.double[0]: success
  steps.double[1]: success
  steps.double[2]: success
xcoms:
  gather: [3, 7]
  steps.add_one[0]: 3
  steps.add_one[2]: 7
  steps.double[0]: 2
  steps.double[1]: 4
  steps.double[2]: 6
"""

from airflow.sdk import DAG, task, task_group

with DAG("map_task_group", schedule=None):

    @task
    def double(n):
        return n * 2

    @task
    def add_one(n):
        if n == 4:
            raise ValueError("four")
        return n + 1

    @task_group
    def steps(n):
        return add_one(double(n))

    @task(trigger_rule="all_done")
    def gather(values):
        return list(values)

    gather(steps.expand(n=[1, 2, 3]))
