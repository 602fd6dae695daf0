"""EmptyOperator: a task that does nothing, to give a crossing of many arrows a name."""

from __future__ import annotations

from penstock.authoring.context import Context
from penstock.authoring.operator import BaseOperator


class EmptyOperator(BaseOperator):
    """Does nothing and succeeds. Without callbacks a run ends it at once, without a worker.

    `[load_a, load_b] >> EmptyOperator(task_id="loaded") >> [train, report]`.
    """

    ui_color = "#e8f7e4"

    def execute(self, context: Context) -> None:
        return None

    @property
    def is_empty(self) -> bool:
        unchanged = type(self).execute is EmptyOperator.execute
        return unchanged and not self.has_code_around
