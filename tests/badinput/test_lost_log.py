"""A log that lost what it had acknowledged: the server's machine came back with an older disk.

The real thing: JetStream's folder is copied while the daemon works, and later put in the place of
the one that the server had when it was killed. What the projection has is in the log again then.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from penstock.events.server import find_binary
from tests.cli.shell import Shell, ended

from .daemon import Daemon, daemon
from .test_outages import STEPS, begin_steps, judge_steps, nats_of, steps_done


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    shell.write("dags/steps.py", STEPS)
    return shell


def store_of(up: Daemon) -> Path:
    return up.home / "nats" / "store"


def copy_of(up: Daemon) -> Path:
    """Copy the server's folder as of one moment: it writes nothing while it is stopped."""
    copy, pid = up.shell.folder / "older", nats_of(up)
    os.kill(pid, signal.SIGSTOP)
    try:
        shutil.copytree(store_of(up), copy)
    finally:
        os.kill(pid, signal.SIGCONT)
    return copy


def go_back_to(copy: Path, store: Path) -> None:
    shutil.rmtree(store)
    shutil.move(copy, store)


def until_projected(up: Daemon) -> None:
    def is_projected() -> bool:
        status = up("status", "--json").document["coordinator"]
        return bool(status["sequence"] == status["projected"])

    up.until(is_projected)


def test_what_the_log_lost_under_a_leader_is_put_back_and_the_runs_go_on(shell: Shell) -> None:
    gone, wrapper = shell.folder / "gone", shell.folder / "nats-server"
    wrapper.write_text(f'#!/bin/sh\n[ -e {gone} ] && exit 1\nexec {find_binary()} "$@"\n')
    wrapper.chmod(0o755)
    environment = {"PENSTOCK_NATS_SERVER": str(wrapper), "STEPS": str(shell.folder / "steps")}
    with daemon(shell, **environment) as up:
        begin_steps(up)
        copy = copy_of(up)
        before = len(steps_done(up))
        up.until(lambda: len(steps_done(up)) > before + 10)
        pid = nats_of(up)
        gone.touch()
        os.kill(pid, signal.SIGKILL)
        assert ended(pid)
        go_back_to(copy, store_of(up))
        gone.unlink()
        up.until(lambda: "they are put back" in up.said)
        judge_steps(up)


def test_what_the_log_lost_with_the_whole_daemon_is_put_back_at_the_start(shell: Shell) -> None:
    environment = {"STEPS": str(shell.folder / "steps")}
    with daemon(shell, **environment) as up:
        begin_steps(up)
        copy = copy_of(up)
        assert up("trigger", "good", "--wait", "--run-id", "kept").code == 0
        up.until(lambda: up("runs", "show", "r", "--json").document["ended_at"])
        until_projected(up)
        pid = nats_of(up)
        up.process.kill()
        up.process.wait()
        assert ended(pid)
        go_back_to(copy, store_of(up))
    with daemon(shell, home=up.home, **environment) as again:
        assert "they are put back" in again.said
        assert again("runs", "show", "kept", "--json").document["state"] == "success"
        judge_steps(again)
