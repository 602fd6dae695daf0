"""With wait_for_completion it ends as the other run does.

---
run: failed
tasks:
  broken: failed
  fine: success
xcoms:
  broken#trigger_run_id: waited_for
  fine#trigger_run_id: waited_for
others:
  trigger_and_wait_broken:
    run: failed
    tasks:
      fails: failed
  trigger_and_wait_fine:
    run: success
    tasks:
      work: success
    xcoms:
      work: 1
"""

from airflow.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, task

with DAG("trigger_and_wait", schedule=None):
    for name in ("fine", "broken"):
        TriggerDagRunOperator(
            task_id=name,
            trigger_dag_id=f"trigger_and_wait_{name}",
            trigger_run_id="waited_for",
            wait_for_completion=True,
            poke_interval=1,
        )

with DAG("trigger_and_wait_fine", schedule=None):

    @task
    def work():
        return 1

    work()

with DAG("trigger_and_wait_broken", schedule=None):

    @task
    def fails():
        raise ValueError("no")

    fails()
