"""TriggerDagRunOperator starts a run of another DAG, with a conf, and does not wait.

---
run: success
tasks:
  trigger: success
xcoms:
  trigger#trigger_run_id: from_the_other
others:
  trigger_another_dag_target:
    run: success
    tasks:
      work: success
    xcoms:
      work: [{at: '2026-01-05', n: 5}, from_the_other, '2026-03-01']
"""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, task

with DAG("trigger_another_dag", schedule=None):
    TriggerDagRunOperator(
        task_id="trigger",
        trigger_dag_id="trigger_another_dag_target",
        conf={"n": 5, "at": "{{ ds }}"},
        trigger_run_id="from_the_other",
        logical_date="2026-03-01T00:00:00+00:00",
    )

with DAG("trigger_another_dag_target", schedule=None):

    @task
    def work(dag_run, run_id, ds):
        return [dag_run.conf, run_id, ds]

    work()
