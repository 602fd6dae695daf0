"""Trigger rule all_failed: every task above failed.

---
run: success
tasks:
  after_bad: success
  after_bad_skip: skipped
  after_ok: skipped
  after_ok_bad: skipped
  after_ok_bad_skip: skipped
  after_ok_skip: skipped
  after_skip: skipped
  fails: failed
  ok: success
  skips: skipped 1
"""

from itertools import combinations

from airflow.exceptions import AirflowSkipException
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

with DAG("rule_all_failed", schedule=None):

    @task
    def fails():
        raise ValueError("no")

    @task(trigger_rule="all_done")
    def skips():
        raise AirflowSkipException

    ends = {"ok": EmptyOperator(task_id="ok"), "bad": fails(), "skip": skips()}
    ends["bad"] >> ends["skip"]  # so that the order of the ends is always the same
    for count in (1, 2, 3):
        for above in combinations(ends, count):
            name = "after_" + "_".join(above)
            [ends[end] for end in above] >> EmptyOperator(task_id=name, trigger_rule="all_failed")
