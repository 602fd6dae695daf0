"""chain: lists of the same length are wired pairwise; chain_linear: all with all.

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
  h: success
  i: success
  j: success
  k: success
xcoms:
  a: []
  b: [a]
  c: [a]
  d: [b]
  e: [c]
  f: [d, e]
  g: []
  h: [g]
  i: [g]
  j: [h, i]
  k: [h, i]
"""

from airflow.sdk import DAG, chain, chain_linear, task

with DAG("chain_of_lists", schedule=None):

    @task
    def up(task):
        return sorted(task.upstream_task_ids)

    def tasks(*names):
        return [up.override(task_id=name)() for name in names]

    a, b, c, d, e, f = tasks(*"abcdef")
    chain(a, [b, c], [d, e], f)
    g, h, i, j, k = tasks(*"ghijk")
    chain_linear(g, [h, i], [j, k])
