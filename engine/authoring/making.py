"""How a task comes to be: what happens around an operator's `__init__`.

Arguments that were not given come from `default_args` (at each level of subclassing, so an explicit
one always wins), the task joins the open DAG and group, and it waits for every task whose result
occurs in its template fields. A task can also be built apart from a DAG's graph, which is how an
instance of a mapped task comes to be (`build`).
"""

from __future__ import annotations

import abc
import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from penstock.authoring import scopes
from penstock.authoring.dag import current_dag
from penstock.authoring.errors import InvalidArgumentError, MissingArgumentError
from penstock.authoring.group import TaskGroup, current_group
from penstock.authoring.places import Place, caller_place

if TYPE_CHECKING:
    from penstock.authoring.dag import DAG


class OperatorMeta(abc.ABCMeta):
    """The metaclass of operators: calling a class of them makes a task, see the prose."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        place = caller_place()
        if args:
            raise InvalidArgumentError(
                f"{cls.__name__} takes its arguments by name only; {args[0]!r} has none.", place
            )
        dag, group = home_of(kwargs)
        return build(cls, kwargs, dag=dag, group=group, place=place, attach=True)


def home_of(kwargs: dict[str, Any]) -> tuple[DAG | None, TaskGroup | None]:
    """Return the DAG and group that a task made here, with these arguments, belongs to."""
    group = kwargs.get("task_group")
    dag = kwargs.get("dag") or (group.dag if group is not None else current_dag())
    return dag, group if group is not None else current_group(dag)


def default_args(
    dag: DAG | None, group: TaskGroup | None, own: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the arguments that hold where a task says nothing: its own, the groups', the DAG's."""
    return {
        **(dag.default_args if dag is not None else {}),
        **(group.default_args if group is not None else {}),
        **(own or {}),
    }


def build(
    cls: Any,
    kwargs: dict[str, Any],
    *,
    dag: DAG | None,
    group: TaskGroup | None,
    place: Place,
    attach: bool,
) -> Any:
    """Make a task. attach False: it knows its DAG and group, but they do not know it."""
    task = cls.__new__(cls, **kwargs)
    task.place = place
    task.task_group = group
    task._dag = None
    task._attached = attach
    task._default_args = default_args(dag, group, kwargs.get("default_args"))
    task.upstream_task_ids, task.downstream_task_ids = set(), set()
    task.__init__(**kwargs)
    if not attach:
        task._dag = dag
        return task
    if dag is not None:
        dag.add_task(task)
    if group is not None:
        group.children[task.task_id] = task
    scopes.note(task)
    for name in task.template_fields:
        task.wire(getattr(task, name, None))
    return task


def with_defaults(init: Callable[..., None]) -> Callable[..., None]:
    """Wrap an operator's `__init__`: default_args fill in, what is missing is said by name."""
    accepted, required = _parameters(init)

    @functools.wraps(init)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
        if not args:
            defaults = self._default_args
            for name in accepted:
                if name in defaults and name not in kwargs:
                    kwargs[name] = defaults[name]
            missing = [name for name in required if name not in kwargs]
            if missing:
                who = f"{type(self).__name__} {kwargs.get('task_id', '')!r}"
                raise MissingArgumentError(who, missing, self.place)
        init(self, *args, **kwargs)

    return wrapper


def _parameters(init: Callable[..., None]) -> tuple[list[str], list[str]]:
    """Return the names that an `__init__` takes, and those that it cannot do without."""
    plain = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    found = [p for p in list(inspect.signature(init).parameters.values())[1:] if p.kind in plain]
    never = {"default_args", "params", "dag", "task_group"}
    accepted = [p.name for p in found if p.name not in never]
    return accepted, [p.name for p in found if p.default is inspect.Parameter.empty]


@functools.cache
def known_to(cls: type) -> frozenset[str]:
    """Return every argument that making an operator of this class may be given."""
    names: set[str] = set()
    for base in cls.__mro__:
        if "__init__" not in base.__dict__ or base is object:
            continue
        parameters = inspect.signature(base.__dict__["__init__"]).parameters
        names.update(
            p.name
            for p in parameters.values()
            if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
        )
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            break
    return frozenset(names - {"self"})
