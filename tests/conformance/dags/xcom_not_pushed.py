"""do_xcom_push=False keeps the result; what the task pushes itself stays.

---
run: success
tasks:
  ask: success
  bash: success
  quiet: success
xcoms:
  ask: [null, null]
  quiet#said: 'yes'
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, task

with DAG("xcom_not_pushed", schedule=None):

    @task(do_xcom_push=False)
    def quiet(ti):
        ti.xcom_push(key="said", value="yes")
        return "kept"

    bash = BashOperator(task_id="bash", bash_command="echo hello", do_xcom_push=False)

    @task
    def ask(ti):
        return [ti.xcom_pull(task_ids="quiet"), ti.xcom_pull(task_ids="bash")]

    [quiet(), bash] >> ask()
