"""A command that ends in .sh is a template file beside the DAG file.

---
run: success
tasks:
  command: success
  script: success
xcoms:
  command: templates_file.sh
  script: hello you on 2026-01-05
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("templates_file", schedule=None, params={"who": "you"}):
    BashOperator(task_id="script", bash_command="templates_file.sh")
    BashOperator(task_id="command", bash_command="echo 'templates_file.sh' ")
