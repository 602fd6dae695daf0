"""An operator defers to a trigger and goes on in the method that it named.

---
run: success
tasks:
  after: success
  waits: success
xcoms:
  after: kept
  waits: [kept, true, 1]
"""

from datetime import timedelta

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG, BaseOperator, task


class Waits(BaseOperator):
    def execute(self, context):
        self.defer(
            trigger=TimeDeltaTrigger(timedelta(seconds=0.2)),
            method_name="resume",
            kwargs={"given": "kept"},
        )

    def resume(self, context, event=None, given=None):
        return [given, event is not None, context["ti"].try_number]


with DAG("defer_and_resume", schedule=None):

    @task
    def after(value):
        return value[0]

    after(Waits(task_id="waits").output)
