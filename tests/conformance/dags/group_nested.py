"""Ids have their groups' names before them, groups may be nested, edges reach firsts and lasts.

---
run: success
tasks:
  end: success
  outer.first: success
  outer.inner.a: success
  outer.inner.b: success
  start: success
xcoms:
  end: [outer.first, outer.inner.b]
  outer.first: [start]
  outer.inner.a: [start]
  outer.inner.b: [outer.inner.a]
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TaskGroup, task

with DAG("group_nested", schedule=None):

    @task
    def upstream(task):
        return sorted(task.upstream_task_ids)

    start = EmptyOperator(task_id="start")
    with TaskGroup("outer") as outer:
        first = upstream.override(task_id="first")()
        with TaskGroup("inner", tooltip="within"):
            upstream.override(task_id="a")() >> upstream.override(task_id="b")()
    end = upstream.override(task_id="end")()
    start >> outer >> end
