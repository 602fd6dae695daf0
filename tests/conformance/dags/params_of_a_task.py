"""A task's params go over its DAG's, conf over both.

---
conf: {c: 30}
run: success
tasks:
  dags: success
  own: success
xcoms:
  dags: [1, 1, 30]
  own: [1, 2, 30]
"""

from airflow.sdk import DAG, task

with DAG("params_of_a_task", schedule=None, params={"a": 1, "b": 1, "c": 1}):

    @task(params={"b": 2, "c": 2})
    def own(params):
        return [params["a"], params["b"], params["c"]]

    @task
    def dags(params):
        return [params["a"], params["b"], params["c"]]

    own()
    dags()
