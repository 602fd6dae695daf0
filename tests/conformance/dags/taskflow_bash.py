"""@task.bash returns the command; its last line is the XCom.

---
run: success
tasks:
  greet: success
  loud: success
xcoms:
  greet: hello Oslo on 2026-01-05
  loud: HELLO OSLO ON 2026-01-05
"""

from airflow.sdk import DAG, task

with DAG("taskflow_bash", schedule=None):

    @task.bash(env={"CITY": "Oslo"}, append_env=True)
    def greet():
        return "echo first; echo hello $CITY on {{ ds }}"

    @task
    def loud(text):
        return text.upper()

    loud(greet())
