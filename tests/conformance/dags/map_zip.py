""".zip() pairs the members of several results; the shortest one decides, or a fill value.

---
run: success
tasks:
  filled[0]: success
  filled[1]: success
  filled[2]: success
  letters: success
  numbers: success
  show[0]: success
  show[1]: success
xcoms:
  filled[0]: [a, 1]
  filled[1]: [b, 2]
  filled[2]: [c, 0]
  letters: [a, b, c]
  numbers: [1, 2]
  show[0]: [a, 1]
  show[1]: [b, 2]
"""

from airflow.sdk import DAG, task

with DAG("map_zip", schedule=None):

    @task
    def letters():
        return ["a", "b", "c"]

    @task
    def numbers():
        return [1, 2]

    @task
    def show(pair):
        return list(pair)

    first, second = letters(), numbers()
    show.expand(pair=first.zip(second))
    show.override(task_id="filled").expand(pair=first.zip(second, fillvalue=0))
