"""Paths that older files use.

---
run: success
tasks:
  function: success
  group.bash: success
  old: success
  python: success
  start: success
xcoms:
  function: 1
  group.bash: '2026-01-05'
  old: old
  python: '2026-01-05'
"""

from airflow.decorators import task
from airflow.models.baseoperator import BaseOperator, chain
from airflow.models.dag import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import PythonOperator
from airflow.utils.task_group import TaskGroup
from airflow.utils.trigger_rule import TriggerRule


class Old(BaseOperator):
    def execute(self, context):
        return "old"


with DAG(dag_id="old_import_paths", schedule=None) as dag:
    with TaskGroup(group_id="group"):
        bash = BashOperator(task_id="bash", bash_command="echo {{ ds }}")

    @task(task_id="function")
    def function():
        return 1

    chain(
        EmptyOperator(task_id="start"),
        bash,
        function(),
        PythonOperator(task_id="python", python_callable=lambda **context: context["ds"]),
        Old(task_id="old", trigger_rule=TriggerRule.ALL_DONE),
    )
