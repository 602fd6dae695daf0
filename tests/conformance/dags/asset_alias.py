"""An asset alias is filled while the task runs.

---
run: success
tasks:
  update: success
xcoms:
  update: updated
others:
  asset_alias_consumer:
    run: success
    tasks:
      consume: success
    xcoms:
      consume: [conformance_alias, conformance_made]
"""

from airflow.sdk import DAG, Asset, AssetAlias, task

with DAG("asset_alias", schedule=None):

    @task(outlets=[AssetAlias("conformance_alias")])
    def update(*, outlet_events):
        outlet_events[AssetAlias("conformance_alias")].add(
            Asset("conformance_made"), extra={"n": 1}
        )
        return "updated"

    update()

with DAG("asset_alias_consumer", schedule=AssetAlias("conformance_alias")):

    @task
    def consume(triggering_asset_events):
        return sorted(asset.name for asset in triggering_asset_events)

    consume()
