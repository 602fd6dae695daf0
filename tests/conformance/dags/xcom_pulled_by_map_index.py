"""xcom_pull picks instances of a mapped task by map_indexes.

---
run: success
tasks:
  double[0]: success
  double[1]: success
  double[2]: success
  pull: success
xcoms:
  double[0]: 2
  double[1]: 4
  double[2]: 6
  pull: {all: [2, 4, 6], one: 4, some: [6, 2]}
"""

from airflow.sdk import DAG, task

with DAG("xcom_pulled_by_map_index", schedule=None):

    @task
    def double(n):
        return n * 2

    @task
    def pull(ti):
        return {
            "all": list(ti.xcom_pull(task_ids="double")),
            "one": ti.xcom_pull(task_ids="double", map_indexes=1),
            "some": list(ti.xcom_pull(task_ids="double", map_indexes=[2, 0])),
        }

    double.expand(n=[1, 2, 3]) >> pull()
