"""What providers make kinds of `@task` with: `DecoratedOperator` and `task_decorator_factory`.

A kind is a class that derives from `DecoratedOperator` and from an operator; its function's result
is an argument of that operator, or its function is what the operator runs elsewhere.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from penstock.authoring.context import Context
from penstock.authoring.decorators import Decorated, TaskFactory, make_factory
from penstock.authoring.operator import BaseOperator


class DecoratedOperator(Decorated, BaseOperator):
    """The side of a kind that holds the function and its arguments, which are templates."""

    template_fields: Sequence[str] = ("op_args", "op_kwargs")
    template_fields_renderers: ClassVar[dict[str, str]] = {"op_args": "py", "op_kwargs": "py"}
    custom_operator_name = ""

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        kwargs_to_upstream: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**(kwargs_to_upstream or {}), **kwargs)
        self.python_callable = python_callable
        self.op_args: Any = op_args if op_args is not None else []
        self.op_kwargs: Any = op_kwargs if op_kwargs is not None else {}

    def execute(self, context: Context) -> Any:
        """Leave it to the operator that stands behind this one."""
        return super().execute(context)

    def get_python_source(self) -> str:
        """Return the function's text without its decorators, for a Python elsewhere."""
        lines = textwrap.dedent(inspect.getsource(self.python_callable)).splitlines(keepends=True)
        starts = (at for at, line in enumerate(lines) if line.startswith(("def ", "async def ")))
        return "".join(lines[next(starts, 0) :])


def task_decorator_factory(
    python_callable: Callable[..., Any] | None = None,
    *,
    multiple_outputs: bool | None = None,
    decorated_operator_class: type[BaseOperator],
    **kwargs: Any,
) -> Any:
    """Return a function as tasks of a class; without one, a decorator that does.

    multiple_outputs: a returned dict is kept entry by entry too. kwargs: the operator's own.
    """
    options = {"multiple_outputs": multiple_outputs, **kwargs}

    def decorated(function: Callable[..., Any]) -> TaskFactory:
        return make_factory(function, dict(options), decorated_operator_class)

    return decorated if python_callable is None else decorated(python_callable)
