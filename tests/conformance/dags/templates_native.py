"""render_template_as_native_obj: a template's value keeps its type.

---
run: success
tasks:
  make: success
  show: success
xcoms:
  make: {a: [1, 2]}
  show: [[dict, {a: [1, 2]}], [int, 3], [int, 4], [str, n is 3], [list, [1, 3]]]
"""

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, task

with DAG("templates_native", schedule=None, render_template_as_native_obj=True, params={"n": 3}):

    @task
    def make():
        return {"a": [1, 2]}

    def kinds(result, number, sum, text, listed):
        return [[type(one).__name__, one] for one in (result, number, sum, text, listed)]

    PythonOperator(
        task_id="show",
        python_callable=kinds,
        op_kwargs={
            "result": "{{ ti.xcom_pull('make') }}",
            "number": "{{ params.n }}",
            "sum": "{{ params.n + 1 }}",
            "text": "n is {{ params.n }}",
            "listed": "[1, {{ params.n }}]",
        },
    ).set_upstream(make())
