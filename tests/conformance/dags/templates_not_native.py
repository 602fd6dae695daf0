"""Without it every template is a text.

---
run: success
tasks:
  make: success
  show: success
xcoms:
  make: {a: [1, 2]}
  show: [[str, '{''a'': [1, 2]}'], [str, '3'], [int, 3]]
"""

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, task

with DAG("templates_not_native", schedule=None, params={"n": 3}):

    @task
    def make():
        return {"a": [1, 2]}

    def kinds(result, number, plain):
        return [[type(one).__name__, one] for one in (result, number, plain)]

    PythonOperator(
        task_id="show",
        python_callable=kinds,
        op_kwargs={"result": "{{ ti.xcom_pull('make') }}", "number": "{{ params.n }}", "plain": 3},
    ).set_upstream(make())
