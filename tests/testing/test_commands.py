"""`dags test`, `tasks test` and `tasks render`; and a DAG file that is run by `python`."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import Shell, wait_for_line

FILE = """
    from datetime import timedelta

    from airflow.sdk import dag, task


    @dag(params={"rows": 3})
    def etl():
        @task
        def extract(params=None):
            print("extracting")
            return list(range(params["rows"]))

        @task(retries=1, retry_delay=timedelta(hours=1))
        def double(x, ti=None):
            if x == 1 and ti.try_number == 1:
                raise ValueError("one at a time")
            return 2 * x

        @task.bash
        def say(values):
            return "echo {{ ds }} {{ var.value.region }}"

        say(double.expand(x=extract()))


    d = etl()
    if __name__ == "__main__":
        run = d.test(run_conf={"rows": 2}, mark_success_pattern="say")
        print("ended as", run.state, run.tasks["double"].xcom)
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    shell.write("etl.py", FILE)
    shell.write("variables.json", '{"region": "eu"}')
    return shell


def test_a_dag_is_run_without_a_daemon(shell: Shell) -> None:
    variables = ("--variables", "variables.json")
    done = shell.penstock("dags", "test", "etl.py", "2026-01-31", *variables, "--xcoms", "--json")
    assert done.code == 0, done.err
    run = done.document
    assert (run["state"], run["logical_date"][:10]) == ("success", "2026-01-31")
    assert {one["task_id"]: one["value"] for one in run["xcoms"]}["say"] == "2026-01-31 eu"
    assert [one["try_number"] for one in run["tasks"]] == [1, 1, 2, 1, 1]
    assert "extracting" in done.err
    assert "one at a time" in done.err
    assert shell.left() == []


def test_a_failed_run_is_exit_code_1_and_a_wrong_name_2(shell: Shell) -> None:
    failed = shell.penstock("dags", "test", "etl.py")  # there is no variable `region`
    assert failed.code == 1
    assert "there is no variable 'region'" in failed.out
    wrong = shell.penstock("dags", "test", "etl.py::elt")
    assert (wrong.code, "it has: etl" in wrong.err) == (2, True)
    unknown = shell.penstock("dags", "test", "elt")
    assert (unknown.code, "Name the DAG's file" in unknown.err) == (2, True)
    refused = shell.penstock("tasks", "test", "etl.py", "load")
    assert (refused.code, "it has: extract, double, say" in refused.err) == (2, True)


def test_a_broken_file_is_named_with_its_line(shell: Shell) -> None:
    shell.write("broken.py", "import nothing_like_it\n")
    done = shell.penstock("dags", "test", "broken.py")
    assert done.code == 1
    assert "broken.py:1" in done.err


def test_one_task_is_run_without_those_above_it(shell: Shell) -> None:
    told = ("--xcom", "extract=[5, 6, 7]", "--map-index", "2", "--json")
    done = shell.penstock("tasks", "test", "etl.py", "double", *told)
    assert done.code == 0, done.err
    (one,) = done.document["xcoms"]
    assert (one["map_index"], one["value"]) == (2, 14)
    unsaid = shell.penstock("tasks", "test", "etl.py", "double")
    assert unsaid.code == 2
    assert 'xcoms={"extract": ["..."]}' in unsaid.err


def test_templates_are_rendered_and_nothing_is_run(shell: Shell) -> None:
    shell.write(
        "say.py",
        """
        from penstock import DAG, BashOperator

        with DAG("say") as d:
            BashOperator(
                task_id="say",
                bash_command="echo {{ ds }} {{ var.value.token }}; touch here",
                env={"A": "{{ params }}"},
            )
        """,
    )
    shell.write("token.env", "token=verysecret\n")
    command = ("tasks", "render", "say.py", "say", "2026-01-31", "--variables", "token.env")
    done = shell.penstock(*command, "--json")
    assert done.code == 0, done.err
    assert done.document["bash_command"] == "echo 2026-01-31 ***; touch here"
    assert done.document["env"] == {"A": "{}"}
    assert "echo 2026-01-31 ***" in shell.penstock(*command).out
    assert not (shell.folder / "here").exists()
    indexed = ("--map-index", "1", "--xcom", "extract=[5, 6]", "--json")
    mapped = shell.penstock("tasks", "render", "etl.py", "double", *indexed)
    assert mapped.document["op_kwargs"]["x"] == 6


def test_a_task_that_ends_the_process_is_no_riddle(shell: Shell) -> None:
    shell.write(
        "rude.py",
        """
        import os

        from penstock import DAG, task

        with DAG("rude"):
            @task
            def leave():
                os._exit(3)

            leave()
        """,
    )
    done = shell.penstock("dags", "test", "rude.py")
    assert done.code == 1
    assert "ended with status 3" in done.err


def test_a_file_that_is_run_by_python_is_run_here(shell: Shell) -> None:
    done = run_python(shell, "-m", "penstock.testing", "etl.py")
    assert done.returncode == 0, done.stderr
    assert "ended as success [0, 2]" in done.stdout
    assert "double   1      success  2" in done.stdout
    native = FILE.replace("airflow.sdk", "penstock")
    shell.write("native.py", native)
    assert "ended as success [0, 2]" in run_python(shell, "native.py").stdout


def test_a_breakpoint_stops_where_it_stands(shell: Shell) -> None:
    shell.write("stops.py", FILE.replace('print("extracting")', "seen = 42; breakpoint()"))
    done = run_python(shell, "-m", "penstock.testing", "stops.py", said="p seen\nc\n")
    assert "(Pdb) 42" in done.stdout
    assert "ended as success [0, 2]" in done.stdout


def run_python(shell: Shell, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=shell.folder,
        env=shell.environment,
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_a_file_looks_up_at_its_top_level_is_given_too(shell: Shell) -> None:
    shell.write(
        "top.py",
        """
        from penstock import DAG, BashOperator, Variable

        with DAG(f"top_{Variable.get('region')}"):
            BashOperator(task_id="say", bash_command="true")
        """,
    )
    command = ("dags", "test", "top.py", "--variables", "variables.json")
    assert "top_eu/manual__" in shell.penstock(*command).out
    assert "there is no variable 'region'" in shell.penstock(*command[:3]).err


def test_a_ctrl_c_ends_the_command_and_what_it_started(shell: Shell) -> None:
    shell.write(
        "sleeps.py",
        """
        import time

        from penstock import DAG, task

        with DAG("sleeps"):
            @task
            def sleep():
                print("asleep", flush=True)
                time.sleep(600)

            sleep() >> sleep()
        """,
    )
    process = shell.start("dags", "test", "sleeps.py")
    wait_for_line(process, "asleep")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) != 0
    process.communicate()
