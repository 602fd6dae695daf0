"""A sensor's timeout fails it and is never retried; with soft_fail it is skipped.

---
run: failed
tasks:
  below_hard: upstream_failed
  below_soft: skipped
  hard: failed
  soft: skipped 1
"""

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.sensors.python import PythonSensor
from airflow.sdk import DAG

with DAG(
    "sensor_that_times_out",
    schedule=None,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=0.1)},
):
    hard = PythonSensor(task_id="hard", python_callable=lambda: False, poke_interval=0.2, timeout=1)
    soft = PythonSensor(
        task_id="soft", python_callable=lambda: False, poke_interval=0.2, timeout=1, soft_fail=True
    )
    hard >> EmptyOperator(task_id="below_hard")
    soft >> EmptyOperator(task_id="below_soft")
