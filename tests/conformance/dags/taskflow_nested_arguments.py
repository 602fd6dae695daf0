"""Results are found in lists, tuples and dicts of arguments, however deep.

---
run: success
tasks:
  one: success
  take: success
  two: success
  two__1: success
xcoms:
  one: 1
  take: [1, 2, 2, 5]
  two: 2
  two__1: 2
"""

from airflow.sdk import DAG, task

with DAG("taskflow_nested_arguments", schedule=None):

    @task
    def one():
        return 1

    @task
    def two():
        return 2

    @task
    def take(values, *, named):
        return [values[0], values[1][0], named["deep"]["er"], named["plain"]]

    take([one(), [two()]], named={"deep": {"er": two()}, "plain": 5})
