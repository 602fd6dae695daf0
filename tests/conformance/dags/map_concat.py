""".concat() joins the members of several results.

---
run: success
tasks:
  letters: success
  more: success
  show[0]: success
  show[1]: success
  show[2]: success
xcoms:
  letters: [a, b]
  more: [c]
  show[0]: a
  show[1]: b
  show[2]: c
"""

from airflow.sdk import DAG, task

with DAG("map_concat", schedule=None):

    @task
    def letters():
        return ["a", "b"]

    @task
    def more():
        return ["c"]

    @task
    def show(letter):
        return letter

    show.expand(letter=letters().concat(more()))
