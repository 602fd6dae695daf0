"""A name that is not defined fails the task.

---
run: failed
tasks:
  default: success
  syntax: failed
  undefined: failed
xcoms:
  default: so
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("templates_undefined", schedule=None):
    BashOperator(task_id="undefined", bash_command="echo {{ nothing_like_that }}")
    BashOperator(task_id="default", bash_command="echo {{ nothing_like_that | default('so') }}")
    BashOperator(task_id="syntax", bash_command="echo {{ ds")
