"""Classic operators are mapped by their class.

---
run: success
tasks:
  bash[0]: success
  bash[1]: success
  bash[2]: success
  python[0]: success
  python[1]: success
xcoms:
  bash[0]: one
  bash[1]: '2026-01-05'
  bash[2]: '2'
  python[0]: 2
  python[1]: 12
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

with DAG("map_operator", schedule=None):
    bash = BashOperator.partial(task_id="bash", append_env=True).expand(
        bash_command=["echo one", "echo {{ ds }}", "echo {{ ti.map_index }}"]
    )
    python = PythonOperator.partial(task_id="python", python_callable=lambda x, y: x * y).expand(
        op_args=[[1, 2], [3, 4]]
    )
    bash >> python
