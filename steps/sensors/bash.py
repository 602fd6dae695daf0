"""BashSensor: a command in bash says by its exit code whether it is there."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

from penstock.authoring.context import Context
from penstock.authoring.exceptions import AirflowFailException
from penstock.authoring.sensor import BaseSensorOperator
from penstock.steps.bash import in_bash
from penstock.steps.process import Command


class BashSensor(BaseSensorOperator):
    """Waits until a command ends with exit code 0; any other one means "not yet".

    retry_exit_code: the only one that means "not yet"; the sensor fails for good at any other.
    env: the environment, instead of the worker's. output_encoding: of what the command prints.
    `BashSensor(task_id="wait", bash_command="test -s {{ params.file }}")`.
    """

    template_fields: Sequence[str] = ("bash_command", "env")

    def __init__(
        self,
        *,
        bash_command: str,
        env: dict[str, str] | None = None,
        output_encoding: str = "utf-8",
        retry_exit_code: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bash_command, self.env = bash_command, env
        self.output_encoding, self.retry_exit_code = output_encoding, retry_exit_code
        self._command = Command()

    def poke(self, context: Context) -> bool:
        with (
            tempfile.TemporaryDirectory(prefix="penstock-bash-") as folder,
            in_bash(self.bash_command) as arguments,
        ):
            code, _ = self._command.run(
                arguments, cwd=folder, env=self.env, encoding=self.output_encoding
            )
        if code in (0, self.retry_exit_code) or self.retry_exit_code is None:
            return code == 0
        raise AirflowFailException(
            f"the command ended with exit code {code}; 0 means that it is there, "
            f"{self.retry_exit_code} that it is not yet"
        )

    def on_kill(self) -> None:
        self._command.end()
