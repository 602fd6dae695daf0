"""ExternalTaskSensor waits for a task of a run with the same logical date.

---
run: failed
tasks:
  broken: failed
  fails_with_it: failed
  skips_with_it: skipped 1
  waits: success
  work: success
xcoms:
  work: 1
"""

from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from airflow.sdk import DAG, task

with DAG("sensor_of_another_task", schedule=None):

    @task
    def work():
        return 1

    @task
    def broken():
        raise ValueError("no")

    work()
    broken()
    ExternalTaskSensor(
        task_id="waits",
        external_dag_id="sensor_of_another_task",
        external_task_id="work",
        poke_interval=1,
        timeout=60,
    )
    ExternalTaskSensor(
        task_id="fails_with_it",
        external_dag_id="sensor_of_another_task",
        external_task_id="broken",
        failed_states=["failed"],
        poke_interval=1,
        timeout=60,
    )
    ExternalTaskSensor(
        task_id="skips_with_it",
        external_dag_id="sensor_of_another_task",
        external_task_id="broken",
        skipped_states=["failed"],
        poke_interval=1,
        timeout=60,
        mode="reschedule",
    )
