"""NATS away in mid-run, requests in a drain, state folders that are not as they were left."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from penstock.events.server import find_binary
from tests.cli.shell import Shell

from .daemon import Daemon, daemon

SECONDS_AWAY = float(os.environ.get("PENSTOCK_TEST_OUTAGE", "12"))
"""Longer than a lease (6 s) and than the first pauses between starts; by hand: 60."""

STEPS = """
    import os, time
    from penstock import DAG, task
    with DAG("steps", schedule=None):
        @task
        def step(n):
            time.sleep(0.2)
            with open(os.environ["STEPS"], "a") as file:
                file.write(f"{n}\\n")
            return n
        step.expand(n=list(range(60)))
"""
ONE = """
    from penstock import DAG
    from penstock.steps.empty import EmptyOperator
    with DAG("one", schedule=None):
        EmptyOperator(task_id="it")
"""
SLOW = """
    import os
    from penstock import DAG, task
    with DAG("slow", schedule=None):
        @task
        def wait():
            with open(os.environ["GATE"]) as gate:
                gate.read()
        wait()
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def nats_of(up: Daemon) -> int:
    return int((up.home / "nats" / "nats.pid").read_text())


def steps_done(up: Daemon) -> list[str]:
    file = up.shell.folder / "steps"
    return file.read_text().split() if file.exists() else []


def begin_steps(up: Daemon) -> None:
    up.until_known("steps")
    assert up("trigger", "steps", "--run-id", "r").code == 0
    up.until(lambda: len(steps_done(up)) > 3)


def judge_steps(up: Daemon) -> None:
    """Every step succeeded, at its first try, and ran once: nothing was lost or begun anew."""
    up.until(lambda: up("runs", "show", "r", "--json").document["ended_at"])
    found = up("runs", "show", "r", "--json").document
    assert found["state"] == "success"
    assert {one["try_number"] for one in found["tasks"]} == {1}
    assert sorted(map(int, steps_done(up))) == list(range(60))
    assert up("db", "check", "--json").document["differences"] == []
    up.goes_on()


def test_nats_that_does_not_start_again_for_a_while_is_waited_for(shell: Shell) -> None:
    gone = shell.folder / "gone"
    wrapper = shell.folder / "nats-server"
    wrapper.write_text(
        f"#!/bin/sh\n[ -e {gone} ] && {{ echo 'nats is away' >&2; exit 1; }}\n"
        f'exec {find_binary()} "$@"\n'
    )
    wrapper.chmod(0o755)
    shell.write("dags/steps.py", STEPS)
    environment = {"PENSTOCK_NATS_SERVER": str(wrapper), "STEPS": str(shell.folder / "steps")}
    with daemon(shell, **environment) as up:
        begin_steps(up)
        began = time.monotonic()
        gone.touch()
        os.kill(nats_of(up), signal.SIGKILL)
        up.until(lambda: "does not start again; it is tried every 2 s" in up.said)
        status = up("status")
        assert status.code == 1
        assert "No Penstock can be reached" in status.err
        up.until(lambda: time.monotonic() - began > SECONDS_AWAY, seconds=SECONDS_AWAY + 5)
        gone.unlink()
        up.until(lambda: "was started again" in up.said)
        judge_steps(up)


def test_nats_that_stands_still_for_a_while_is_waited_for(shell: Shell) -> None:
    shell.write("dags/steps.py", STEPS)
    with daemon(shell, STEPS=str(shell.folder / "steps")) as up:
        begin_steps(up)
        began, pid = time.monotonic(), nats_of(up)
        os.kill(pid, signal.SIGSTOP)
        try:
            up.until(lambda: time.monotonic() - began > SECONDS_AWAY, seconds=SECONDS_AWAY + 5)
        finally:
            os.kill(pid, signal.SIGCONT)
        judge_steps(up)


def test_a_trigger_in_a_drain_is_kept_for_the_next_start_or_refused(shell: Shell) -> None:
    gate = shell.folder / "gate"
    os.mkfifo(gate)
    shell.write("dags/slow.py", SLOW)
    with daemon(shell, GATE=str(gate)) as up:
        up.until_known("slow")
        assert up("trigger", "slow", "--run-id", "slow").code == 0
        up.until(lambda: up.run("slow")["wait"]["state"] == "running")
        up.process.send_signal(signal.SIGTERM)
        up.until(lambda: "draining" in up.said)
        kept = up("trigger", "good", "--run-id", "kept")
        assert kept.code == 0, kept.err
        waiting = shell.start("trigger", "good", "--run-id", "waited", "--wait", "--home", up.home)
        with open(gate, "w"):
            pass
        assert up.process.wait(timeout=60) == 0
        _, err = waiting.communicate(timeout=60)
        assert waiting.returncode == 1, err
        assert "Traceback" not in err
        late = up("trigger", "good")
        assert late.code == 1
        assert "No Penstock runs in" in late.err
    with daemon(shell, GATE=str(gate)) as up:
        for run in ("slow", "kept"):
            up.until(
                lambda run=run: up("runs", "show", run, "--json").document["state"] == "success"
            )


def test_a_database_of_a_newer_version_is_refused(shell: Shell) -> None:
    shell.write("one.py", ONE)
    assert shell.penstock("run", "one.py", "--home", "home").code == 0
    with sqlite3.connect(shell.folder / "home" / "penstock.db") as database:
        database.execute("PRAGMA user_version = 999")
    shell.write("dags/one.py", ONE)
    for verb in (("up", "--dags", "dags"), ("run", "one.py"), ("runs", "list")):
        done = shell.penstock(*verb, "--home", "home")
        assert done.code == 1, done.err
        assert "the database has schema version 999, this Penstock knows up to" in done.err
        assert "Traceback" not in done.err


def test_a_file_that_is_no_database_is_refused(shell: Shell) -> None:
    shell.write("one.py", ONE)
    shell.write("home/penstock.db", "this is no database " * 100)
    done = shell.penstock("run", "one.py", "--home", "home")
    assert done.code == 1
    assert "is no SQLite database, or is damaged" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("name", ["processes.json", "credentials.json"])
def test_a_file_of_the_folder_that_is_torn_is_no_bug(shell: Shell, name: str) -> None:
    with daemon(shell) as up:
        (up.home / name).write_text('{"torn')
        done = up("status")
        assert done.code == 1
        assert f"{name}: this file is damaged" in done.err
