"""A command that waits for a run says what the run waits for, if nothing of it runs."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from .shell import SECONDS, Shell, wait_for_line

POOLED = """
    from penstock import DAG, task
    with DAG("pooled"):
        @task(pool="gpu")
        def train():
            return 1
        train()
"""
WAITS = (
    "Task 'train' is queued, try 1 of 1: waits for pool 'gpu': it does not exist. "
    "Create it: penstock pool set 'gpu' SLOTS"
)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_run_that_waits_for_a_pool_says_so_and_goes_on_when_it_is_there(
    tmp_path: Path, options: list[str]
) -> None:
    shell = Shell(tmp_path)
    shell.write("pooled.py", POOLED)
    waiting = shell.start("run", "pooled.py", *options)
    assert wait_for_line(waiting, "waits for").rstrip() == WAITS
    found = re.search(r"--home (\S+)", wait_for_line(waiting, "--home"))
    assert found is not None
    assert shell.penstock("pool", "set", "gpu", "1", "--home", found[1]).code == 0
    out, _ = waiting.communicate(timeout=SECONDS)
    assert waiting.returncode == 0
    assert "success" in out


def test_who_waits_for_a_triggered_run_is_told_as_well(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.write("dags/pooled.py", POOLED)
    home = tmp_path / "home"
    with shell.up(home, "--dags", "dags", "--slots", "1"):
        waiting = shell.start("trigger", "pooled", "--wait", "--home", home)
        assert wait_for_line(waiting, "waits for").rstrip() == WAITS
        waiting.send_signal(signal.SIGINT)
        _, err = waiting.communicate(timeout=SECONDS)
        assert waiting.returncode == 130
        goes_on, interrupted = err.splitlines()
        assert re.fullmatch(r"(pooled/\S+) goes on. To stop it: penstock runs cancel \1", goes_on)
        assert interrupted == "penstock: interrupted"
