"""The date variables of a run that was triggered by hand with a logical date.

---
logical_date: 2026-02-03T04:05:06+00:00
run: success
tasks:
  show: success
xcoms:
  show: [2026-02-03 20260203, '2026-02-03T04:05:06+00:00 20260203T040506 20260203T040506+0000',
    '2026-02-03 04:05:06+00:00', '2026-02-03 04:05:06+00:00', '2026-02-03T04:05:06+00:00',
    conformance_1 conformance_1, templates_dates show show 1, templates_dates__show__20260203]
"""

from airflow.sdk import DAG, task

with DAG("templates_dates", schedule=None):

    @task
    def show(date, stamp, moment, start, end, run, where, key):
        return [date, stamp, moment, start, end, run, where, key]

    show(
        date="{{ ds }} {{ ds_nodash }}",
        stamp="{{ ts }} {{ ts_nodash }} {{ ts_nodash_with_tz }}",
        moment="{{ logical_date }}",
        start="{{ data_interval_start }}",
        end="{{ data_interval_end | ts }}",
        run="{{ run_id }} {{ dag_run.run_id }}",
        where="{{ dag.dag_id }} {{ task.task_id }} {{ ti.task_id }} {{ task_instance.try_number }}",
        key="{{ task_instance_key_str }}",
    )
