"""DAG: what an author writes. It holds tasks and settings; it decides nothing.

`with DAG(...):` or `@dag` opens one; tasks made inside belong to it. A DAG that was opened (or made
by a `@dag` call) is offered to whoever reads the file, see `collecting`.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, overload

from penstock.authoring import arguments as given
from penstock.authoring.errors import DuplicateTaskError, InvalidArgumentError
from penstock.authoring.exceptions import ParamValidationError
from penstock.authoring.node import check_key
from penstock.authoring.params import ParamsDict
from penstock.authoring.places import caller_place
from penstock.authoring.vocabulary import NOTSET
from penstock.authoring.xcom_arg import DagParam

if TYPE_CHECKING:
    from jinja2 import Environment

    from penstock.authoring.group import TaskGroup
    from penstock.authoring.node import Node
    from penstock.testing.results import RunResult

P = ParamSpec("P")

NUMBERED = re.compile(r"__(\d+)$")
"""What is put behind an id that is taken."""

_open_dags: list[DAG] = []
_collectors: list[list[DAG]] = []


def current_dag() -> DAG | None:
    """Return the DAG whose `with` block we are in, if any."""
    return _open_dags[-1] if _open_dags else None


@contextlib.contextmanager
def collecting() -> Iterator[list[DAG]]:
    """Gather the DAGs that are opened in here, in order."""
    found: list[DAG] = []
    _collectors.append(found)
    try:
        yield found
    finally:
        _collectors.remove(found)


class DAG:
    """A workflow: tasks, and who waits for whom.

    dag_id: unique among all DAGs. schedule: cron, a preset (`@daily`), a timedelta, or None.
    start_date, end_date: the span in which the schedule makes runs. catchup: make those missed.
    default_args: arguments for every task that does not say otherwise. params: the runs' settings.
    max_active_tasks: task instances at a time in a run; max_active_runs: runs at a time.
    dagrun_timeout: a run that takes longer fails. fail_fast: the first failed task ends the run.
    on_success_callback, on_failure_callback: called with the context when a run has ended.
    template_searchpath, template_undefined, user_defined_macros, user_defined_filters,
    jinja_environment_kwargs, render_template_as_native_obj: how templates are rendered.

    Arguments that only Airflow's web page needs are taken and kept unused; those that change what
    happens and do not yet are a warning (`unheeded`).
    """

    def __init__(
        self,
        dag_id: str,
        description: str | None = None,
        *,
        schedule: Any = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        catchup: bool = False,
        default_args: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        doc_md: str | None = None,
        max_active_tasks: int = 16,
        max_active_runs: int = 16,
        max_consecutive_failed_dag_runs: int = 0,
        dagrun_timeout: timedelta | float | None = None,
        fail_fast: bool = False,
        is_paused_upon_creation: bool | None = None,
        on_success_callback: Any = None,
        on_failure_callback: Any = None,
        template_searchpath: str | Iterable[str] | None = None,
        template_undefined: Any = None,
        user_defined_macros: Mapping[str, Any] | None = None,
        user_defined_filters: Mapping[str, Callable[..., Any]] | None = None,
        jinja_environment_kwargs: Mapping[str, Any] | None = None,
        render_template_as_native_obj: bool = False,
        auto_register: bool = True,
        access_control: Any = None,
        owner_links: Mapping[str, str] | None = None,
        dag_display_name: str | None = None,
        deadline: Any = None,
        allowed_run_types: Any = None,
        disable_bundle_versioning: bool = False,
        rerun_with_latest_version: bool | None = None,
        **unknown: Any,
    ) -> None:
        place = self.place = caller_place()
        check_key(dag_id, "the dag_id", place)
        if unknown:
            known = inspect.signature(DAG).parameters
            given.refuse_unknown(f"DAG {dag_id!r}", unknown, known, place)
        self.dag_id = dag_id
        self.fileloc = os.path.abspath(place.file)
        self.default_args: dict[str, Any] = dict(default_args or {})
        self.params = self._params(params)
        self.schedule = schedule
        starts = start_date or self.default_args.get("start_date")
        ends = end_date or self.default_args.get("end_date")
        self.start_date = given.moment("start_date", starts, place)
        self.end_date = given.moment("end_date", ends, place)
        self.catchup, self.fail_fast = bool(catchup), bool(fail_fast)
        self.description, self.doc_md = description, self._doc(doc_md)
        self.tags = set(given.names("tags", tags, place))
        self.max_active_tasks = given.count("max_active_tasks", max_active_tasks, place)
        self.max_active_runs = given.count("max_active_runs", max_active_runs, place)
        self.max_consecutive_failed_dag_runs = max_consecutive_failed_dag_runs
        self.dagrun_timeout = given.duration("dagrun_timeout", dagrun_timeout, place)
        self.is_paused_upon_creation = is_paused_upon_creation
        self.on_success_callback = given.callbacks(
            "on_success_callback", on_success_callback, place
        )
        self.on_failure_callback = given.callbacks(
            "on_failure_callback", on_failure_callback, place
        )
        paths = [template_searchpath] if isinstance(template_searchpath, str) else None
        self.template_searchpath = paths or list(template_searchpath or [])
        self.template_undefined = template_undefined
        self.user_defined_macros = dict(user_defined_macros or {})
        self.user_defined_filters = dict(user_defined_filters or {})
        self.jinja_environment_kwargs = dict(jinja_environment_kwargs or {})
        self.render_template_as_native_obj = bool(render_template_as_native_obj)
        self.auto_register = auto_register
        self.access_control, self.owner_links = access_control, dict(owner_links or {})
        self.dag_display_name = dag_display_name or dag_id
        self.deadline, self.allowed_run_types = deadline, allowed_run_types
        self.disable_bundle_versioning = disable_bundle_versioning
        self.rerun_with_latest_version = rerun_with_latest_version
        self.task_dict: dict[str, Node] = {}
        self.groups: dict[str, TaskGroup] = {}
        self._numbers: dict[str, int] = {}  # the highest that stands behind an id
        self.edge_info: dict[str, dict[str, dict[str, str]]] = {}
        self._environments: dict[bool, Environment] = {}
        self.merged_params: dict[tuple[str, bytes], dict[str, Any]] = {}  # by task and conf
        self._check_params()

    def _params(self, params: Mapping[str, Any] | None) -> ParamsDict:
        try:
            found = ParamsDict(params)
            for name, value in (self.default_args.pop("params", None) or {}).items():
                found[name] = value
        except ParamValidationError as error:
            raise InvalidArgumentError(f"DAG {self.dag_id!r}: {error}", self.place) from None
        return found

    def _check_params(self) -> None:
        """Refuse a schedule whose runs would have params without a valid value."""
        if self.schedule is None:
            return
        try:
            self.params.validate()
        except ParamValidationError as error:
            raise InvalidArgumentError(
                f"DAG {self.dag_id!r} has a schedule, so each of its params needs a valid default: "
                f"{error}.",
                self.place,
            ) from None

    def _doc(self, doc_md: str | None) -> str | None:
        if doc_md is None or not doc_md.endswith(".md"):
            return doc_md
        try:
            with open(os.path.join(self.folder, doc_md), encoding="utf-8") as file:
                return file.read()
        except OSError:
            return doc_md

    # ------------------------------------------------------------ the tasks

    @property
    def tasks(self) -> list[Node]:
        return list(self.task_dict.values())

    @property
    def task_ids(self) -> list[str]:
        return list(self.task_dict)

    @property
    def task_count(self) -> int:
        return len(self.task_dict)

    @property
    def roots(self) -> list[Node]:
        return [task for task in self.tasks if not task.upstream_task_ids]

    @property
    def leaves(self) -> list[Node]:
        return [task for task in self.tasks if not task.downstream_task_ids]

    @property
    def task_group_dict(self) -> dict[str, TaskGroup]:
        return self.groups

    @property
    def folder(self) -> str:
        """The folder of the file that the DAG is written in; templates are looked for there."""
        return os.path.dirname(self.fileloc)

    @property
    def filepath(self) -> str:
        return self.fileloc

    @property
    def timezone(self) -> Any:
        return self.start_date.tzinfo if self.start_date is not None else None

    def has_task(self, task_id: str) -> bool:
        return task_id in self.task_dict

    def get_task(self, task_id: str) -> Node:
        """Return the task. Raises InvalidArgumentError if there is none of that id."""
        try:
            return self.task_dict[task_id]
        except KeyError:
            known = ", ".join(sorted(self.task_dict)) or "none"
            raise InvalidArgumentError(
                f"DAG {self.dag_id!r} has no task {task_id!r} (it has: {known}).", self.place
            ) from None

    def add_task(self, task: Node) -> None:
        """Take a task in. Raises DuplicateTaskError if its id is taken."""
        old = self.task_dict.get(task.task_id)
        if old is task:
            return
        if old is not None or task.task_id in self.groups:
            where = f" (the first one: {old.place})" if old is not None else " (a task group)"
            raise DuplicateTaskError(
                f"DAG {self.dag_id!r} already has a task {task.task_id!r}{where}. "
                "Give each its own task_id.",
                task.place,
            )
        self.task_dict[task.task_id] = task
        self._note(task.task_id)
        task._dag = self

    def add_group(self, group: TaskGroup) -> None:
        self.groups[group.group_id] = group
        self._note(group.group_id)

    def _note(self, key: str) -> None:
        if found := NUMBERED.search(key):
            core = key[: found.start()]
            self._numbers[core] = max(self._numbers.get(core, 0), int(found[1]))

    def next_free(self, key: str) -> str:
        """Return `key__N` with an N above that of every `key__...` that is taken, from 1."""
        core = NUMBERED.sub("", key)
        return f"{core}__{self._numbers.get(core, 0) + 1}"

    def add_tasks(self, tasks: Iterable[Node]) -> None:
        for task in tasks:
            self.add_task(task)

    def param(self, name: str, default: Any = NOTSET) -> DagParam:
        """Return a reference to a run's param `name`, which tasks may be given as an argument."""
        if default is not NOTSET:
            self.params[name] = default
        return DagParam(name, default)

    def get_template_env(self, *, native: bool | None = None) -> Environment:
        """Return the Jinja environment of this DAG's templates, made once."""
        from penstock.authoring.templates import environment

        wanted = self.render_template_as_native_obj if native is None else native
        if wanted not in self._environments:
            self._environments[wanted] = environment(self, native=wanted)
        return self._environments[wanted]

    def test(
        self,
        run_after: Any = None,
        logical_date: Any = NOTSET,
        run_conf: Mapping[str, Any] | None = None,
        conn_file_path: str | None = None,
        variable_file_path: str | None = None,
        use_executor: bool = False,
        mark_success_pattern: Any = None,
        *,
        real_time: bool = False,
    ) -> RunResult:
        """Run the DAG in this process, its output on the terminal: for `python my_dag.py`.

        Returns a `penstock.testing.RunResult`: its `state`, its `tasks` with their XComs. Debuggers
        work, since tasks run right here, one after another. logical_date: now if not said, None for
        a run without one. mark_success_pattern: a regex; tasks whose id it matches succeed unrun.
        conn_file_path, variable_file_path: files as Airflow exports them. real_time: retries and
        sensors really wait. run_after and use_executor are Airflow's, and change nothing here.
        """
        from importlib import import_module  # by its name: what tries DAGs stands above all rooms

        found: RunResult = import_module("penstock.testing.dagtest").test(
            self,
            logical_date=logical_date,
            run_conf=run_conf,
            conn_file_path=conn_file_path,
            variable_file_path=variable_file_path,
            mark_success_pattern=mark_success_pattern,
            real_time=real_time,
        )
        return found

    # ------------------------------------------------------------ as a context

    def __enter__(self) -> DAG:
        _open_dags.append(self)
        return self

    def __exit__(self, exc_type: object, *exc: object) -> None:
        _open_dags.pop()
        if exc_type is None and self.auto_register:
            for found in _collectors:
                if self not in found:
                    found.append(self)

    def __repr__(self) -> str:
        return f"<DAG: {self.dag_id}>"


class AirflowParsingContext(NamedTuple):
    """Which DAG and task of a file are wanted of it; None: all of them."""

    dag_id: str | None
    task_id: str | None


def get_parsing_context() -> AirflowParsingContext:
    """Return what is wanted of the DAG file that is being read: always all of it.

    A file is read once for all of its DAGs, also by a worker that is to run one task. Files that
    make DAGs in a loop may ask all the same: `if get_parsing_context().dag_id in (None, dag_id):`.
    """
    return AirflowParsingContext(None, None)


@overload
def dag(dag_id: Callable[P, Any], /) -> Callable[P, DAG]: ...
@overload
def dag(dag_id: str = "", **options: Any) -> Callable[[Callable[P, Any]], Callable[P, DAG]]: ...
def dag(dag_id: Any = "", **options: Any) -> Any:
    """Make a function into a DAG: `@dag` or `@dag(schedule=...)`; calling it makes the DAG.

    The function's parameters are params of the DAG, its docstring the DAG's doc_md, its name the
    dag_id, unless options say otherwise.
    """
    if callable(dag_id):
        return _dag_factory(dag_id, options)
    if dag_id:
        options["dag_id"] = dag_id
    return lambda function: _dag_factory(function, options)


def _dag_factory(function: Callable[..., Any], options: dict[str, Any]) -> Callable[..., DAG]:
    @functools.wraps(function)
    def factory(*args: Any, **kwargs: Any) -> DAG:
        settings = {"dag_id": function.__name__, **options}
        if settings.get("doc_md") is None and function.__doc__:
            settings["doc_md"] = inspect.cleandoc(function.__doc__)
        try:
            bound = inspect.signature(function).bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidArgumentError(f"DAG {settings['dag_id']!r}: {error}.") from None
        bound.apply_defaults()
        made = DAG(**settings)
        with made:
            function(**{name: made.param(name, value) for name, value in bound.arguments.items()})
        return made

    return factory
