"""Exit code 99 skips, others fail; skip_on_exit_code names other ones.

---
run: failed
tasks:
  bad: failed
  fine: success
  never: failed
  not_any_more: failed
  skip: skipped 1
  skip_own: skipped 1
xcoms:
  fine: ''
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("bash_exit_codes", schedule=None):
    BashOperator(task_id="fine", bash_command="exit 0")
    BashOperator(task_id="bad", bash_command="exit 3")
    BashOperator(task_id="skip", bash_command="exit 99")
    BashOperator(task_id="skip_own", bash_command="exit 7", skip_on_exit_code=[7, 8])
    BashOperator(task_id="not_any_more", bash_command="exit 99", skip_on_exit_code=7)
    BashOperator(task_id="never", bash_command="exit 99", skip_on_exit_code=None)
