"""A task that updates an asset starts a run of the DAG that is scheduled on it.

---
run: success
tasks:
  update: success
xcoms:
  update: updated
others:
  asset_schedule_consumer:
    run: success
    tasks:
      consume: success
    xcoms:
      consume: [1, {rows: 3}, asset_triggered, null]
"""

from airflow.sdk import DAG, Asset, task

ORDERS = Asset("conformance_orders")

with DAG("asset_schedule", schedule=None):

    @task(outlets=[ORDERS])
    def update(*, outlet_events):
        outlet_events[ORDERS].extra = {"rows": 3}
        return "updated"

    update()

with DAG("asset_schedule_consumer", schedule=[ORDERS]):

    @task
    def consume(triggering_asset_events, dag_run):
        events = triggering_asset_events[ORDERS]
        return [len(events), events[0].extra, dag_run.run_type, dag_run.logical_date]

    consume()
