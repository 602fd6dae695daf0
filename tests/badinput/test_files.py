"""DAG files and DAG folders that are not as they should be, under a daemon that watches them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.cli.shell import Shell

from .daemon import GOOD, Daemon, daemon

TWO_STEPS = """
    from penstock import DAG, task
    with DAG("steps", schedule=None):
        @task
        def first():
            with open({fifo!r}) as gate:
                gate.read()
        @task
        def second():
            return "second"
        first() >> second()
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def begin_first_step(up: Daemon, fifo: Path) -> None:
    os.mkfifo(fifo)
    up.shell.write("dags/steps.py", TWO_STEPS.format(fifo=str(fifo)))
    up.until_known("steps")
    assert up("trigger", "steps", "--run-id", "r").code == 0
    up.until(lambda: up.run("r")["first"]["state"] == "running")


def end_first_step(up: Daemon, fifo: Path) -> dict[str, dict[str, object]]:
    with open(fifo, "w"):
        pass
    up.until(lambda: up("runs", "show", "r", "--json").document["ended_at"])
    return up.run("r")


def test_a_broken_file_beside_good_ones_costs_only_itself(shell: Shell) -> None:
    shell.write("dags/syntax.py", "from penstock import DAG\ndef (\n")
    shell.write("dags/endless.py", "from penstock import DAG\nwhile True:\n    pass\n")
    with daemon(shell, PENSTOCK_PARSE_SECONDS="1") as up:
        up.until(lambda: len(up("dags", "errors", "--json").document) == 2)
        done = up("dags", "errors")
        assert done.code == 1
        assert "syntax.py:2" in done.out
        assert "SyntaxError: invalid syntax" in done.out
        assert "endless.py" in done.out
        assert "reading this file took longer than 1 s" in done.out
        up.goes_on()
        (shell.folder / "dags" / "syntax.py").write_text("")
        (shell.folder / "dags" / "endless.py").unlink()
        up.until(lambda: up("dags", "errors").code == 0)


def test_a_file_that_is_deleted_in_mid_run_fails_what_still_needs_it(
    shell: Shell, tmp_path: Path
) -> None:
    with daemon(shell) as up:
        begin_first_step(up, tmp_path / "gate")
        (shell.folder / "dags" / "steps.py").unlink()
        up.until(lambda: up("trigger", "steps").code == 2)
        found = end_first_step(up, tmp_path / "gate")
        assert found["first"]["state"] == "success"
        assert found["second"]["state"] == "failed"
        assert "steps.py is gone, which this run was started from" in str(found["second"]["reason"])
        up.goes_on()


def test_a_version_that_breaks_in_mid_run_says_so_in_the_task_and_is_not_in_force(
    shell: Shell, tmp_path: Path
) -> None:
    with daemon(shell) as up:
        begin_first_step(up, tmp_path / "gate")
        shell.write("dags/steps.py", "from penstock import DAG\ndef (\n")
        up.until(lambda: up("dags", "errors").code == 1)
        found = end_first_step(up, tmp_path / "gate")
        assert found["first"]["state"] == "success"
        assert found["second"]["state"] == "failed"
        assert "SyntaxError: invalid syntax (steps.py, line 2)" in str(found["second"]["reason"])
        assert up("dags", "show", "steps").code == 0
        up.goes_on()


def test_a_folder_of_ten_thousand_other_files_is_read_past(shell: Shell) -> None:
    folder = shell.folder / "dags"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"module_{number}.py").write_text("x = 1\n")
    began = time.monotonic()
    with daemon(shell) as up:
        assert time.monotonic() - began < 20
        assert [dag["dag_id"] for dag in up("dags", "list", "--json").document] == ["good"]
        up.goes_on()


def test_what_is_called_a_python_file_and_is_none_holds_nobody_up(shell: Shell) -> None:
    folder = shell.folder / "dags"
    (folder / "folder.py").mkdir(parents=True)
    os.mkfifo(folder / "pipe.py")
    (folder / "dangling.py").symlink_to("nowhere")
    (folder / "binary.py").write_bytes(b"penstock dag \x00\xff\xfe")
    with daemon(shell) as up:
        up.goes_on()
        (error,) = up("dags", "errors", "--json").document
        assert error["file"].endswith("binary.py")
        assert "null bytes" in error["error"]


def test_a_folder_that_is_a_link_is_watched_as_it_is_called(shell: Shell) -> None:
    (shell.folder / "real").mkdir()
    (shell.folder / "dags").symlink_to("real")
    with daemon(shell) as up:
        shell.write("dags/good.py", GOOD.replace("        work()", "        work() >> work()"))
        up.until(lambda: len(up("dags", "show", "good", "--json").document["versions"]) == 2)
        assert up("dags", "errors").code == 0
        up.goes_on()


def test_a_file_that_is_emptied_takes_its_dag_with_it(shell: Shell) -> None:
    shell.write("dags/other.py", GOOD.replace('"good"', '"other"'))
    with daemon(shell) as up:
        up.until_known("other")
        (shell.folder / "dags" / "other.py").write_text("")
        refused = up.until(lambda: (done := up("trigger", "other")).code == 2 and done)
        assert "there is no DAG 'other' (known: good)" in refused.err


@pytest.mark.parametrize("dag_id", ["a/b", "sp ace", "", "x%2Ey", "~x", "../../etc", "x" * 251])
@pytest.mark.parametrize("kind", ["dag_id", "task_id"])
def test_an_id_that_cannot_be_is_refused_with_its_line(
    shell: Shell, kind: str, dag_id: str
) -> None:
    ids = {"dag_id": "d", "task_id": "t", kind: dag_id}
    text = (
        "from penstock import DAG\nfrom penstock.steps.empty import EmptyOperator\n"
        "with DAG({dag_id!r}, schedule=None):\n    EmptyOperator(task_id={task_id!r})\n"
    )
    file = shell.write("odd.py", text.format(**ids))
    done = shell.penstock("run", "odd.py")
    assert done.code == 1
    line = 3 if kind == "dag_id" else 4
    assert f"{file}:{line}: the {kind} {dag_id!r} must be 1 to 250 letters, digits" in done.err
    assert "Traceback" not in done.err
