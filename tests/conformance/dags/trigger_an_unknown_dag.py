"""A DAG that is not there fails the task.

---
run: failed
tasks:
  trigger: failed
"""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG

with DAG("trigger_an_unknown_dag", schedule=None):
    TriggerDagRunOperator(task_id="trigger", trigger_dag_id="no_such_dag_anywhere")
