"""Dynamic mapping: one task in the file that becomes many in a run, one for each element.

`Operator.partial(shared).expand(each=[...])` makes a `MappedOperator`: the recipe. How many
instances a run has is the coordinator's to know (a literal's length, or that of an upstream's
result); which arguments the instance of an index has is worked out here, in the child that runs it,
and only then is the real operator built.

Over several arguments the instances are their product, the last argument fastest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from penstock.authoring import arguments as given
from penstock.authoring import scopes
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.making import build, default_args, known_to
from penstock.authoring.node import Node
from penstock.authoring.operator import BaseOperator
from penstock.authoring.places import Place
from penstock.authoring.serialized import MappedOver
from penstock.authoring.xcom_arg import XComArg

if TYPE_CHECKING:
    from penstock.authoring.context import Context
    from penstock.authoring.dag import DAG
    from penstock.authoring.group import TaskGroup

NEVER_MAPPED = frozenset(
    {"task_id", "dag", "task_group", "default_args", "trigger_rule", "retries"}
)
"""Arguments that decide a task's fate before an instance exists, so they must be shared."""


class OperatorPartial:
    """The shared arguments of a mapped task; `expand` or `expand_kwargs` completes it."""

    def __init__(
        self,
        operator_class: type[BaseOperator],
        kwargs: dict[str, Any],
        place: Place,
        dag: DAG | None,
        group: TaskGroup | None,
    ) -> None:
        given.refuse_unknown(
            f"{operator_class.__name__}.partial()",
            {name: kwargs[name] for name in kwargs.keys() - known_to(operator_class)},
            known_to(operator_class),
            place,
        )
        self.operator_class, self.kwargs, self.place = operator_class, kwargs, place
        self.dag, self.group = dag, group

    def expand(self, **mapped: Any) -> MappedOperator:
        """Make one instance for each element of these lists, dicts or task results."""
        name = self.operator_class.__name__
        check_mappable(f"{name}.expand()", mapped, self.place)
        unknown = {each: mapped[each] for each in mapped.keys() - known_to(self.operator_class)}
        known = known_to(self.operator_class)
        given.refuse_unknown(f"{name}.expand()", unknown, known, self.place)
        for each in mapped:
            if each in self.kwargs or each in NEVER_MAPPED:
                why = "is in partial() too" if each in self.kwargs else "must be the same for all"
                raise InvalidArgumentError(f"{name}.expand(): {each!r} {why}.", self.place)
        return self._mapped(Product(mapped))

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> MappedOperator:
        """Make one instance for each dict of a list, or of a task's result."""
        check_mappable(
            f"{self.operator_class.__name__}.expand_kwargs()", {"**": kwargs}, self.place
        )
        return self._mapped(EachDict(kwargs))

    def _mapped(self, over: Product | EachDict) -> MappedOperator:
        return MappedOperator(
            self.operator_class, self.kwargs, over, self.place, dag=self.dag, group=self.group
        )


def check_mappable(target: str, mapped: Mapping[str, Any], place: Place) -> None:
    """Refuse to expand over nothing, or over what has no elements (a text is no list)."""
    if not mapped:
        raise InvalidArgumentError(f"{target} needs at least one argument to expand over.", place)
    for name, value in mapped.items():
        if not isinstance(value, XComArg) and not is_mappable(value):
            raise InvalidArgumentError(
                f"{target}: {name!r} must be a list, a dict or a task's result, not "
                f"{type(value).__name__}.",
                place,
            )


def is_mappable(value: Any) -> bool:
    """Whether a value that a task returned, or an author wrote, can be expanded over."""
    return isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes | bytearray)


class Product:
    """Expanding over named arguments: the product of their elements."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments

    def described(self) -> tuple[MappedOver, ...]:
        return tuple(_described(name, value) for name, value in self.arguments.items())

    def instance(self, index: int, context: Context) -> tuple[dict[str, Any], set[int]]:
        """Return the arguments of an instance, and the ids of those values that came from XComs.

        Those must not be rendered as templates: they are data.
        """
        values = {
            name: value.elements(context) if isinstance(value, XComArg) else value
            for name, value in self.arguments.items()
        }
        total = math.prod(len(value) for value in values.values())
        if not 0 <= index < total:
            raise InvalidArgumentError(f"there is no instance {index} of {total}.")
        found: dict[str, Any] = {}
        for name, value in reversed(values.items()):
            index, place = divmod(index, len(value))
            found[name] = _element(value, place)
        data = {id(found[n]) for n, v in self.arguments.items() if isinstance(v, XComArg)}
        return {name: found[name] for name in self.arguments}, data

    def sources(self) -> Any:
        return self.arguments


class EachDict:
    """Expanding over whole sets of arguments: a list of dicts."""

    def __init__(self, dicts: Any) -> None:
        self.dicts = dicts

    def described(self) -> tuple[MappedOver, ...]:
        return (_described("**", self.dicts),)

    def instance(self, index: int, context: Context) -> tuple[dict[str, Any], set[int]]:
        from_xcom = isinstance(self.dicts, XComArg)
        dicts = self.dicts.elements(context) if from_xcom else self.dicts
        chosen = dicts[index]
        if isinstance(chosen, XComArg):
            chosen, from_xcom = chosen.resolve(context), True
        if not isinstance(chosen, Mapping) or not all(isinstance(key, str) for key in chosen):
            raise InvalidArgumentError(
                f"expand_kwargs() needs dicts whose keys are texts; element {index} is {chosen!r}."
            )
        return dict(chosen), {id(value) for value in chosen.values()} if from_xcom else set()

    def sources(self) -> Any:
        return self.dicts


def _described(name: str, value: Any) -> MappedOver:
    if isinstance(value, XComArg):
        return value.described(name)
    return MappedOver(argument=name, length=len(value))


def _element(value: Any, index: int) -> Any:
    if isinstance(value, Mapping):
        return next(item for place, item in enumerate(value.items()) if place == index)
    return value[index]


class MappedOperator(Node):
    """A task that becomes many: the operator's class, the shared arguments, what it is over.

    What the coordinator must know before there are instances (retries, pool, ...) comes from the
    shared arguments; the attributes of any task can be asked for here, too.
    """

    is_mapped = True

    def __init__(
        self,
        operator_class: type[BaseOperator],
        kwargs: dict[str, Any],
        over: Product | EachDict,
        place: Place,
        *,
        dag: DAG | None,
        group: TaskGroup | None,
    ) -> None:
        self.place, self.task_group, self._dag = place, group, None
        self.upstream_task_ids, self.downstream_task_ids = set(), set()
        self.operator_class, self.partial_kwargs, self.over = operator_class, dict(kwargs), over
        self.defaults = default_args(dag, group, kwargs.get("default_args"))
        self._twin: BaseOperator | None = None  # an instance that others are copies of
        prefix = group.prefix if group is not None else ""
        common = known_to(BaseOperator) & kwargs.keys()
        shared = {name: kwargs[name] for name in common} | {"default_args": self.defaults}
        if "task_id" not in shared:
            raise InvalidArgumentError(
                f"{operator_class.__name__}.partial() needs 'task_id'.", place
            )
        shared["task_id"] = self.task_id = prefix + shared["task_id"]
        self.model: BaseOperator = build(
            BaseOperator, shared, dag=dag, group=group, place=place, attach=False
        )
        if dag is not None:
            dag.add_task(self)
        if group is not None:
            group.children[self.task_id] = self
        scopes.note(self)
        self.wire([kwargs, over.sources()])

    def __getattr__(self, name: str) -> Any:
        if name == "model" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.model, name)

    def _become_teardown(self) -> None:
        self.model._become_teardown()

    @property
    def is_setup(self) -> bool:
        return self.model.is_setup

    @is_setup.setter
    def is_setup(self, value: bool) -> None:
        self.model.is_setup = value

    @property
    def is_teardown(self) -> bool:
        return self.model.is_teardown

    @is_teardown.setter
    def is_teardown(self, value: bool) -> None:
        self.model.is_teardown = value

    @property
    def multiple_outputs(self) -> bool:  # type: ignore[override]
        return self.model.multiple_outputs

    @property
    def is_async(self) -> bool:
        return self.operator_class.runs_async(self.partial_kwargs)

    @property
    def is_empty(self) -> bool:
        return False

    @property
    def operator_name(self) -> str:
        name = getattr(self.operator_class, "custom_operator_name", self.operator_class.__name__)
        return str(name)

    @property
    def task_type(self) -> str:
        return self.operator_class.__name__

    def unmap(self, index: int, context: Context) -> tuple[BaseOperator, set[int]]:
        """Return the operator of one instance, and the ids of values that are no templates."""
        mapped, data = self.over.instance(index, context)
        return self.instantiate(mapped), data

    def instantiate(self, mapped: dict[str, Any]) -> BaseOperator:
        """Return the operator that these arguments and the shared ones make."""
        kwargs = self.operator_class.joined(self.partial_kwargs, mapped)
        own = {name: it for name, it in kwargs.items() if it is not self.partial_kwargs.get(name)}
        if not self.operator_class.only_keeps(own):
            return self._built(kwargs)
        if self._twin is None:
            self._twin = self._built(kwargs)
        task: BaseOperator = object.__new__(type(self._twin))  # copy.copy takes four times as long
        vars(task).update(vars(self._twin) | own)
        return task

    def _built(self, kwargs: dict[str, Any]) -> BaseOperator:
        kwargs |= {"task_id": self.task_id, "default_args": self.defaults}
        task: BaseOperator = build(
            self.operator_class,
            kwargs,
            dag=self._dag,
            group=self.task_group,
            place=self.place,
            attach=False,
        )
        task.upstream_task_ids = set(self.upstream_task_ids)
        task.downstream_task_ids = set(self.downstream_task_ids)
        task.is_setup, task.is_teardown = self.is_setup, self.is_teardown
        return task

    def __repr__(self) -> str:
        return f"<Mapped({self.operator_name}): {self.task_id}>"
