"""template_fields of an operator of one's own, and what is nested in them.

---
run: success
tasks:
  greet: success
xcoms:
  greet: ['2026-01-05', {a: [templates_of_an_operator, 1], '{{ ds }}': key}, '{{ ds }}']
"""

from airflow.models import BaseOperator
from airflow.sdk import DAG


class Greeting(BaseOperator):
    template_fields = ("name", "lines")

    def __init__(self, name, lines, untouched, **kwargs):
        super().__init__(**kwargs)
        self.name, self.lines, self.untouched = name, lines, untouched

    def execute(self, context):
        return [self.name, self.lines, self.untouched]


with DAG("templates_of_an_operator", schedule=None):
    Greeting(
        task_id="greet",
        name="{{ ds }}",
        lines={"a": ["{{ dag.dag_id }}", 1], "{{ ds }}": "key"},
        untouched="{{ ds }}",
    )
