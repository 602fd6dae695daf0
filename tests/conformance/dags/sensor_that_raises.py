"""An exception in poke fails the sensor; with never_fail it is skipped.

---
run: failed
tasks:
  hard: failed
  never: skipped 1
  soft: failed
"""

from airflow.providers.standard.sensors.python import PythonSensor
from airflow.sdk import DAG


def broken():
    raise ValueError("no")


with DAG("sensor_that_raises", schedule=None):
    PythonSensor(task_id="hard", python_callable=broken, poke_interval=0.2, timeout=5)
    PythonSensor(
        task_id="soft", python_callable=broken, poke_interval=0.2, timeout=5, soft_fail=True
    )
    PythonSensor(
        task_id="never", python_callable=broken, poke_interval=0.2, timeout=5, never_fail=True
    )
