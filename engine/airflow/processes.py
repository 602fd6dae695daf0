"""This process and others: `airflow.utils.process_utils`, `platform`, `net`."""

from __future__ import annotations

import getpass
import logging
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from penstock.authoring.exceptions import AirflowConfigException, AirflowTaskTimeout

IS_WINDOWS = platform.system() == "Windows"

_log = logging.getLogger("penstock.airflow.processes")


@contextmanager
def patch_environ(new_env_variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for as long as the `with` block runs."""
    before = {name: os.environ.get(name) for name in new_env_variables}
    os.environ.update(new_env_variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def execute_in_subprocess(
    cmd: list[str], cwd: str | None = None, env: dict[str, str] | None = None
) -> None:
    """Run a command, its output into the task's log. CalledProcessError if it fails."""
    execute_in_subprocess_with_kwargs(cmd, cwd=cwd, env=env)


def execute_in_subprocess_with_kwargs(cmd: list[str], **kwargs: Any) -> None:
    """Run a command with subprocess.Popen's arguments, its output into the task's log."""
    _log.info("Running: %s", " ".join(cmd))
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "bufsize": 1}
    with subprocess.Popen(cmd, **(both | kwargs)) as process:
        for line in process.stdout or ():
            _log.info("%s", line.rstrip())
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, cmd)


def getuser() -> str:
    """Return the user that this process runs as. AirflowConfigException if it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise AirflowConfigException(
            f"the user of this process (id {os.getuid()}) has no name on this machine; "
            "add it to /etc/passwd, or set USER"
        ) from None


def is_tty() -> bool:
    """Whether somebody reads this process's output on a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))


def getfqdn(name: str = "") -> str:
    """Return a machine's full name; this one's, without an argument."""
    return socket.getfqdn(name)


def get_hostname() -> str:
    """Return this machine's full name."""
    return socket.getfqdn()


def get_host_ip_address() -> str:
    """Return this machine's address, as its name leads to it."""
    return socket.gethostbyname(socket.gethostname())


class timeout:
    """Raises AirflowTaskTimeout in a `with` block that takes longer than `seconds`.

    By the process's timer, so in the main thread only; within a longer one the outer is kept.
    """

    def __init__(self, seconds: float = 1, error_message: str = "Timeout") -> None:
        self.seconds, self.error_message = seconds, f"{error_message}, PID: {os.getpid()}"
        self.before: Any = None
        self.left = 0.0

    def handle_timeout(self, signum: int, frame: FrameType | None) -> None:
        raise AirflowTaskTimeout(self.error_message)

    def __enter__(self) -> timeout:
        self.before = signal.signal(signal.SIGALRM, self.handle_timeout)
        self.left, _ = signal.setitimer(signal.ITIMER_REAL, self.seconds)
        return self

    def __exit__(self, *_: object) -> None:
        used = self.seconds - signal.setitimer(signal.ITIMER_REAL, 0)[0]
        signal.signal(signal.SIGALRM, self.before)
        if self.left:
            signal.setitimer(signal.ITIMER_REAL, max(self.left - used, 0.001))


TimeoutPosix = timeout
