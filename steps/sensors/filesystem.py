"""FileSensor: waits for a file, or for one below a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from penstock.authoring.connections import Connection
from penstock.authoring.context import Context
from penstock.authoring.exceptions import AirflowException, AirflowNotFoundException
from penstock.authoring.sensor import BaseSensorOperator
from penstock.steps.triggers.file import FileTrigger, found

DEFAULT_CONNECTION = "fs_default"


class FileSensor(BaseSensorOperator):
    """Waits until a file is there, or any file below a folder.

    filepath: a path or a glob pattern, below the folder that connection `fs_conn_id` names as
    `path` in its extra (`fs_default` need not exist: then it is taken as it is). recursive: `**` in
    it means any depth. deferrable: it waits in a trigger and holds nothing.
    `FileSensor(task_id="wait", filepath="/data/in/*.csv", deferrable=True)`.
    """

    template_fields: Sequence[str] = ("filepath", "fs_conn_id")
    ui_color = "#91818a"

    def __init__(
        self,
        *,
        filepath: str,
        fs_conn_id: str = DEFAULT_CONNECTION,
        recursive: bool = False,
        deferrable: bool = False,
        start_from_trigger: bool = False,
        trigger_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filepath, self.fs_conn_id, self.recursive = filepath, fs_conn_id, recursive
        self.deferrable = deferrable
        # Taken, and without effect: it begins in `execute`, and defers from there.
        self.start_from_trigger, self.trigger_kwargs = start_from_trigger, trigger_kwargs

    @property
    def path(self) -> str:
        try:
            base = Connection.get(self.fs_conn_id).extra_dejson.get("path", "")
        except AirflowNotFoundException:
            if self.fs_conn_id != DEFAULT_CONNECTION:
                raise
            base = ""
        return os.path.join(base, self.filepath)

    def poke(self, context: Context) -> bool:
        path = self.path
        self.log.info("Looking for %s", path)
        file = found(path, self.recursive)
        if file is not None:
            self.log.info("Found %s", file)
        return file is not None

    def execute(self, context: Context) -> Any:
        if not self.deferrable:
            return super().execute(context)
        if not self.poke(context):
            self.defer(
                trigger=FileTrigger(self.path, self.recursive, self.poke_interval),
                method_name="execute_complete",
                timeout=self.timeout,
            )
        return None

    def execute_complete(self, context: Context, event: bool | None = None) -> None:
        """Go on after the wait."""
        if not event:
            raise AirflowException(f"{self.task_id}: {self.filepath} was not found.")
        self.log.info("%s was found.", self.filepath)
