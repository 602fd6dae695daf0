"""BashSensor: exit 0 is done, another "not yet".

---
run: failed
tasks:
  done: success
  not_yet: skipped 1
  retry_code: failed
"""

from airflow.providers.standard.sensors.bash import BashSensor
from airflow.sdk import DAG

with DAG("sensor_bash", schedule=None):
    BashSensor(task_id="done", bash_command="echo {{ ds }}", poke_interval=1)
    BashSensor(
        task_id="not_yet", bash_command="exit 99", poke_interval=0.2, timeout=1, soft_fail=True
    )
    BashSensor(
        task_id="retry_code", bash_command="exit 1", retry_exit_code=7, poke_interval=0.2, timeout=5
    )
