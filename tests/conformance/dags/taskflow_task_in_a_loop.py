"""Tasks made in a loop are numbered, and each has its own arguments.

---
run: success
tasks:
  add: success
  add__1: success
  add__2: success
  add__3: success
xcoms:
  add: 0
  add__1: 1
  add__2: 3
  add__3: 6
"""

from airflow.decorators import dag, task


@dag(schedule=None)
def taskflow_task_in_a_loop():
    @task
    def add(total, n):
        return total + n

    total = 0
    for n in range(4):
        total = add(total, n)


taskflow_task_in_a_loop()
