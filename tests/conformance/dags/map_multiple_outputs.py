"""A mapped task with multiple outputs: a key's values gathered.

---
run: success
tasks:
  both[0]: success
  both[1]: success
  gather: success
xcoms:
  both[0]: {n: 2, square: 4}
  both[0]#n: 2
  both[0]#square: 4
  both[1]: {n: 3, square: 9}
  both[1]#n: 3
  both[1]#square: 9
  gather: [4, 9]
"""

from airflow.sdk import DAG, task

with DAG("map_multiple_outputs", schedule=None):

    @task(multiple_outputs=True)
    def both(n):
        return {"n": n, "square": n * n}

    @task
    def gather(ti):
        return list(ti.xcom_pull(task_ids="both", key="square"))

    both.expand(n=[2, 3]) >> gather()
