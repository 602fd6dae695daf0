"""`with` a teardown: all tasks made within have its setup above and it below.

---
run: success
tasks:
  create: success
  delete: success
  work: success
xcoms:
  create: 1
  delete: gone
  work: [[create], [delete]]
"""

from airflow.sdk import DAG, setup, task, teardown

with DAG("setup_as_a_context", schedule=None):

    @setup
    def create():
        return 1

    @task
    def work(task):
        return [sorted(task.upstream_task_ids), sorted(task.downstream_task_ids)]

    @teardown
    def delete():
        return "gone"

    with delete().as_teardown(setups=create()):
        work()
