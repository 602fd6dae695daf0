"""A conf that the params' schema refuses starts no run.

---
conf: {n: many}
refused: true
"""

from airflow.sdk import DAG, Param, task

with DAG("params_that_the_schema_refuses", schedule=None, params={"n": Param(1, type="integer")}):

    @task
    def show(params):
        return params["n"]

    show()
