"""LatestOnlyOperator lets a run that was triggered by hand through.

---
run: success
tasks:
  latest: success
  more: success
  work: success
xcoms:
  latest: [work]
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.latest_only import LatestOnlyOperator
from airflow.sdk import DAG

with DAG("latest_only_by_hand", schedule=None):
    (
        LatestOnlyOperator(task_id="latest")
        >> EmptyOperator(task_id="work")
        >> EmptyOperator(task_id="more")
    )
