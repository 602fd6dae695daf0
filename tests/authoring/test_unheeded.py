"""What is taken and has no effect yet is said, with file and line; what is not asked for is not."""

from __future__ import annotations

from typing import Any

import pytest

from penstock import DAG, BashOperator, EmptyOperator
from penstock.authoring.making import known_to
from penstock.authoring.operator import BaseOperator
from penstock.authoring.serialize import serialize
from penstock.authoring.unheeded import OF_DAGS, OF_TASKS

ASKED: dict[str, Any] = {
    "inlets": ["s3://raw"],
    "outlets": ["s3://clean"],
    "email": "me@example.org",
    "run_as_user": "nobody",
    "executor": "celery",
    "executor_config": {"memory": "2G"},
    "resources": {"cpus": 2},
    "retry_policy": object(),
}
ASKED_OF_DAG: dict[str, Any] = {
    "max_consecutive_failed_dag_runs": 3,
    "deadline": object(),
    "access_control": {"team": {"can_read"}},
    "allowed_run_types": ["manual"],
}


def warned(**of_task: Any) -> tuple[str, ...]:
    with DAG("nightly") as dag:
        EmptyOperator(task_id="load", **of_task)
    return serialize(dag).warnings


@pytest.mark.parametrize("name", OF_TASKS)
def test_an_argument_of_a_task_is_said_with_its_place(name: str) -> None:
    (sentence,) = warned(**{name: ASKED[name]})
    assert sentence.startswith(f"{__file__}:")
    assert f"task 'load': {name!r} has no effect yet; {OF_TASKS[name]}." in sentence


@pytest.mark.parametrize("name", OF_DAGS)
def test_an_argument_of_a_dag_is_said_with_its_place(name: str) -> None:
    with DAG("nightly", **{name: ASKED_OF_DAG[name]}) as dag:
        EmptyOperator(task_id="load")
    (sentence,) = serialize(dag).warnings
    assert sentence.startswith(f"{__file__}:")
    assert f"DAG 'nightly': {name!r} has no effect yet" in sentence


def test_the_usual_default_args_of_airflow_warn_of_nothing() -> None:
    assert not warned(
        owner="airflow",
        depends_on_past=False,
        email=["airflow@example.com"],
        email_on_failure=False,
        email_on_retry=False,
        retries=1,
    )


def test_default_args_are_said_once_however_many_tasks_they_reach() -> None:
    with DAG("nightly", default_args={"run_as_user": "nobody"}) as dag:
        for n in range(5):
            EmptyOperator(task_id=f"t{n}")
    (sentence,) = serialize(dag).warnings
    assert "task 't0' (and 4 more of DAG 'nightly'): 'run_as_user'" in sentence


def test_a_mapped_task_is_told_of_as_any_other() -> None:
    with DAG("nightly") as dag:
        BashOperator.partial(task_id="load", executor="celery").expand(bash_command=["a", "b"])
    assert [line.partition(": ")[2][:31] for line in serialize(dag).warnings] == [
        "task 'load': 'executor' has no "
    ]


def test_the_table_names_arguments_that_there_are() -> None:
    assert OF_TASKS.keys() <= known_to(BaseOperator)
