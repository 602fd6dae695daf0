"""on_failure_fail_dagrun: the teardown counts.

---
run: failed
tasks:
  create: success
  delete: failed
  work: success
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("teardown_that_fails_the_run", schedule=None):
    create = EmptyOperator(task_id="create").as_setup()
    work = EmptyOperator(task_id="work")
    delete = BashOperator(task_id="delete", bash_command="exit 1").as_teardown(
        setups=create, on_failure_fail_dagrun=True
    )
    create >> work >> delete
