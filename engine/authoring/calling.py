"""An operator that calls a function: what `@task` and `PythonOperator` have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from penstock.authoring.arguments import is_async_callable
from penstock.authoring.calls import call_arguments
from penstock.authoring.context import Context
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.operator import BaseOperator
from penstock.authoring.returned import tell

CALL = frozenset({"op_args", "op_kwargs", "templates_dict"})


class CallingOperator(BaseOperator):
    """Calls `python_callable`; what it returns is the XCom.

    op_args, op_kwargs: its arguments (templates). Parameters with the name of a context entry
    (`ti`, `ds`, ...) are filled in by themselves; a function with `**kwargs` gets the whole
    context. templates_dict: rendered too, and given as `templates_dict`; templates_exts: endings of
    files that are templates. An `async def` function runs on an event loop with others of its kind.
    """

    template_fields: Sequence[str] = ("templates_dict", "op_args", "op_kwargs")

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        templates_dict: dict[str, Any] | None = None,
        templates_exts: Sequence[str] | None = None,
        show_return_value_in_logs: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(python_callable):
            raise InvalidArgumentError(
                f"task {self.task_id!r}: python_callable must be a function, not "
                f"{python_callable!r}.",
                self.place,
            )
        self.python_callable = python_callable
        # An XComArg is kept as it is: it becomes a list or dict when it is rendered.
        self.op_args: Any = op_args if op_args is not None else []
        self.op_kwargs: Any = op_kwargs if op_kwargs is not None else {}
        self.templates_dict = templates_dict
        if templates_exts:
            self.template_ext = tuple(templates_exts)
        self.show_return_value_in_logs = show_return_value_in_logs

    @classmethod
    def runs_async(cls, arguments: dict[str, Any]) -> bool:
        return is_async_callable(arguments.get("python_callable"))

    @classmethod
    def only_keeps(cls, given: dict[str, Any]) -> bool:
        is_ours = cls.__init__ is CallingOperator.__init__
        return is_ours and given.keys() <= CALL and all(it is not None for it in given.values())

    def execute(self, context: Context) -> Any:
        args, kwargs = self._call(context)
        return self._told(self.python_callable(*args, **kwargs))

    async def aexecute(self, context: Context) -> Any:
        args, kwargs = self._call(context)
        return self._told(await self.python_callable(*args, **kwargs))

    def _call(self, context: Context) -> tuple[Sequence[Any], dict[str, Any]]:
        context["templates_dict"] = self.templates_dict
        for name, value in self.op_kwargs.items():
            context.setdefault(name, value)  # as in Airflow, for map_index_template
        return call_arguments(self.python_callable, list(self.op_args), self.op_kwargs, context)

    def _told(self, returned: Any) -> Any:
        if self.show_return_value_in_logs and returned is not None:
            tell(self.log, returned)
        return returned
