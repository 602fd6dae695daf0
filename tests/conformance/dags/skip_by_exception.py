"""AirflowSkipException: skipped, and so is what needs it.

---
run: success
tasks:
  needs: skipped
  skip: skipped 1
  tolerates: success
"""

from airflow.exceptions import AirflowSkipException
from airflow.sdk import DAG, task

with DAG("skip_by_exception", schedule=None):

    @task(retries=2)
    def skip():
        raise AirflowSkipException("not today")

    @task
    def needs(value):
        return value

    @task(trigger_rule="none_failed")
    def tolerates(ti):
        return ti.xcom_pull(task_ids="skip")

    skipped = skip()
    needs(skipped)
    skipped >> tolerates()
