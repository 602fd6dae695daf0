"""@asset: a function that is a DAG of one task, and an asset.

---
run: success
tasks:
  asset_function: success
xcoms:
  asset_function: asset_function
"""

from airflow.sdk import asset


@asset(schedule=None, name="asset_function")
def asset_function(self):
    return self.name
