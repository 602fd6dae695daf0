"""Arguments that say something and change nothing.

---
run: success
tasks:
  work: success
xcoms:
  work: [[a, b], says nothing, me]
"""

import pendulum
from airflow.sdk import DAG, task

with DAG(
    "doc_and_arguments",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["a", "b"],
    description="says nothing",
    doc_md="# A title",
    owner_links={"me": "https://example.org"},
    max_active_runs=3,
) as dag:

    @task(doc_md="what it does", owner="me", task_display_name="Work", queue="default")
    def work(dag, task):
        return [sorted(dag.tags), dag.description, task.owner]

    work()
