"""A group's teardown does not hold up what follows the group.

---
run: success
tasks:
  after: success
  group.create: success
  group.delete: failed
  group.work: success
xcoms:
  after: [group.work]
  group.create: 1
  group.work: 2
"""

from airflow.sdk import DAG, TaskGroup, setup, task, teardown

with DAG("teardown_of_a_group", schedule=None):

    @setup
    def create():
        return 1

    @task
    def work():
        return 2

    @teardown
    def delete():
        raise ValueError("no")

    @task
    def after(task):
        return sorted(task.upstream_task_ids)

    with TaskGroup("group") as group:
        create() >> work() >> delete()
    group >> after()
