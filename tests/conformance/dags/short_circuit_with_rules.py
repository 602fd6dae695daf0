"""With ignore_downstream_trigger_rules=False only direct tasks are skipped; rules decide the rest.

---
run: success
tasks:
  a: skipped
  always: success
  b: skipped
  check: success
  strict: skipped
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.sdk import DAG, chain

with DAG("short_circuit_with_rules", schedule=None):
    check = ShortCircuitOperator(
        task_id="check", python_callable=lambda: False, ignore_downstream_trigger_rules=False
    )
    chain(
        check,
        [EmptyOperator(task_id="a"), EmptyOperator(task_id="b")],
        EmptyOperator(task_id="strict"),
        EmptyOperator(task_id="always", trigger_rule="all_done"),
    )
