"""Trigger rule all_done: every task above is over.

---
run: success
tasks:
  after_bad: success
  after_bad_skip: success
  after_ok: success
  after_ok_bad: success
  after_ok_bad_skip: success
  after_ok_skip: success
  after_skip: success
  fails: failed
  ok: success
  skips: skipped 1
"""

from itertools import combinations

from airflow.exceptions import AirflowSkipException
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

with DAG("rule_all_done", schedule=None):

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
            [ends[end] for end in above] >> EmptyOperator(task_id=name, trigger_rule="all_done")
