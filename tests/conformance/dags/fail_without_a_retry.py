"""AirflowFailException fails at once, however many retries are left.

---
run: failed
tasks:
  hopeless: failed
"""

from datetime import timedelta

from airflow.exceptions import AirflowFailException
from airflow.sdk import DAG, task

with DAG("fail_without_a_retry", schedule=None):

    @task(retries=5, retry_delay=timedelta(seconds=0.1))
    def hopeless():
        raise AirflowFailException("the key is wrong")

    hopeless()
