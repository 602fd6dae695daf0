"""output_processor makes something else of the last line.

---
run: success
tasks:
  bash: success
  use: success
xcoms:
  bash: {n: [1, 2]}
  use: 2
"""

import json

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, task

with DAG("bash_output_processor", schedule=None):
    bash = BashOperator(
        task_id="bash", bash_command="echo '{\"n\": [1, 2]}'", output_processor=json.loads
    )

    @task
    def use(value):
        return value["n"][1]

    use(bash.output)
