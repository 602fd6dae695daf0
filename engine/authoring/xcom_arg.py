"""The result of a task, before there is one: what TaskFlow hands from call to call.

Given to another task, alone or deep inside its arguments, it makes that task wait for this one;
when that task runs, it is replaced by the value. In a text it turns into the template that pulls
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic

from penstock.authoring import scopes
from penstock.authoring.edges import Linkable
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import AirflowException, XComNotFound
from penstock.authoring.serialized import MappedOver
from penstock.authoring.vocabulary import NOTSET

if TYPE_CHECKING:
    from penstock.authoring.context import Context
    from penstock.authoring.node import Node
    from penstock.authoring.scopes import Scope

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    R = TypeVar("R", default=Any, covariant=True)
else:
    from typing import TypeVar

    R = TypeVar("R")

RETURN_KEY = "return_value"


class XComArg(Linkable, Generic[R]):
    """What the task `operator` pushes under `key`; `arg["name"]` is one of several outputs.

    For type checkers it is a result of type R; `penstock.mypy_plugin` holds parameters to it.
    """

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

    def __enter__(self) -> Scope:
        return scopes.enter([self.operator])

    def __exit__(self, *exc: object) -> None:
        scopes.leave()

    def as_setup(self) -> XComArg:
        self.operator.as_setup()
        return self

    def as_teardown(
        self, *, setups: Any = None, on_failure_fail_dagrun: bool | None = None
    ) -> XComArg:
        self.operator.as_teardown(setups=setups, on_failure_fail_dagrun=on_failure_fail_dagrun)
        return self

    def map(self, f: Callable[[Any], Any]) -> XComArg:
        """Return this result with `f` called on each element, in the task that uses it.

        `load.expand(file=list_files().map(str.lower))`; where `f` raises AirflowSkipException, the
        instance of that element is skipped. Raises InvalidArgumentError, a ValueError, for a task.
        """
        return MappedResult(_whole(self, "map"), f)

    def zip(self, *others: XComArg, fillvalue: Any = NOTSET) -> XComArg:
        """Return tuples of this result's elements and others', as long as the shortest of them.

        fillvalue: stands for what is missing, and the longest counts.
        """
        return ZippedResults([_whole(each, "zip") for each in (self, *others)], fillvalue)

    def concat(self, *others: XComArg) -> XComArg:
        """Return this result's elements and then the others'."""
        return JoinedResults([_whole(each, "concat") for each in (self, *others)])

    def described(self, argument: str) -> MappedOver:
        """Return how many instances a task that is expanded over this has, and what it awaits."""
        return MappedOver(argument=argument, task=self.operator.task_id, key=self.key)

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


class DerivedResult(XComArg):
    """Something made of results, element by element, in the task that uses it."""

    def __init__(self, parts: Sequence[XComArg]) -> None:
        super().__init__(parts[0].operator)
        self.parts = parts

    def tails(self) -> Sequence[Node]:
        return [node for part in self.parts for node in part.tails()]

    heads = tails

    def made(self, values: list[Sequence[Any]]) -> Sequence[Any]:
        """Return what the elements of the parts make."""
        raise NotImplementedError

    def resolve(self, context: Context) -> Any:
        """Return a list. Raises AirflowException if a part is neither a list nor a dict."""
        return list(self.made([_sequence(part.resolve(context), part) for part in self.parts]))

    def elements(self, context: Context) -> Any:
        return self.made([_sequence(part.elements(context), part) for part in self.parts])

    def __getitem__(self, key: str) -> XComArg:
        raise InvalidArgumentError(f"{self!r} has no entries; take {key!r} of a task's result.")

    def __str__(self) -> str:
        raise InvalidArgumentError(f"{self!r} cannot be put into a text; give it as an argument.")

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class MappedResult(DerivedResult):
    """`result.map(f)`."""

    def __init__(self, source: XComArg, f: Callable[[Any], Any]) -> None:
        if not callable(f) or hasattr(f, "expand"):
            raise InvalidArgumentError(f"map() needs a plain function, not {f!r}.")
        super().__init__([source])
        self.f = f

    def made(self, values: list[Sequence[Any]]) -> Sequence[Any]:
        return Lazy(len(values[0]), lambda index: self.f(values[0][index]))

    def described(self, argument: str) -> MappedOver:
        return self.parts[0].described(argument)

    def __repr__(self) -> str:
        return f"{self.parts[0]!r}.map({getattr(self.f, '__name__', self.f)})"


class ZippedResults(DerivedResult):
    """`result.zip(other)`."""

    def __init__(self, parts: Sequence[XComArg], fillvalue: Any) -> None:
        super().__init__(parts)
        self.fillvalue = fillvalue
        self.is_filled = fillvalue is not NOTSET

    def made(self, values: list[Sequence[Any]]) -> Sequence[Any]:
        lengths = [len(value) for value in values]
        length = max(lengths) if self.is_filled else min(lengths)
        return Lazy(
            length,
            lambda index: tuple(
                value[index] if index < len(value) else self.fillvalue for value in values
            ),
        )

    def described(self, argument: str) -> MappedOver:
        how = "most" if self.is_filled else "least"
        parts = tuple(part.described("") for part in self.parts)
        return MappedOver(argument=argument, how=how, parts=parts)

    def __repr__(self) -> str:
        return f"{self.parts[0]!r}.zip({', '.join(map(repr, self.parts[1:]))})"


class JoinedResults(DerivedResult):
    """`result.concat(other)`."""

    def made(self, values: list[Sequence[Any]]) -> Sequence[Any]:
        def element(index: int) -> Any:
            for value in values:
                if index < len(value):
                    return value[index]
                index -= len(value)
            raise IndexError(index)

        return Lazy(sum(len(value) for value in values), element)

    def described(self, argument: str) -> MappedOver:
        parts = tuple(part.described("") for part in self.parts)
        return MappedOver(argument=argument, how="sum", parts=parts)

    def __repr__(self) -> str:
        return f"{self.parts[0]!r}.concat({', '.join(map(repr, self.parts[1:]))})"


class Lazy(Sequence[Any]):
    """A sequence whose elements are made when they are taken: an instance needs but one."""

    def __init__(self, length: int, make: Callable[[int], Any]) -> None:
        self._length, self._make = length, make

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._make(each) for each in range(*index.indices(self._length))]
        if not -self._length <= index < self._length:
            raise IndexError(index)
        return self._make(index % self._length)


def _whole(result: Any, what: str) -> XComArg:
    """Return a result of which other results can be made. Raises InvalidArgumentError."""
    if not isinstance(result, XComArg):
        raise InvalidArgumentError(
            f"{what}() takes results of tasks; {result!r} is none. A @task may return it."
        )
    if result.key != RETURN_KEY:
        raise InvalidArgumentError(
            f"{what}() needs what a task returned; this is its entry {result.key!r}."
        )
    return result


def _sequence(value: Any, source: XComArg) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return value
    raise AirflowException(
        f"map(), zip() and concat() need lists or dicts; {source!r} is of type "
        f"{type(value).__name__}."
    )


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
