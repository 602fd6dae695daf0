"""BashOperator: output, environment, exit codes, and that nothing survives its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from authoring.world import run_one
from penstock import DAG, BashOperator
from penstock.authoring.exceptions import AirflowException, AirflowSkipException


def ran(**arguments: Any) -> Any:
    with DAG("bash") as dag:
        BashOperator(task_id="b", **arguments)
    world = run_one(dag, "b")
    return world.value("b")


def test_the_last_line_is_the_xcom_and_all_lines_are_the_log(capfd: Any) -> None:
    assert ran(bash_command="echo one; echo two >&2") == "two"
    assert capfd.readouterr().out == "one\ntwo\n"


def test_no_output_is_an_empty_text() -> None:
    assert ran(bash_command="true") == ""


def test_output_that_is_no_text_is_escaped_and_can_be_processed() -> None:
    assert ran(bash_command=r"printf 'a\xff'") == "a\\xff"
    assert ran(bash_command="echo '[1, 2]'", output_processor=lambda line: len(line)) == 6


def test_env_replaces_the_environment_unless_it_is_appended(monkeypatch: Any) -> None:
    monkeypatch.setenv("OUTER", "outer")
    command = 'echo "$OUTER $INNER $AIRFLOW_CTX_TASK_ID"'
    assert ran(bash_command=command) == "outer  b"
    assert ran(bash_command=command, env={"INNER": "{{ run_id }}"}) == " test b"
    assert ran(bash_command=command, env={"INNER": "x"}, append_env=True) == "outer x b"


def test_it_runs_in_a_folder_of_its_own_or_in_the_one_given(tmp_path: Path) -> None:
    own = ran(bash_command="pwd")
    assert own != os.getcwd()
    assert not os.path.exists(own)
    assert ran(bash_command="pwd", cwd=str(tmp_path)) == str(tmp_path.resolve())
    with pytest.raises(AirflowException, match="Can not find the cwd"):
        ran(bash_command="pwd", cwd=str(tmp_path / "absent"))


def test_exit_codes() -> None:
    with pytest.raises(AirflowException, match="non-zero exit code 3"):
        ran(bash_command="exit 3")
    with pytest.raises(AirflowSkipException, match="exit code 99"):
        ran(bash_command="exit 99")
    with pytest.raises(AirflowSkipException):
        ran(bash_command="exit 5", skip_on_exit_code=[5, 6])
    with pytest.raises(AirflowException, match="99"):
        ran(bash_command="exit 99", skip_on_exit_code=None)


def test_lines_come_as_they_are_printed(tmp_path: Path) -> None:
    """The command waits for a file that is only made once its first line was seen."""
    flag = tmp_path / "flag"

    class Watching:
        def write(self, text: str) -> int:
            if "first" in text:
                flag.touch()
            return len(text)

        def flush(self) -> None: ...

    before, sys.stdout = sys.stdout, Watching()  # type: ignore[assignment]
    try:
        assert ran(bash_command=f"echo first; until [ -e {flag} ]; do :; done; echo seen") == "seen"
    finally:
        sys.stdout = before


@pytest.mark.parametrize("leads_a_group", [True, False])
def test_on_sigterm_the_command_ends_and_what_it_started_in_its_group(
    tmp_path: Path, leads_a_group: bool
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from authoring.world import run_one
from penstock import DAG, BashOperator
with DAG("d") as dag:
    # The sleep keeps the pipe open: its reader sees the end once all of them are gone.
    command = "exec 3> {fifo}; {"sleep 600 &" if leads_a_group else ""} echo up >&3; exec sleep 600"
    BashOperator(task_id="b", bash_command=command)
run_one(dag, "b")
"""
    child = subprocess.Popen([sys.executable, "-c", script], start_new_session=leads_a_group)
    with open(fifo) as pipe:
        assert pipe.readline() == "up\n"
        child.send_signal(signal.SIGTERM)
        assert pipe.read() == ""
    assert child.wait() != 0
