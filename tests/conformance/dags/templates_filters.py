"""The filters for dates, and Jinja's own.

---
run: success
tasks:
  show: success
xcoms:
  show: ['2026-01-05', '20260105', '2026-01-05T00:00:00+00:00', 20260105T000000,
    20260105T000000+0000, A-B, '0,1,2']
"""

from airflow.sdk import DAG, task

with DAG("templates_filters", schedule=None):

    @task
    def show(texts):
        return texts

    show(
        [
            "{{ logical_date | ds }}",
            "{{ logical_date | ds_nodash }}",
            "{{ logical_date | ts }}",
            "{{ logical_date | ts_nodash }}",
            "{{ logical_date | ts_nodash_with_tz }}",
            "{{ ['a', 'b'] | join('-') | upper }}",
            "{% for n in range(3) %}{{ n }}{% if not loop.last %},{% endif %}{% endfor %}",
        ]
    )
