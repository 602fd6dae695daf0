"""Operators and task functions mix: `.output` of an operator is an argument.

---
run: success
tasks:
  echo: success
  halve: success
  last: success
  squared: success
xcoms:
  echo: got 24
  halve: 24
  last: GOT 24
  squared: 49
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, task

with DAG("taskflow_with_operators", schedule=None):

    def square(n):
        return n * n

    squared = PythonOperator(task_id="squared", python_callable=square, op_args=[7])

    @task
    def halve(n):
        return n // 2

    half = halve(squared.output)
    echo = BashOperator(
        task_id="echo",
        bash_command="echo got $N",
        env={"N": "{{ ti.xcom_pull('halve') }}"},
        append_env=True,
    )
    half >> echo

    @task
    def last(text):
        return text.upper()

    last(echo.output)
