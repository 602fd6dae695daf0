"""A failure above a leaf that runs all the same does not fail the run.

---
run: success
tasks:
  broken: failed
  leaf: success
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("run_state_is_its_leaves", schedule=None):
    BashOperator(task_id="broken", bash_command="false") >> EmptyOperator(
        task_id="leaf", trigger_rule="all_done"
    )
