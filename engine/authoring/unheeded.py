"""Arguments of Airflow's that are taken here and change nothing yet, and what they would have done.

A file that has them runs, but otherwise than its author means; so each is a warning that names the
argument and its place. Whatever gives an argument its effect takes its line out of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from penstock.authoring.dag import DAG

OF_TASKS: dict[str, str] = {
    "inlets": "the task would be told of what happened to these assets",
    "outlets": "the task's success would be told as an update of these assets",
    "email": "mail would be sent when the task fails or is tried again",
    "run_as_user": "the task would run as this user of the system",
    "executor": "this executor would run the task",
    "executor_config": "the executor would be given these settings",
    "resources": "so much of the machine would be set apart for the task",
    "retry_policy": "the policy would say whether a failed try is followed by another",
}

OF_DAGS: dict[str, str] = {
    "max_consecutive_failed_dag_runs": "the DAG would be paused after so many failed runs in a row",
    "deadline": "a run that is late would be told of",
    "access_control": "roles would say who may see and start the DAG",
    "allowed_run_types": "runs of any other type would be refused",
}


def warnings(dag: DAG, tasks: Iterable[Any]) -> Iterator[str]:
    """Yield a sentence for each such argument, with the file and line of who has it first."""
    for name, would in OF_DAGS.items():
        if getattr(dag, name):
            yield _sentence(dag, f"DAG {dag.dag_id!r}", name, would)
    several = list(tasks)
    for name, would in OF_TASKS.items():
        found = [task for task in several if _has(task, name)]
        if found:
            more = f" (and {len(found) - 1} more of DAG {dag.dag_id!r})" if found[1:] else ""
            yield _sentence(found[0], f"task {found[0].task_id!r}{more}", name, would)


def _sentence(where: Any, who: str, name: str, would: str) -> str:
    return f"{where.place}: {who}: {name!r} has no effect yet; {would}."


def _has(task: Any, name: str) -> bool:
    """Whether the author asked for it; what follows from another argument is said with that."""
    if name == "email" and not (task.email_on_failure or task.email_on_retry):
        return False
    return bool(getattr(task, name))
