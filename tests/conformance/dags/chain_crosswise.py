"""cross_downstream, shifts with lists, set_upstream, and labels.

---
run: success
tasks:
  a: success
  b: success
  c: success
  d: success
  e: success
  f: success
  g: success
xcoms:
  a: []
  b: []
  c: [a, b]
  d: [a, b]
  e: [c, d]
  f: [a, e]
  g: [e, f]
"""

from airflow.sdk import DAG, Label, cross_downstream, task

with DAG("chain_crosswise", schedule=None):

    @task
    def up(task):
        return sorted(task.upstream_task_ids)

    a, b, c, d, e, f, g = [up.override(task_id=name)() for name in "abcdefg"]
    cross_downstream([a, b], [c, d])
    c >> Label("yes") >> e
    d >> Label("no") >> e
    f << [e, a]
    g.set_upstream([f, e])
