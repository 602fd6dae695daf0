"""An instance knows its index; its arguments may be templates.

---
run: success
tasks:
  show[0]: success
  show[1]: success
xcoms:
  show[0]: [x, 0, 2026-01-05 0]
  show[1]: [y, 1, 2026-01-05 1]
"""

from airflow.sdk import DAG, get_current_context, task

with DAG("map_context", schedule=None):

    @task(map_index_template="{{ label }}")
    def show(name, ti, text):
        get_current_context()["label"] = f"the {name}"
        return [name, ti.map_index, text]

    show.partial(text="{{ ds }} {{ ti.map_index }}").expand(name=["x", "y"])
