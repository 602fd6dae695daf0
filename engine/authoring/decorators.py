"""`@task`: a function becomes a task, a call of it a task in the DAG, what it returns an XComArg.

    @task(retries=2)
    def double(x: int) -> int:
        return 2 * x

    double(double(3))

The arguments of a call are templates, and may hold other tasks' results however deep. Parameters
that have the name of a context entry (`ti`, `ds`, `params`, ...) are filled in by themselves.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Coroutine, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, overload

from penstock.authoring import arguments as given
from penstock.authoring import provided
from penstock.authoring.calling import CallingOperator
from penstock.authoring.context import Context
from penstock.authoring.dag import current_dag
from penstock.authoring.errors import (
    InvalidArgumentError,
    UnknownArgumentError,
    UnsupportedError,
)
from penstock.authoring.exceptions import AirflowSkipException
from penstock.authoring.group import current_group
from penstock.authoring.making import default_args, home_of
from penstock.authoring.mapping import EachDict, MappedOperator, Product, check_mappable
from penstock.authoring.operator import BaseOperator
from penstock.authoring.places import Place, caller_place
from penstock.authoring.vocabulary import CONTEXT_KEYS
from penstock.authoring.xcom_arg import XComArg

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, TypeVar

    P = ParamSpec("P", default=...)
    R = TypeVar("R", default=Any)
else:
    from typing import ParamSpec, TypeVar

    P, R = ParamSpec("P"), TypeVar("R")

KINDS = {
    "bash": "penstock.steps.bash:BashTask",
    "branch": "penstock.steps.python:BranchTask",
    "branch_external_python": "penstock.steps.other_python:BranchExternalTask",
    "branch_virtualenv": "penstock.steps.other_python:BranchVirtualenvTask",
    "external_python": "penstock.steps.other_python:ExternalTask",
    "sensor": "penstock.steps.sensors.python:SensorTask",
    "short_circuit": "penstock.steps.python:ShortCircuitTask",
    "virtualenv": "penstock.steps.other_python:VirtualenvTask",
}
"""`@task.<kind>`: where its operator is. By name, since operators stand on this package."""


class Decorated:
    """For operators that `@task` makes: over what a mapped one is expanded are its function's."""

    @classmethod
    def joined(cls, shared: dict[str, Any], mapped: dict[str, Any]) -> dict[str, Any]:
        return {**shared, "op_kwargs": {**shared["op_kwargs"], **mapped}}


class PythonTask(Decorated, CallingOperator):
    """A task made by `@task`. Its arguments are templates."""

    custom_operator_name = "@task"


class TaskFactory(Generic[P, R]):
    """A function under `@task`. A call makes a task; so do `partial`, `expand`.

    What a call's arguments may be, values or results of their type, mypy knows by
    `penstock.mypy_plugin`.
    """

    def __init__(
        self,
        function: Callable[P, R],
        options: dict[str, Any],
        operator_class: type[BaseOperator] = PythonTask,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function, self.options, self.operator_class = function, options, operator_class
        self.is_setup = self.is_teardown = False
        self.on_failure_fail_dagrun = False

    def __call__(self, *args: Any, **kwargs: Any) -> XComArg[R]:
        place = caller_place()
        kwargs = {**self._defaults(len(args)), **kwargs}
        _check_call(self.function, args, kwargs, place)
        task = self.operator_class(
            python_callable=self.function, op_args=args, op_kwargs=kwargs, **self._settings()
        )
        task.place = place
        task.is_setup = self.is_setup
        if self.is_teardown:
            task.as_teardown(on_failure_fail_dagrun=self.on_failure_fail_dagrun)
        return XComArg(task)

    def _defaults(self, placed: int = 0) -> dict[str, Any]:
        """Return what default_args say of the function's parameters, but for the first `placed`."""
        dag, group = home_of(self.options)
        said = default_args(dag, group, self.options.get("default_args"))
        if not said:
            return {}
        names = list(given.signature_of(self.function).parameters)[placed:]
        return {name: said[name] for name in names if name in said and name not in CONTEXT_KEYS}

    def _settings(self) -> dict[str, Any]:
        """Return the operator's own arguments: those of the decorator, and what it implies."""
        settings = {"task_id": self.function.__name__, **self.options}
        settings["task_id"] = _unique_task_id(settings["task_id"], settings)
        if settings.get("multiple_outputs") is None:
            settings["multiple_outputs"] = _returns_mapping(self.function)
        if settings.get("doc_md") is None and self.function.__doc__:
            settings["doc_md"] = inspect.cleandoc(self.function.__doc__)
        return settings

    def override(self, **options: Any) -> TaskFactory[P, R]:
        """Return the same function with other settings: `f.override(retries=3)(x)`."""
        other = TaskFactory(self.function, {**self.options, **options}, self.operator_class)
        other.is_setup, other.is_teardown = self.is_setup, self.is_teardown
        other.on_failure_fail_dagrun = self.on_failure_fail_dagrun
        return other

    def partial(self, **kwargs: Any) -> TaskFactory:
        """Give arguments of the function that all instances share; then `.expand(...)`."""
        place = caller_place()
        _check_names(f"{self.function.__name__}.partial()", self.function, kwargs, place)
        shared = self.options.get("op_kwargs") or {}
        if twice := sorted(shared.keys() & kwargs.keys()):
            raise InvalidArgumentError(f"partial() was given {', '.join(twice)} twice.", place)
        return self.override(op_kwargs={**shared, **kwargs})

    def expand(self, **mapped: Any) -> XComArg:
        """Make one instance for each element of these lists, dicts or task results."""
        place, target = caller_place(), f"{self.function.__name__}.expand()"
        check_mappable(target, mapped, place)
        _check_names(target, self.function, mapped, place)
        if twice := sorted((self.options.get("op_kwargs") or {}).keys() & mapped.keys()):
            raise InvalidArgumentError(f"{target}: {', '.join(twice)} is in partial() too.", place)
        return self._expand(Product(mapped), place)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> XComArg:
        """Make one instance for each dict of a list, or of a task's result."""
        place = caller_place()
        check_mappable(f"{self.function.__name__}.expand_kwargs()", {"**": kwargs}, place)
        return self._expand(EachDict(kwargs), place)

    def _expand(self, over: Product | EachDict, place: Place) -> XComArg:
        settings = self._settings()
        dag = settings.get("dag") or current_dag()
        arguments = {
            "python_callable": self.function,
            "op_args": [],
            **settings,
            "op_kwargs": {**self._defaults(), **(settings.get("op_kwargs") or {})},
        }
        group = settings.get("task_group") or current_group(dag)
        mapped = MappedOperator(self.operator_class, arguments, over, place, dag=dag, group=group)
        return XComArg(mapped)


class _Decorator(Protocol):
    """What `@task(...)` is."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> TaskFactory[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> TaskFactory[P, R]: ...


Condition: TypeAlias = Callable[[Context], "bool | tuple[bool, str | None]"]


class _TaskDecorator:
    """`task` itself: `@task`, `@task(...)`, and the other kinds: `@task.branch`, ..."""

    def __init__(self, operator: str = "penstock.authoring.decorators:PythonTask") -> None:
        self._operator = operator

    if TYPE_CHECKING:
        bash: _TaskDecorator
        branch: _TaskDecorator
        branch_external_python: _TaskDecorator
        branch_virtualenv: _TaskDecorator
        external_python: _TaskDecorator
        sensor: _TaskDecorator
        short_circuit: _TaskDecorator
        virtualenv: _TaskDecorator

    @overload
    def __call__(
        self, python_callable: Callable[P, Coroutine[Any, Any, R]]
    ) -> TaskFactory[P, R]: ...
    @overload
    def __call__(self, python_callable: Callable[P, R]) -> TaskFactory[P, R]: ...
    @overload
    def __call__(
        self, python_callable: None = None, *, multiple_outputs: bool | None = None, **options: Any
    ) -> _Decorator: ...
    def __call__(
        self,
        python_callable: Callable[..., Any] | None = None,
        *,
        multiple_outputs: bool | None = None,
        **options: Any,
    ) -> Any:
        """Make a function into a task; options are those of the kind's operator.

        multiple_outputs: a returned dict is kept entry by entry too; None: if the function says
        that it returns a dict.
        """
        options["multiple_outputs"] = multiple_outputs
        if python_callable is None:
            return lambda function: self._factory(function, options)
        return self._factory(python_callable, options)

    def _factory(self, function: Any, options: dict[str, Any]) -> TaskFactory:
        module, _, name = self._operator.partition(":")
        return make_factory(function, options, getattr(import_module(module), name))

    @property
    def python(self) -> _TaskDecorator:
        return task

    def run_if(self, condition: Condition, skip_message: str | None = None) -> Any:
        """Run the task below only where a condition holds, else skip it.

        condition: called with the context right before the task; it returns a bool, or a bool and a
        message. `@task.run_if(lambda context: context["params"]["deploy"])`, above `@task`.
        """
        return lambda factory: _guarded("run_if", factory, condition, True, skip_message)

    def skip_if(self, condition: Condition, skip_message: str | None = None) -> Any:
        """Skip the task below where a condition holds. As `run_if`, the other way round."""
        return lambda factory: _guarded("skip_if", factory, condition, False, skip_message)

    def __getattr__(self, name: str) -> Any:
        if name in KINDS:
            return _TaskDecorator(KINDS[name])
        if not name.startswith("_"):
            if (kind := provided.task_kind(name)) is not None:
                return kind
            if name in provided.TASK_KINDS:
                provider = provided.TASK_KINDS[name]
                raise UnsupportedError(
                    f"@task.{name} comes with the provider {provider}, which is not installed. "
                    f"Install it: penstock providers install {provider}"
                )
        raise AttributeError(f"@task has no kind {name!r}; there are {', '.join(sorted(KINDS))}.")


task = _TaskDecorator()


def make_factory(
    function: Any, options: dict[str, Any], operator_class: type[BaseOperator]
) -> TaskFactory:
    """Return the function as tasks of a class that takes `python_callable`; checked."""
    if isinstance(function, type) or not callable(function):
        raise InvalidArgumentError(f"@task makes functions into tasks; this is {function!r}.")
    for name, parameter in given.signature_of(function).parameters.items():
        if name in CONTEXT_KEYS and parameter.default not in (None, parameter.empty):
            raise InvalidArgumentError(
                f"{function.__name__}(): the parameter {name!r} has the name of a context entry, "
                "so its default can only be None."
            )
    return TaskFactory(function, options, operator_class)


def _guarded(
    name: str, factory: Any, condition: Condition, wanted: bool, message: str | None
) -> TaskFactory:
    """Return a task's function that asks a condition first, after those that it has already."""
    if not isinstance(factory, TaskFactory):
        raise InvalidArgumentError(
            f"@task.{name} stands above @task: it needs a task, not a function."
        )
    before = factory.options.get("pre_execute")

    def pre_execute(context: Context) -> None:
        if before is not None:
            before(context)
        said = condition(context)
        holds, why = said if isinstance(said, tuple) else (said, None)
        if bool(holds) is not wanted:
            raise AirflowSkipException(why or message or "Task was skipped due to condition.")

    return factory.override(pre_execute=pre_execute)


@overload
def setup(function: TaskFactory[P, R]) -> TaskFactory[P, R]: ...
@overload
def setup(function: Callable[P, R]) -> TaskFactory[P, R]: ...
def setup(function: Any) -> Any:
    """Mark a task's function: its tasks are setups of what is downstream.

    `@setup` above a function or above `@task`; then `with start_cluster() >> stop_cluster():`.
    """
    factory = function if isinstance(function, TaskFactory) else task(function)
    factory.is_setup = True
    return factory


@overload
def teardown(function: TaskFactory[P, R]) -> TaskFactory[P, R]: ...
@overload
def teardown(function: Callable[P, R]) -> TaskFactory[P, R]: ...
@overload
def teardown(function: None = None, *, on_failure_fail_dagrun: bool = False) -> _Decorator: ...
def teardown(function: Any = None, *, on_failure_fail_dagrun: bool = False) -> Any:
    """Mark a task's function: its tasks are teardowns, which run however the rest ended.

    on_failure_fail_dagrun: a failure of theirs fails the run. `@teardown` above a function or above
    `@task`.
    """
    if function is None:
        return functools.partial(teardown, on_failure_fail_dagrun=on_failure_fail_dagrun)
    factory = function if isinstance(function, TaskFactory) else task(function)
    factory.is_teardown = True
    factory.on_failure_fail_dagrun = on_failure_fail_dagrun
    return factory


def _unique_task_id(task_id: str, settings: dict[str, Any]) -> str:
    """Return the id that a further call of a task's function gets: `double`, `double__1`, ..."""
    dag = settings.get("dag") or current_dag()
    if dag is None:
        return task_id
    group = settings.get("task_group") or current_group(dag)
    prefix = group.prefix if group is not None else ""
    if prefix + task_id not in dag.task_dict:
        return task_id
    return dag.next_free(prefix + task_id).removeprefix(prefix)


def _returns_mapping(function: Callable[..., Any]) -> bool:
    """Whether a function is annotated to return a dict."""
    if "return" not in getattr(function, "__annotations__", {}):
        return False
    try:
        said = typing.get_type_hints(function).get("return")
    except Exception:  # an annotation may say anything, also what cannot be looked up
        return False
    kind = typing.get_origin(said) or said
    return isinstance(kind, type) and issubclass(kind, Mapping)


def _check_names(
    target: str, function: Callable[..., Any], names: Mapping[str, Any], place: Place
) -> None:
    parameters = given.signature_of(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    if unknown := names.keys() - parameters.keys():
        raise UnknownArgumentError(target, unknown, parameters, place)


def _check_call(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], place: Place
) -> None:
    """Refuse, while the file is read, a call that could not work when the task runs."""
    _check_names(f"{function.__name__}()", function, kwargs, place)
    signature = given.signature_of(function)
    filled = dict(kwargs)
    for place_in_call, parameter in enumerate(signature.parameters.values()):
        from_context = parameter.name in CONTEXT_KEYS and parameter.default is parameter.empty
        if from_context and place_in_call >= len(args):
            filled.setdefault(parameter.name, None)
    try:
        signature.bind(*args, **filled)
    except TypeError as error:
        raise InvalidArgumentError(f"{function.__name__}(): {error}.", place) from None
