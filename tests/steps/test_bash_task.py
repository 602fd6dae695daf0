"""@task.bash, scripts in files, and scripts that are too long for an argument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from authoring.world import run_one

from penstock import DAG, AirflowSkipException, BashOperator, task
from penstock.steps.bash import LONGEST


def test_what_the_function_returns_is_run_as_a_template() -> None:
    @task.bash(env={"WHO": "{{ run_id }}"})
    def greet(word: str, ti: Any = None) -> str:
        return f'echo "{word} $WHO {{{{ params.who }}}} {ti.task_id}"'

    with DAG("bash", params={"who": "you"}) as dag:
        greet("hello")
    assert run_one(dag, "greet").value("greet") == "hello test you greet"
    assert dag.get_task("greet").operator_name == "@task.bash"


def test_it_may_name_a_script_file(tmp_path: Path) -> None:
    (tmp_path / "count.sh").write_text("echo {{ params.n }}; exit 99\n")

    @task.bash(skip_on_exit_code=None, output_processor=int)
    def count() -> str:
        return "count.sh"

    with DAG("scripts", params={"n": 3}, template_searchpath=str(tmp_path)) as dag:
        count()
        BashOperator(task_id="plain", bash_command="count.sh")
    with pytest.raises(AirflowSkipException):
        run_one(dag, "plain")
    with pytest.raises(Exception, match="exit code 99"):
        run_one(dag, "count")


@pytest.mark.parametrize("returned", ["", "  ", None, 3])
def test_it_must_return_a_command(returned: Any) -> None:
    @task.bash
    def broken() -> Any:
        return returned

    with DAG("broken") as dag:
        broken()
    with pytest.raises(TypeError, match="must return a command"):
        run_one(dag, "broken")


def test_a_mapped_one() -> None:
    @task.bash
    def say(word: str) -> str:
        return f"echo {word}"

    with DAG("mapped") as dag:
        say.expand(word=["a", "b"])
    assert run_one(dag, "say", 1).value("say", 1) == "b"


def test_a_script_that_is_too_long_for_an_argument_runs_all_the_same() -> None:
    with DAG("long") as dag:
        BashOperator(task_id="b", bash_command=": " + "x" * (200_000 + LONGEST) + "\necho end")
    assert run_one(dag, "b").value("b") == "end"
