"""An async function is a task, too.

---
run: success
tasks:
  after: success
  fetch: success
xcoms:
  after: 4
  fetch: 2
"""

from airflow.sdk import DAG, task

with DAG("taskflow_async", schedule=None):

    @task
    async def fetch(n):
        import asyncio

        await asyncio.sleep(0)
        return n + 1

    @task
    def after(n):
        return n * 2

    after(fetch(1))
