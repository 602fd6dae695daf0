"""Variables: read, set and deleted by tasks, in their threads too; masked if they are secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from penstock import DAG, Variable, task
from penstock.authoring.exceptions import AirflowNotFoundException, AirflowRuntimeError
from tests.authoring.world import World, run_dag


def within(work: Callable[[], Any], **variables: str) -> World:
    """Return the world after a task has done `work`, raising what it raised."""
    with DAG("d", schedule=None) as dag:
        task(task_id="work")(work)()
    world = World(variables=variables)
    run_dag(dag, world=world)
    if ("work", -1) in world.errors:
        raise world.errors["work", -1]
    return world


def test_a_task_sets_lists_and_deletes_variables() -> None:
    def work() -> Any:
        Variable.set("n", 3)
        Variable.set("limits", {"n": 3}, description="of the lake", serialize_json=True)
        Variable.delete("gone")
        Variable.delete("never was")
        Variable.update("n", 4)
        return [
            Variable.get("n"),
            Variable.get("limits", deserialize_json=True),
            Variable.setdefault("limits", {}, deserialize_json=True),
            Variable.setdefault("new", "made"),
            list(Variable.keys("li")),
        ]

    world = within(work, gone="x")
    assert world.value("work") == ["4", {"n": 3}, {"n": 3}, "made", ["limits"]]
    assert "gone" not in world.variables
    assert json.loads(world.variables["limits"]) == {"n": 3}


def test_a_thread_that_a_task_started_reads_them_too() -> None:
    def work() -> Any:
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(Variable.get("region")))
        thread.start()
        thread.join()
        return found

    assert within(work, region="eu").value("work") == ["eu"]


def test_one_that_is_not_there_is_told_as_in_airflow_2_and_3() -> None:
    for kind in (KeyError, AirflowRuntimeError, AirflowNotFoundException):
        with pytest.raises(kind, match="there is no variable 'absent'"):
            within(lambda: Variable.get("absent"))
    with pytest.raises(KeyError):
        within(lambda: Variable.update("absent", 1))
    assert within(lambda: Variable.get("absent", default_var=3)).value("work") == 3
    assert within(lambda: [Variable.get("absent", None)]).value("work") == [None]


def test_what_is_no_json_says_so_without_showing_it() -> None:
    with pytest.raises(json.JSONDecodeError, match="the variable 'x_token' is no JSON") as caught:
        within(lambda: Variable.get("x_token", deserialize_json=True), x_token="hunter2")
    assert "hunter2" not in str(caught.value)


def test_outside_of_a_task_nothing_is_set() -> None:
    for change in (lambda: Variable.set("k", "v"), lambda: Variable.delete("k"), Variable.keys):
        with pytest.raises(AirflowRuntimeError, match="while a task runs"):
            change()


def test_what_is_secret_by_its_key_or_within_is_masked() -> None:
    def work() -> None:
        Variable.get("db_password")
        Variable.get("region")
        Variable.get("service")
        Variable.get("absent_secret", default="fallback-secret")
        Variable.set("new_token", "tok-12345")

    world = within(
        work,
        db_password="hunter2-s3cret",
        region="europe-west",
        service='{"host": "example", "token": "tok-abcdef"}',
    )
    expected = ["hunter2-s3cret", "tok-abcdef", "fallback-secret", "tok-12345"]
    assert world.masked == expected


def test_the_environment_s_are_masked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_DB_PASSWORD", "hunter2-env")
    world = within(lambda: Variable.get("db_password"))
    assert world.masked == ["hunter2-env"]
