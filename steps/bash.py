"""BashOperator: a task that runs a command. Its output is the task's log, its last line the XCom.

The command stays in the process group of the child that runs the task, so whoever kills that group
kills all that the command started. On SIGTERM, or when the task is ended by an exception, the
operator itself ends the group before it goes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from penstock.authoring.context import Context, environment_variables
from penstock.authoring.exceptions import AirflowException, AirflowSkipException
from penstock.authoring.operator import BaseOperator

if TYPE_CHECKING:
    from subprocess import Popen

GRACE = 5.0
"""Seconds that a command has between SIGTERM and SIGKILL."""


class BashOperator(BaseOperator):
    """Runs `bash_command` in bash; a name that ends in .sh or .bash is a template file.

    env: the environment, instead of the worker's (append_env: added to it). cwd: where it runs;
    None: in a temporary folder. skip_on_exit_code: exit codes that mean "skipped". output_encoding:
    of what it prints. output_processor: makes the XCom of the last line that it printed, on stderr
    included.
    """

    template_fields: Sequence[str] = ("bash_command", "env", "cwd")
    template_ext: Sequence[str] = (".sh", ".bash")
    ui_color = "#f0ede4"

    def __init__(
        self,
        *,
        bash_command: str,
        env: dict[str, str] | None = None,
        append_env: bool = False,
        output_encoding: str = "utf-8",
        skip_on_exit_code: int | Container[int] | None = 99,
        cwd: str | None = None,
        output_processor: Callable[[str], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bash_command, self.env, self.append_env = bash_command, env, append_env
        self.output_encoding, self.cwd = output_encoding, cwd
        self.skip_on_exit_code = _codes(skip_on_exit_code)
        self.output_processor = output_processor
        self._process: Popen[bytes] | None = None

    def execute(self, context: Context) -> Any:
        self._check_folder()
        with self._folder() as folder:
            code, last = self._run(folder, self._environment(context))
        if code in self.skip_on_exit_code:
            raise AirflowSkipException(f"Bash command returned exit code {code}. Skipping.")
        if code != 0:
            raise AirflowException(
                f"Bash command failed. The command returned a non-zero exit code {code}."
            )
        return last if self.output_processor is None else self.output_processor(last)

    def on_kill(self) -> None:
        if self._process is not None:
            _end(self._process)

    def _check_folder(self) -> None:
        if self.cwd is None:
            return
        if not os.path.exists(self.cwd):
            raise AirflowException(f"Can not find the cwd: {self.cwd}")
        if not os.path.isdir(self.cwd):
            raise AirflowException(f"The cwd {self.cwd} must be a directory")

    @contextlib.contextmanager
    def _folder(self) -> Iterator[str]:
        if self.cwd is not None:
            yield self.cwd
            return
        import tempfile

        with tempfile.TemporaryDirectory(prefix="penstock-bash-") as folder:
            yield folder

    def _environment(self, context: Context) -> dict[str, str]:
        inherited = self.env is None or self.append_env
        return {
            **(os.environ if inherited else {}),
            **(self.env or {}),
            **environment_variables(context),
        }

    def _run(self, folder: str, environment: dict[str, str]) -> tuple[int, str]:
        """Return the command's exit code and the last line that it printed."""
        import subprocess

        command = [shutil.which("bash") or "bash", "-c", self.bash_command]
        with _Ending() as ending:
            self._process = process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment,
            )
            ending.started(process)
            last = ""
            assert process.stdout is not None
            for raw in process.stdout:
                last = raw.decode(self.output_encoding, errors="backslashreplace").rstrip()
                print(last, flush=True)
            code = process.wait()
        process.stdout.close()
        return code, last


def _codes(said: int | Container[int] | None) -> Container[int]:
    if said is None:
        return ()
    return (said,) if isinstance(said, int) else said


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
