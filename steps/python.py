"""Operators that call a function: for its work, for a choice, for a yes or no."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from penstock.authoring.calling import CallingOperator
from penstock.authoring.context import Context
from penstock.authoring.decorators import Decorated
from penstock.steps.branch import BaseBranchOperator, SkipMixin


class PythonOperator(CallingOperator):
    """Calls `python_callable` with `op_args`, `op_kwargs` and what it wants of the context.

    `PythonOperator(task_id="train", python_callable=train, op_kwargs={"depth": 3})`; all its
    arguments are told at `CallingOperator`.
    """

    ui_color = "#ffefeb"


class BranchPythonOperator(BaseBranchOperator, PythonOperator):
    """Calls a function that returns which of the tasks right below go on; the others are skipped.

    It returns a task id, a task group's id, a list of these, or None:
    `BranchPythonOperator(task_id="choose", python_callable=lambda: "train") >> [train, stop]`.
    """

    def choose_branch(self, context: Context) -> str | Iterable[str] | None:
        chosen: str | Iterable[str] | None = PythonOperator.execute(self, context)
        return chosen

    async def aexecute(self, context: Context) -> Any:
        return self.do_branch(context, await PythonOperator.aexecute(self, context))


class ShortCircuitOperator(PythonOperator, SkipMixin):
    """Calls a function and goes on if what it returns is true; else all tasks below are skipped.

    ignore_downstream_trigger_rules False: only the tasks right below are skipped, and what is
    below those goes by its own trigger rule. Teardowns are never skipped by this.
    `ShortCircuitOperator(task_id="fresh", python_callable=has_new_rows) >> train`.
    """

    inherits_from_skipmixin = True

    def __init__(self, *, ignore_downstream_trigger_rules: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules

    def execute(self, context: Context) -> Any:
        return self._decided(context, super().execute(context))

    async def aexecute(self, context: Context) -> Any:
        return self._decided(context, await super().aexecute(context))

    def _decided(self, context: Context, condition: Any) -> Any:
        ti = context["ti"]
        if condition:
            ti.log.info("The condition holds: going on.")
            return condition
        everything = self.ignore_downstream_trigger_rules
        below = self.get_flat_relatives() if everything else self.get_direct_relatives()
        skips = self.skip(ti, [task for task in below if not task.is_teardown])
        return None if skips else condition


class BranchTask(Decorated, BranchPythonOperator):
    custom_operator_name = "@task.branch"


class ShortCircuitTask(Decorated, ShortCircuitOperator):
    custom_operator_name = "@task.short_circuit"
