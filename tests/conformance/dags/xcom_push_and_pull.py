"""XComs by key, from one task or several; what is not there is None.

---
run: success
tasks:
  first: success
  pull: success
  second: success
xcoms:
  first: 1
  first#colour: red
  first#size: [1, {deep: null}]
  pull:
    key: red
    missing: null
    no_task: null
    several: [1, 2]
    size:
    - 1
    - {deep: null}
    value: 1
  second: 2
"""

from airflow.sdk import DAG, task

with DAG("xcom_push_and_pull", schedule=None):

    @task
    def first(ti):
        ti.xcom_push(key="colour", value="red")
        ti.xcom_push(key="size", value=[1, {"deep": None}])
        return 1

    @task
    def second():
        return 2

    @task
    def pull(ti):
        return {
            "value": ti.xcom_pull(task_ids="first"),
            "key": ti.xcom_pull(task_ids="first", key="colour"),
            "several": list(ti.xcom_pull(task_ids=["first", "second"])),
            "size": ti.xcom_pull(key="size", task_ids="first"),
            "missing": ti.xcom_pull(task_ids="first", key="nothing"),
            "no_task": ti.xcom_pull(task_ids="second", key="colour"),
        }

    [first(), second()] >> pull()
