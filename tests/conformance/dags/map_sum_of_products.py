"""A result of a result: mapped over the pieces that another task cut.

---
run: success
tasks:
  largest: success
  pieces: success
  total[0]: success
  total[1]: success
  total[2]: success
xcoms:
  largest: 3
  pieces: [[1, 2], [3], []]
  total[0]: 3
  total[1]: 3
  total[2]: 0
"""

from airflow.sdk import DAG, task

with DAG("map_sum_of_products", schedule=None):

    @task
    def pieces():
        return [[1, 2], [3], []]

    @task
    def total(piece):
        return sum(piece)

    @task
    def largest(totals):
        return max(totals)

    largest(total.expand(piece=pieces()))
