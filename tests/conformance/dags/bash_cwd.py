"""cwd is where the command runs; one that is not there fails the task.

---
run: failed
tasks:
  missing: failed
  pipe: success
  root: success
xcoms:
  pipe: ''
  root: /usr
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("bash_cwd", schedule=None):
    BashOperator(task_id="root", bash_command="pwd", cwd="/usr")
    BashOperator(task_id="missing", bash_command="pwd", cwd="/no/such/folder")
    BashOperator(task_id="pipe", bash_command="false | true")
