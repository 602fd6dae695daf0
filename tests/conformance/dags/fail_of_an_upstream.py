"""What needs a failed task is upstream_failed, all the way down; a run with such a leaf failed.

---
run: failed
tasks:
  a: upstream_failed
  b: upstream_failed
  beside: success
  both: upstream_failed
  broken: failed
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("fail_of_an_upstream", schedule=None):
    broken = BashOperator(task_id="broken", bash_command="exit 1")
    beside = EmptyOperator(task_id="beside")
    broken >> EmptyOperator(task_id="a") >> EmptyOperator(task_id="b")
    [broken, beside] >> EmptyOperator(task_id="both")
