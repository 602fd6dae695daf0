"""@task.run_if and @task.skip_if decide as the task begins; one that does not run is skipped.

---
run: success
tasks:
  never: skipped 1
  other: skipped 1
  wanted: success
xcoms:
  wanted: worked
"""

from airflow.sdk import DAG, task

with DAG("taskflow_run_if", schedule=None):

    @task.run_if(lambda context: context["task"].task_id.endswith("wanted"))
    @task
    def work():
        return "worked"

    @task.skip_if(lambda context: True)
    @task.bash
    def never():
        return "echo never"

    work.override(task_id="wanted")()
    work.override(task_id="other")()
    never()
