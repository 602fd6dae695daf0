"""A command that a task runs: what it prints is the task's log, and it ends when the task does.

The command stays in the process group of the child that runs the task, so whoever kills that group
kills all that the command started. On SIGTERM, or when the task is ended by an exception, the group
is ended here before the task goes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subprocess import Popen

GRACE = 5.0
"""Seconds that a command has between SIGTERM and SIGKILL."""


def say(line: str) -> None:
    print(line, flush=True)


class Command:
    """One command at a time, with a way to end it."""

    def __init__(self) -> None:
        self._process: Popen[bytes] | None = None

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        encoding: str = "utf-8",
        tell: Callable[[str], None] = say,
    ) -> tuple[int, str]:
        """Run to the end; return the exit code and the last line that was printed, stderr included.

        env None: this process's. tell: is given each line as it comes.
        """
        import subprocess

        with _Ending() as ending:
            self._process = process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env,
            )
            ending.started(process)
            last = ""
            assert process.stdout is not None
            for raw in process.stdout:
                last = raw.decode(encoding, errors="backslashreplace").rstrip()
                tell(last)
            code = process.wait()
        process.stdout.close()
        return code, last

    def end(self) -> None:
        """End it, and what it started, if it runs."""
        if self._process is not None:
            _end(self._process)


class _Ending:
    """Ends the command when this process is told to end, or when the block is left by an error.

    It is there before the command is: what is told to end just as the command starts waits until
    there is a process to end, which would else be left behind.
    """

    def __init__(self) -> None:
        self.process: Popen[bytes] | None = None
        self.told: int | None = None
        self.before: Any = signal.getsignal(signal.SIGTERM)

    def __enter__(self) -> _Ending:
        try:
            signal.signal(signal.SIGTERM, self.on_sigterm)
            self.ours = True
        except ValueError:  # not in the main thread: whoever owns the signals kills the group
            self.ours = False
        return self

    def started(self, process: Popen[bytes]) -> None:
        self.process = process
        if self.told is not None:
            self.on_sigterm(self.told, None)

    def on_sigterm(self, number: int, frame: FrameType | None) -> None:
        if self.process is None:
            self.told = number
            return
        _end(self.process)
        if callable(self.before):
            self.before(number, frame)
        sys.exit(128 + number)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self.process is not None:
            _end(self.process)
        if self.ours:
            before = self.before if self.before is not None else signal.SIG_DFL
            signal.signal(signal.SIGTERM, before)


def _end(process: Popen[bytes]) -> None:
    """End the command and what it started: politely, then, after a grace, for good."""
    import subprocess

    if process.poll() is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _signal(process: Popen[bytes], number: int) -> None:
    """Signal the command's group if it is this attempt's own, else the command alone."""
    if os.getpgrp() != os.getpid():
        process.send_signal(number)
        return
    spared = signal.signal(number, signal.SIG_IGN)
    try:
        os.killpg(0, number)
    finally:
        signal.signal(number, spared)
