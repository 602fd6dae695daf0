"""conf goes over the DAG's params; what conf alone has is there, too.

---
conf: {extra: [1], n: 5}
run: success
tasks:
  show: success
  templated: success
xcoms:
  show: [5, Oslo, [1], {extra: [1], n: 5}]
  templated: 5 Oslo 5
"""

from airflow.sdk import DAG, Param, task

with DAG(
    "params_and_conf",
    schedule=None,
    params={"n": Param(1, type="integer", minimum=0), "city": "Oslo"},
):

    @task
    def show(params, dag_run):
        return [params["n"], params["city"], params.get("extra"), dag_run.conf]

    @task
    def templated(text):
        return text

    show()
    templated("{{ params.n }} {{ params.city }} {{ dag_run.conf.get('n') }}")
