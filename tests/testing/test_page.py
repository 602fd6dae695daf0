"""The examples of docs/testing.md, run as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import Shell

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "testing.md").read_text()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    for name, text in re.findall(r"^```python (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        shell.write(name, text)
    shell.write("variables.json", '{"region": "eu"}')
    return shell


def test_the_tests_pass(shell: Shell) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    path = os.pathsep.join(["dags", shell.environment.get("PYTHONPATH", "")])
    done = subprocess.run(
        command,
        cwd=shell.folder,
        env=shell.environment | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{PAGE.count('def test_')} passed" in done.stdout


def test_the_file_runs_itself(shell: Shell) -> None:
    command = [sys.executable, "dags/retrain.py"]
    environment = shell.environment | {"PENSTOCK_VAR_REGION": "eu"}
    done = subprocess.run(
        command,
        cwd=shell.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "retrain/manual__" in done.stdout, done.stderr
    assert "success" in done.stdout.splitlines()[-1]


def test_the_commands_run(shell: Shell) -> None:
    (block,) = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines():
        done = shell.penstock(*shlex.split(line)[1:])
        assert done.code == 0, f"{line}\n{done.err}"
