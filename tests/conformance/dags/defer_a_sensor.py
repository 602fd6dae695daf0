"""Deferrable sensors end as the others do.

---
run: success
tasks:
  after: success
  delta: success
  moment: success
xcoms:
  after: both
  delta: true
"""

from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import DAG, task

with DAG("defer_a_sensor", schedule=None):
    from datetime import timedelta

    moment = DateTimeSensorAsync(task_id="moment", target_time="{{ logical_date }}")
    delta = TimeDeltaSensor(task_id="delta", delta=timedelta(seconds=1), deferrable=True)

    @task
    def after():
        return "both"

    [moment, delta] >> after()
