"""A daemon for bad input, and what must hold of it whatever it was given."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cli.shell import SECONDS, Done, Shell

GOOD = """
    from penstock import DAG, task
    with DAG("good", schedule=None):
        @task
        def work():
            return 42
        work()
"""


class Daemon:
    """A daemon that runs in `shell.folder`, asked by calling it. What it says is in `said`."""

    def __init__(self, shell: Shell, home: Path, process: subprocess.Popen[bytes]) -> None:
        self.shell, self.home, self.process = shell, home, process

    def __call__(self, *arguments: object) -> Done:
        done = self.shell.penstock(*arguments, "--home", self.home)
        assert "Traceback" not in done.err, done.err
        assert "bug of Penstock" not in done.err, done.err
        return done

    @property
    def said(self) -> str:
        return (self.shell.folder / "up.log").read_text("utf-8", "replace")

    def until(self, true: Callable[[], Any], *, seconds: float = SECONDS) -> Any:
        """Return what `true` returns, once that is something. It asks the daemon: no sleep."""
        until = time.monotonic() + seconds
        while not (found := true()):
            assert time.monotonic() < until, self.said
            assert self.process.poll() is None, self.said
        return found

    def until_known(self, *dag_ids: str) -> None:
        self.until(
            lambda: (
                {dag["dag_id"] for dag in self("dags", "list", "--json").document} >= set(dag_ids)
            )
        )

    def goes_on(self) -> None:
        """A run of a good DAG still succeeds."""
        done = self("trigger", "good", "--wait", "--json")
        assert done.code == 0, done.err + self.said

    def run(self, run: str) -> dict[str, dict[str, Any]]:
        """The instances of a run, by task id."""
        found = self("runs", "show", run, "--json").document
        return {one["task_id"]: one for one in found["tasks"]}


@contextmanager
def daemon(
    shell: Shell, *arguments: object, home: Path | None = None, **environment: str
) -> Iterator[Daemon]:
    """Run `penstock up` on the folder `dags` with a good DAG in it; at the end it drains."""
    shell.write("dags/good.py", GOOD)
    home = home or shell.folder / "home"
    command = ("up", "--home", home, "--dags", "dags", "--slots", "2", *arguments)
    with open(shell.folder / "up.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "penstock.cli", *map(str, command)],
            cwd=shell.folder,
            env=shell.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    up = Daemon(shell, home, process)
    try:
        up.until(lambda: "penstock: up." in up.said)
        up.until_known("good")
        yield up
        assert "Traceback" not in up.said, up.said
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=SECONDS)
