"""@task.sensor pokes until it is true; a PokeReturnValue has an XCom.

---
run: success
tasks:
  use: success
  wait: success
xcoms:
  use: 6
  wait: {found: 3}
"""

from airflow.sdk import DAG, PokeReturnValue, task

with DAG("taskflow_sensor", schedule=None):

    @task.sensor(poke_interval=1, timeout=60, mode="poke")
    def wait() -> PokeReturnValue:
        return PokeReturnValue(is_done=True, xcom_value={"found": 3})

    @task
    def use(value):
        return value["found"] * 2

    use(wait())
