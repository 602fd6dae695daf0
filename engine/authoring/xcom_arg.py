"""The result of a task, before there is one: what TaskFlow hands from call to call.

Given to another task, alone or deep inside its arguments, it makes that task wait for this one;
when that task runs, it is replaced by the value. In a text it turns into the template that pulls
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from penstock.authoring.edges import Linkable
from penstock.authoring.errors import InvalidArgumentError, UnsupportedError
from penstock.authoring.exceptions import XComNotFound
from penstock.authoring.vocabulary import NOTSET

if TYPE_CHECKING:
    from penstock.authoring.context import Context
    from penstock.authoring.node import Node

RETURN_KEY = "return_value"


class XComArg(Linkable):
    """What the task `operator` pushes under `key`; `arg["name"]` is one of several outputs."""

    def __init__(self, operator: Node, key: str = RETURN_KEY) -> None:
        self.operator = operator
        self.key = key

    def heads(self) -> Sequence[Node]:
        return [self.operator]

    def tails(self) -> Sequence[Node]:
        return [self.operator]

    @property
    def roots(self) -> Sequence[Node]:
        return self.heads()

    @property
    def leaves(self) -> Sequence[Node]:
        return self.tails()

    def __getitem__(self, key: str) -> XComArg:
        if not isinstance(key, str):
            raise InvalidArgumentError(
                f"the result of task {self.operator.task_id!r} can only be asked for an entry by "
                f"its name, not by {key!r}; it has no length before the task ran."
            )
        return XComArg(self.operator, key)

    def __iter__(self) -> Iterator[Any]:
        raise InvalidArgumentError(
            f"the result of task {self.operator.task_id!r} cannot be looped over before the task "
            "ran: loop inside a task, or expand() a task over it."
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, XComArg):
            return NotImplemented
        return self.operator is other.operator and self.key == other.key

    def __hash__(self) -> int:
        return hash((id(self.operator), self.key))

    def __repr__(self) -> str:
        return f"XComArg({self.operator.task_id!r}, {self.key!r})"

    def __str__(self) -> str:
        """Return the template that pulls this."""
        return (
            f"{{{{ task_instance.xcom_pull(task_ids='{self.operator.task_id}', "
            f"dag_id='{self.operator.dag_id}', key='{self.key}') }}}}"
        )

    def as_setup(self) -> XComArg:
        self.operator.as_setup()
        return self

    def as_teardown(
        self, *, setups: Any = None, on_failure_fail_dagrun: bool | None = None
    ) -> XComArg:
        self.operator.as_teardown(setups=setups, on_failure_fail_dagrun=on_failure_fail_dagrun)
        return self

    def map(self, *others: Any, **options: Any) -> XComArg:
        """Not here yet; raises UnsupportedError."""
        raise UnsupportedError(
            "map(), zip() and concat() of a result are not here yet; do it in a @task between."
        )

    zip = concat = map

    def resolve(self, context: Context) -> Any:
        """Return the value: of a mapped task a list, in the order of map indexes, without Nones.

        None if the task returned none. Raises XComNotFound for an entry that was never pushed.
        """
        ti = context["ti"]
        found = ti.pull_all(self.operator.task_id, self.key)
        if self.operator.is_mapped:
            return [each.value for each in found if each.value is not None]
        if found:
            return found[0].value
        if self.key == RETURN_KEY or self.operator.multiple_outputs:
            return None
        raise XComNotFound(ti.dag_id, self.operator.task_id, self.key)

    def elements(self, context: Context) -> Any:
        """Return what a task expanded over this runs over. Raises XComNotFound without it."""
        ti = context["ti"]
        found = ti.elements(self.operator.task_id, self.key)
        if found is None:
            raise XComNotFound(ti.dag_id, self.operator.task_id, self.key)
        return found


class DagParam:
    """A parameter of a `@dag` function: what the run's conf says, else the default.

    It is resolved when a task runs, so it may stand wherever an XComArg may.
    """

    def __init__(self, name: str, default: Any = NOTSET) -> None:
        self.name, self.default = name, default

    def resolve(self, context: Context) -> Any:
        """Return the run's value. Raises KeyError if there is neither one nor a default."""
        conf = context["dag_run"].conf
        if self.name in conf:
            return conf[self.name]
        if self.default is not NOTSET:
            return self.default
        return context["params"][self.name]

    def __repr__(self) -> str:
        return f"DagParam({self.name!r})"


class LiteralValue:
    """A value that is not a template, whatever it looks like."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def resolve(self, context: Context) -> Any:
        return self.value


def literal(value: Any) -> LiteralValue:
    """Return `value` marked as no template: braces in it stay."""
    return LiteralValue(value)
