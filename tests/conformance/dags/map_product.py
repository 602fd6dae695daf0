"""Several arguments: every combination, the last one moving fastest.

---
run: success
tasks:
  join[0]: success
  join[1]: success
  join[2]: success
  join[3]: success
  join[4]: success
  join[5]: success
  letters: success
xcoms:
  join[0]: a1
  join[1]: a2
  join[2]: a3
  join[3]: b1
  join[4]: b2
  join[5]: b3
  letters: [a, b]
"""

from airflow.sdk import DAG, task

with DAG("map_product", schedule=None):

    @task
    def letters():
        return ["a", "b"]

    @task
    def join(letter, number):
        return f"{letter}{number}"

    join.expand(letter=letters(), number=[1, 2, 3])
