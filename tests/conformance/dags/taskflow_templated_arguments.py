"""Passed arguments are templated, defaults are not.

---
run: success
tasks:
  show: success
  show__1: success
xcoms:
  show: ['2026-01-05', '{{ ds }}']
  show__1: [[show__1, {at: 20260105T000000}], '{{ ds }}']
"""

from airflow.sdk import DAG, task

with DAG("taskflow_templated_arguments", schedule=None):

    @task
    def show(passed, default="{{ ds }}"):
        return [passed, default]

    show("{{ ds }}")
    show(["{{ task.task_id }}", {"at": "{{ ts_nodash }}"}])
