"""Tasks that are functions: what one returns is the next one's argument, and wires them.

---
run: success
tasks:
  extract: success
  load: success
  transform: success
xcoms:
  extract: {a: 1, b: 2, c: 3}
  load: total is 6
  transform: {count: 3, total: 6}
  transform#count: 3
  transform#total: 6
"""

from airflow.sdk import dag, task


@dag(schedule=None)
def taskflow_pipeline():
    @task
    def extract():
        return {"a": 1, "b": 2, "c": 3}

    @task(multiple_outputs=True)
    def transform(orders: dict):
        return {"total": sum(orders.values()), "count": len(orders)}

    @task
    def load(total: int):
        return f"total is {total}"

    load(transform(extract())["total"])


taskflow_pipeline()
