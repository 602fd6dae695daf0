"""The type of the run, in a template and compared in Python.

---
run: success
tasks:
  show: success
xcoms:
  show: [DagRunType.MANUAL, true, manual]
"""

from airflow.sdk import DAG, task

with DAG("templates_run_type", schedule=None):

    @task
    def show(text, dag_run):
        return [text, dag_run.run_type == "manual", dag_run.run_type.value]

    show("{{ dag_run.run_type }}")
