"""Branches, other Pythons, scopes, joined results: one DAG in Airflow's words, run for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cli.shell import Shell

EVERYTHING = """
    import sys

    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.providers.standard.operators.latest_only import LatestOnlyOperator
    from airflow.sdk import DAG, get_current_context, setup, task, teardown

    def empty(task_id, **more):
        return EmptyOperator(task_id=task_id, **more)

    with DAG("everything", schedule="@daily", params={"way": "left"}):
        @task.branch
        def choose(params):
            return params["way"]

        ways = [empty("left"), empty("right")]
        choose() >> ways >> empty("join", trigger_rule="none_failed_min_one_success")

        @task.short_circuit
        def stop():
            return None

        stop() >> empty("never") >> empty("nor", trigger_rule="all_done")
        LatestOnlyOperator(task_id="newest") >> empty("deploy")

        @task.external_python(python=sys.executable)
        def add(x, y):
            import os

            return [x + y, os.getpid()]

        @task.virtualenv
        def broken():
            raise ValueError("over there")

        @task.bash
        def say(word):
            return f"echo {word} {{ds}}".replace("{ds}", "{{ ds }}")

        add(1, 2)
        broken()
        say("hello")

        @setup
        def begin(): ...

        @teardown
        def end(): ...

        @task
        def letters():
            return ["a", "b", "c"]

        @task(map_index_template="{{ label }}")
        def pair(both):
            get_current_context()["label"] = both[0]
            return list(both)

        @task
        def gathered(pairs):
            return list(pairs)

        with begin() >> end():
            found = letters()
            gathered(pair.expand(both=found.zip(found.map(str.upper)).concat(found)))

        @task
        def last(prev_data_interval_start_success=None):
            return str(prev_data_interval_start_success)

        last()
"""


def test_all_of_them_in_one_run(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    file = shell.write("everything.py", EVERYTHING)
    done = shell.penstock("run", file, "--json", "--xcoms", "--logical-date", "2025-01-01")
    assert done.code == 1, done.err
    said: dict[str, Any] = done.document
    states = {task["task_id"]: task["state"] for task in said["tasks"]}
    skipped = {"right", "never", "nor"}
    assert {name for name, state in states.items() if state == "skipped"} == skipped
    assert {name for name, state in states.items() if state == "failed"} == {"broken"}
    reasons = {task["task_id"]: task["reason"] for task in said["tasks"]}
    assert "ValueError: over there" in reasons["broken"]
    assert reasons["right"] == "'choose' left it out"
    found = {
        xcom["task_id"]: xcom["value"] for xcom in said["xcoms"] if xcom["key"] == "return_value"
    }
    assert found["add"][0] == 3
    assert found["say"] == "hello 2025-01-01"
    assert found["gathered"] == [["a", "A"], ["b", "B"], ["c", "C"], ["a"], ["b"], ["c"]]
    assert found["last"] == "None"
