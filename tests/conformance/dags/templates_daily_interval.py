"""A run by hand of a daily DAG has the logical date as both ends of its interval.

---
logical_date: 2026-02-03T04:05:06+00:00
run: success
tasks:
  show: success
xcoms:
  show: ['2026-02-03 04:05:06+00:00', '2026-02-03 04:05:06+00:00']
"""

import pendulum
from airflow.sdk import DAG, task

with DAG(
    "templates_daily_interval",
    schedule="@daily",
    start_date=pendulum.datetime(2020, 1, 1),
    catchup=False,
):

    @task
    def show(start, end):
        return [start, end]

    show("{{ data_interval_start }}", "{{ data_interval_end }}")
