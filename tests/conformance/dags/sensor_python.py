"""PythonSensor, in poke and in reschedule mode; it pokes until its function is true.

---
run: success
tasks:
  after: success
  later: success
  now: success
  ready: success
xcoms:
  after: all
  ready: 'yes'
"""

from airflow.providers.standard.sensors.python import PythonSensor
from airflow.sdk import DAG, task

with DAG("sensor_python", schedule=None):
    now = PythonSensor(task_id="now", python_callable=lambda: True, poke_interval=1)
    later = PythonSensor(
        task_id="later",
        python_callable=lambda ti: ti.xcom_pull(task_ids="ready") == "yes",
        mode="reschedule",
        poke_interval=1,
        timeout=60,
    )

    @task
    def ready():
        return "yes"

    @task
    def after():
        return "all"

    ready()
    [now, later] >> after()
