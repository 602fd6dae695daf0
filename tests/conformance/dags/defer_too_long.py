"""A trigger that does not fire before the deferral's timeout fails the task.

---
run: failed
tasks:
  waits: failed
"""

from datetime import timedelta

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG, BaseOperator


class Waits(BaseOperator):
    def execute(self, context):
        self.defer(
            trigger=TimeDeltaTrigger(timedelta(hours=1)),
            method_name="resume",
            timeout=timedelta(seconds=1),
        )

    def resume(self, context, event=None):
        return "resumed"


with DAG("defer_too_long", schedule=None):
    Waits(task_id="waits")
