"""Defaults: enums, arrays, objects, null, booleans; conf gives one of them.

---
conf: {colour: blue}
run: success
tasks:
  show: success
xcoms:
  show: {colour: blue, day: '2026-01-01', flag: true, many: [1, 2], maybe: null, thing: {k: v}}
"""

from airflow.sdk import DAG, Param, task

with DAG(
    "params_of_many_kinds",
    schedule=None,
    params={
        "colour": Param("red", enum=["red", "blue"]),
        "many": Param([1, 2], type="array", items={"type": "number"}),
        "thing": Param({"k": "v"}, type=["object", "null"]),
        "maybe": Param(None, type=["null", "string"]),
        "flag": Param(True, type="boolean"),
        "day": Param("2026-01-01", type="string", format="date"),
    },
):

    @task
    def show(params):
        return {key: params[key] for key in sorted(params)}

    show()
