"""A question that nobody answers in time takes its default.

---
run: success
tasks:
  after: success
  ask: success
xcoms:
  after: ['yes']
  ask:
    chosen_options: ['yes']
    params_input: {}
    responded_at:
      __classname__: datetime.datetime
      __data__:
        timestamp: 1795378043.706443
        tz:
          __classname__: builtins.tuple
          __data__: [UTC, pendulum.tz.timezone.Timezone, 1, true]
          __version__: 1
      __version__: 2
    responded_by_user: null
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG, task

with DAG("hitl_default", schedule=None):
    ask = HITLOperator(
        task_id="ask",
        subject="Go on?",
        options=["yes", "no"],
        defaults=["yes"],
        response_timeout=timedelta(seconds=1),
    )

    @task
    def after(answer):
        return answer["chosen_options"]

    after(ask.output)
