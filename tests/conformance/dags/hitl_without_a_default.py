"""A question without a default that nobody answers in time fails.

---
run: failed
tasks:
  ask: failed
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG

with DAG("hitl_without_a_default", schedule=None):
    HITLOperator(
        task_id="ask",
        subject="Go on?",
        options=["yes", "no"],
        execution_timeout=timedelta(seconds=2),
    )
