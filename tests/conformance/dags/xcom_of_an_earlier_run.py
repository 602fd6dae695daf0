"""include_prior_dates looks in the runs of the same DAG that are before.

---
runs:
- logical_date: 2026-01-05T00:00:00+00:00
  conf: {push: true}
  run: success
  tasks:
    pull: success
    push: success
  xcoms:
    pull: [old, old]
    push: old
- logical_date: 2026-01-06T00:00:00+00:00
  conf: {push: false}
  run: success
  tasks:
    pull: success
    push: success
  xcoms:
    pull: [null, old]
"""

from airflow.sdk import DAG, task

with DAG("xcom_of_an_earlier_run", schedule=None, params={"push": False}):

    @task
    def push(params):
        return "old" if params["push"] else None

    @task
    def pull(ti):
        return [
            ti.xcom_pull(task_ids="push"),
            ti.xcom_pull(task_ids="push", include_prior_dates=True),
        ]

    push() >> pull()
