"""BranchPythonOperator with several ids; ids may be lists; the rest is skipped.

---
run: success
tasks:
  a: success
  b: skipped
  branch: success
  c: success
  join: success
  strict: skipped
"""

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import BranchPythonOperator

with DAG("branch_operator", schedule=None):
    branch = BranchPythonOperator(task_id="branch", python_callable=lambda: ["a", "c"])
    a, b, c = (EmptyOperator(task_id=name) for name in "abc")
    join = EmptyOperator(task_id="join", trigger_rule="none_failed")
    strict = EmptyOperator(task_id="strict")
    branch >> [a, b, c] >> join
    [b, c] >> strict
