"""A teardown that fails does not fail the run, unless it is asked to.

---
run: success
tasks:
  create: success
  delete: failed
  work: success
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("teardown_that_fails", schedule=None):
    create = EmptyOperator(task_id="create").as_setup()
    work = EmptyOperator(task_id="work")
    delete = BashOperator(task_id="delete", bash_command="exit 1").as_teardown(setups=create)
    create >> work >> delete
