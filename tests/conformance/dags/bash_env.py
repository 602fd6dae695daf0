"""env replaces the environment, unless append_env; both are templated.

---
run: success
tasks:
  alone: success
  both: success
xcoms:
  alone: none Oslo 2026-01-05
  both: Oslo bash_env both
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("bash_env", schedule=None):
    BashOperator(
        task_id="alone", bash_command="echo ${HOME:-none} $CITY", env={"CITY": "Oslo {{ ds }}"}
    )
    BashOperator(
        task_id="both",
        bash_command='test -n "$PATH" && echo $CITY $AIRFLOW_CTX_DAG_ID $AIRFLOW_CTX_TASK_ID',
        env={"CITY": "Oslo"},
        append_env=True,
    )
