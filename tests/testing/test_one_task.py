"""One task of a DAG, whatever it depends on; and its templates, without running it."""

from __future__ import annotations

from typing import Any

import pytest

from penstock import DAG, BashOperator, Variable, task
from penstock.testing import render_task, run_task
from penstock.testing.trying import TrialError


@pytest.fixture
def dag() -> DAG:
    with DAG("etl", params={"depth": 3}) as dag:

        @task
        def extract() -> list[int]:
            raise AssertionError("nobody asked for this one")

        @task(pool="gpu", retries=5)
        def train(rows: list[int], params: Any = None) -> dict[str, int]:
            print("training with", Variable.get("region"))
            return {"rows": len(rows), "depth": params["depth"]}

        @task
        def each(x: int, y: str) -> str:
            return y * x

        rows = extract()
        train(rows)
        each.expand(x=rows, y=["a", "b"])
        BashOperator(
            task_id="say", bash_command="echo {{ ds }} {{ ti.xcom_pull('extract') | length }}"
        )
    return dag


def test_what_is_above_it_is_given(dag: DAG) -> None:
    found = run_task(
        dag, "train", xcoms={"extract": [1, 2]}, conf={"depth": 7}, variables={"region": "eu"}
    )
    assert (found.state, found.xcom) == ("success", {"rows": 2, "depth": 7})
    assert "training with eu" in found.log


def test_it_is_tried_once(dag: DAG) -> None:
    found = run_task(dag, "train", xcoms={"extract": [1]})
    assert (found.state, found.try_number) == ("failed", 1)
    assert "there is no variable 'region'" in found.reason


def test_a_mapped_task_has_all_its_instances_or_the_one_that_is_named(dag: DAG) -> None:
    assert run_task(dag, "each", xcoms={"extract": [1, 2]}).xcom == ["a", "b", "aa", "bb"]
    one = run_task(dag, "each", map_index=2, xcoms={"extract": [1, 2]})
    assert (one.xcom, len(one)) == ("aa", 1)


def test_what_cannot_be_known_is_asked_for(dag: DAG) -> None:
    with pytest.raises(TrialError, match=r"say what that is, as xcoms=\{\"extract\""):
        run_task(dag, "each")
    with pytest.raises(TrialError, match="map indexes 0 to 3, not 4"):
        run_task(dag, "each", map_index=4, xcoms={"extract": [1, 2]})
    with pytest.raises(TrialError, match="is not mapped"):
        run_task(dag, "train", map_index=0, xcoms={"extract": [1]})
    with pytest.raises(TrialError, match="no task 'load'"):
        run_task(dag, "load")
    with pytest.raises(TrialError, match="say which instance, 0 to 3"):
        render_task(dag, "each", xcoms={"extract": [1, 2]})


def test_templates_are_rendered_with_what_is_given(dag: DAG) -> None:
    found = render_task(dag, "say", logical_date="2026-01-31", xcoms={"extract": [1, 2]})
    assert found["bash_command"] == "echo 2026-01-31 2"
    found = render_task(dag, "each", map_index=3, xcoms={"extract": [1, 2]})
    assert found["op_kwargs"] == {"x": 2, "y": "b"}


def test_a_template_that_cannot_be_rendered_raises_what_it_raises(dag: DAG) -> None:
    with pytest.raises(Exception, match="'ds' is undefined"):
        render_task(dag, "say", logical_date=None, xcoms={"extract": [1]})


def test_a_connection_can_be_a_uri_fields_or_itself() -> None:
    from penstock import BaseHook, Connection
    from penstock.testing.answers import GivenValueError

    with DAG("hooks") as dag:

        @task
        def hosts() -> list[Any]:
            return [BaseHook.get_connection(name).host for name in ("a", "b", "c")]

        hosts()
    given = {
        "a": "http://one.example",
        "b": {"conn_type": "http", "host": "two.example"},
        "c": Connection("c", "http", host="three.example"),
    }
    found = run_task(dag, "hosts", connections=given)
    assert found.xcom == ["one.example", "two.example", "three.example"]
    with pytest.raises(GivenValueError, match="give a URI"):
        run_task(dag, "hosts", connections={"a": 5})
