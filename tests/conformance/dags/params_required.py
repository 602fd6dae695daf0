"""A param without a default has to be given.

---
refused: true
"""

from airflow.sdk import DAG, Param, task

with DAG("params_required", schedule=None, params={"name": Param(type="string")}):

    @task
    def show(params):
        return params["name"]

    show()
