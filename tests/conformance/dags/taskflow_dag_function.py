"""The arguments of a @dag function are the DAG's params.

---
conf: {who: you}
run: success
tasks:
  greet: success
xcoms:
  greet: hello you 3
"""

from airflow.sdk import dag, task


@dag(schedule=None, dag_id="taskflow_dag_function")
def make(who="world", times=2):
    @task
    def greet(name, count):
        return f"hello {name} {count + 1}"

    greet(who, times)


make()
