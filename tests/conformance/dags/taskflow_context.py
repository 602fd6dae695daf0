"""A task has its context by argument name, as keyword arguments, and by get_current_context.

---
run: success
tasks:
  by_call: success
  by_keywords: success
  by_name: success
  mixed: success
xcoms:
  by_call: [taskflow_context, conformance_1, 1]
  by_keywords: ['2026-01-05', taskflow_context, by_keywords]
  by_name: ['2026-01-05', Oslo, by_name, conformance_1]
  mixed: [here, taskflow_context, '2026-01-05T00:00:00+00:00']
"""

from airflow.sdk import DAG, get_current_context, task

with DAG("taskflow_context", schedule=None, params={"city": "Oslo"}):

    @task
    def by_name(ds, params, ti, run_id=None):
        return [ds, params["city"], ti.task_id, run_id]

    @task
    def by_keywords(**context):
        return [context["ds"], context["dag"].dag_id, context["task"].task_id]

    @task
    def by_call():
        context = get_current_context()
        return [context["ti"].dag_id, context["dag_run"].run_id, context["ti"].try_number]

    @task
    def mixed(given, dag_run=None, **context):
        return [given, dag_run.dag_id, context["logical_date"].isoformat()]

    by_name()
    by_keywords()
    by_call()
    mixed("here")
