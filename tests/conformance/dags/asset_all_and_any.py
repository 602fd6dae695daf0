"""Assets joined with & and |: the run starts once all that is needed was updated.

---
run: success
tasks:
  first: success
  second: success
xcoms:
  first: 1
  second: 2
others:
  asset_all_and_any_both:
    run: success
    tasks:
      which: success
    xcoms:
      which: ['conformance://a/', 'conformance://c/']
"""

from airflow import Dataset
from airflow.sdk import DAG, task

A, B, C = (Dataset(f"conformance://{name}") for name in "abc")

with DAG("asset_all_and_any", schedule=None):

    @task(outlets=[A])
    def first():
        return 1

    @task(outlets=[C])
    def second():
        return 2

    first() >> second()

with DAG("asset_all_and_any_both", schedule=(A & (B | C))):

    @task
    def which(triggering_asset_events):
        return sorted(asset.uri for asset in triggering_asset_events)

    which()
