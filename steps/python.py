"""PythonOperator: a task that calls a function."""

from __future__ import annotations

from penstock.authoring.calling import CallingOperator


class PythonOperator(CallingOperator):
    """Calls `python_callable` with `op_args`, `op_kwargs` and what it wants of the context.

    `PythonOperator(task_id="train", python_callable=train, op_kwargs={"depth": 3})`; all its
    arguments are told at `CallingOperator`.
    """

    ui_color = "#ffefeb"
