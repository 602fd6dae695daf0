"""PythonOperator's templates_dict is rendered and handed over as an argument.

---
run: success
tasks:
  show: success
xcoms:
  show: [templates_dict, '2026-01-05', '2026-01-05T00:00:00+00:00', '20260105']
"""

from airflow import DAG
from airflow.operators.python import PythonOperator

with DAG("templates_dict", schedule=None):

    def show(first, ds, templates_dict, named=None):
        return [first, ds, templates_dict["at"], named]

    PythonOperator(
        task_id="show",
        python_callable=show,
        op_args=["{{ dag.dag_id }}"],
        op_kwargs={"named": "{{ ds_nodash }}"},
        templates_dict={"at": "{{ ts }}"},
    )
