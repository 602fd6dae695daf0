"""Tasks that run a command in bash. Its output is the task's log, its last line the XCom."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

from penstock.authoring.calling import CallingOperator
from penstock.authoring.context import Context, environment_variables
from penstock.authoring.decorators import Decorated
from penstock.authoring.exceptions import AirflowException, AirflowSkipException
from penstock.authoring.operator import BaseOperator
from penstock.steps.process import Command

LONGEST = 30_000
"""Characters of a command that are given to bash as an argument."""


class BashOperator(BaseOperator):
    """Runs `bash_command` in bash; a name that ends in .sh or .bash is a template file.

    env: the environment, instead of the worker's (append_env: added to it). cwd: where it runs;
    None: in a temporary folder. skip_on_exit_code: exit codes that mean "skipped". output_encoding:
    of what it prints. output_processor: makes the XCom of the last line that it printed, on stderr
    included. `BashOperator(task_id="count", bash_command="wc -l < {{ params.file }}")`.
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
        self.skip_on_exit_code = codes(skip_on_exit_code)
        self.output_processor = output_processor
        self._command = Command()

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
        self._command.end()

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
        with in_bash(self.bash_command) as arguments:
            return self._command.run(
                arguments, cwd=folder, env=environment, encoding=self.output_encoding
            )


@contextlib.contextmanager
def in_bash(command: str) -> Iterator[list[str]]:
    """Yield the call of bash; a long script goes by a file, an argument has 128 KiB at most."""
    bash = shutil.which("bash") or "bash"
    if len(command) < LONGEST:
        yield [bash, "-c", command]
        return
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as file:
        file.write(command)
        file.flush()
        yield [bash, file.name]


def codes(said: int | Container[int] | None) -> Container[int]:
    if said is None:
        return ()
    return (said,) if isinstance(said, int) else said


class BashTask(Decorated, CallingOperator, BashOperator):
    """A task made by `@task.bash`: its function returns the command, which may be a template."""

    custom_operator_name = "@task.bash"
    template_fields = (*CallingOperator.template_fields, *BashOperator.template_fields)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(bash_command="", **kwargs)

    @classmethod
    def runs_async(cls, arguments: dict[str, Any]) -> bool:
        return False

    def execute(self, context: Context) -> Any:
        args, kwargs = self._call(context)
        command = self.python_callable(*args, **kwargs)
        if not isinstance(command, str) or not command.strip():
            raise TypeError(
                f"the function of @task.bash task {self.task_id!r} must return a command, a text "
                f"that is not empty; it returned {command!r}"
            )
        self.bash_command = self.render_template(command, context)
        return BashOperator.execute(self, context)
