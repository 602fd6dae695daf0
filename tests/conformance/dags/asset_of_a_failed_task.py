"""A task that fails or is skipped does not update its asset; one that succeeds does.

---
run: success
tasks:
  bad: failed
  good: success
  skipped: skipped 1
xcoms:
  good: 1
others:
  asset_of_a_failed_task_good:
    run: success
    tasks:
      which: success
    xcoms:
      which: [conformance_good]
"""

from airflow.exceptions import AirflowSkipException
from airflow.sdk import DAG, Asset, task

BAD, SKIPPED, GOOD = (Asset(f"conformance_{name}") for name in ("bad", "skipped", "good"))

with DAG("asset_of_a_failed_task", schedule=None):

    @task(outlets=[BAD])
    def bad():
        raise ValueError("no")

    @task(outlets=[SKIPPED])
    def skipped():
        raise AirflowSkipException

    @task(outlets=[GOOD], trigger_rule="all_done")
    def good():
        return 1

    [bad(), skipped()] >> good()

with DAG("asset_of_a_failed_task_good", schedule=(GOOD | BAD | SKIPPED)):

    @task
    def which(triggering_asset_events):
        return sorted(asset.name for asset in triggering_asset_events)

    which()
