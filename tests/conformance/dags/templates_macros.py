"""The macros, and what they do with dates and texts.

---
run: success
tasks:
  show: success
xcoms:
  show: [2026-01-10 2025-12-31, 05.01.26, '2026-01-02T00:00:00', '2026-01-08', '{"a": 1}',
    '4', 00000000-0000-0000-0000-000000000005]
"""

from airflow.sdk import DAG, task

with DAG("templates_macros", schedule=None):

    @task
    def show(texts):
        return texts

    show(
        [
            "{{ macros.ds_add(ds, 5) }} {{ macros.ds_add(ds, -5) }}",
            "{{ macros.ds_format(ds, '%Y-%m-%d', '%d.%m.%y') }}",
            "{{ macros.datetime(2026, 1, 2).isoformat() }}",
            "{{ (logical_date + macros.timedelta(days=3)) | ds }}",
            "{{ macros.json.dumps({'a': 1}) }}",
            "{{ macros.dateutil.parser.parse('2026-03-04').day }}",
            "{{ macros.uuid.UUID(int=5) }}",
        ]
    )
