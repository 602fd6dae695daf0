"""A function that is annotated to return a dict has an XCom for each key, unless it says otherwise.

---
run: success
tasks:
  add: success
  lower: success
  mapping: success
  plain: success
  whole: success
xcoms:
  add: 6
  lower: {x: 1, y: 2}
  lower#x: 1
  lower#y: 2
  mapping: {z: [3]}
  mapping#z: [3]
  plain: {x: 1}
  whole: {x: 1, y: 2}
"""

from typing import Any

from airflow.sdk import DAG, task

with DAG("taskflow_outputs_by_annotation", schedule=None):

    @task
    def lower() -> dict[str, int]:
        return {"x": 1, "y": 2}

    @task
    def mapping() -> dict[str, Any]:
        return {"z": [3]}

    @task(multiple_outputs=False)
    def whole() -> dict[str, int]:
        return {"x": 1, "y": 2}

    @task
    def plain():
        return {"x": 1}

    @task
    def add(x, y, z):
        return x + y + z[0]

    pair = lower()
    add(pair["x"], pair["y"], mapping()["z"])
    whole()
    plain()
