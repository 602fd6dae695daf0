"""DateTimeSensor, TimeDeltaSensor and DayOfWeekSensor, for moments that have passed.

---
run: success
tasks:
  delta: success
  moment: success
  monday: success
  sunday: skipped 1
"""

from datetime import timedelta

from airflow.providers.standard.sensors.date_time import DateTimeSensor
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.providers.standard.sensors.weekday import DayOfWeekSensor
from airflow.sdk import DAG

with DAG("sensor_of_times", schedule=None):
    DateTimeSensor(task_id="moment", target_time="{{ logical_date }}", poke_interval=1)
    TimeDeltaSensor(task_id="delta", delta=timedelta(minutes=5), poke_interval=1)
    DayOfWeekSensor(
        task_id="monday", week_day="Monday", use_task_logical_date=True, poke_interval=1
    )
    DayOfWeekSensor(
        task_id="sunday",
        week_day="Sunday",
        use_task_logical_date=True,
        poke_interval=0.2,
        timeout=1,
        soft_fail=True,
    )
