"""Variables of the environment: as text, as JSON, with a default, in templates.

---
run: failed
tasks:
  missing: failed
  read: success
  templated: success
xcoms:
  read: [Oslo, {n: 3}, mine]
  templated: Oslo 3 so
"""

from airflow.sdk import DAG, Variable, task

with DAG("variables", schedule=None):

    @task
    def read():
        return [
            Variable.get("conformance_city"),
            Variable.get("conformance_json", deserialize_json=True),
            Variable.get("conformance_missing", default="mine"),
        ]

    @task
    def missing():
        return Variable.get("conformance_missing")

    @task
    def templated(text):
        return text

    read()
    missing()
    templated(
        "{{ var.value.conformance_city }} {{ var.json.conformance_json.n }} "
        "{{ var.value.get('conformance_missing', 'so') }}"
    )
