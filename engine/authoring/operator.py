"""BaseOperator: one task. Own operators subclass it and write `execute(context)`.

Here is what a task has and does; how it comes to be (defaults, DAG, edges) is in `making`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from penstock.authoring import arguments as given
from penstock.authoring.backend import GAVE_UP
from penstock.authoring.errors import InvalidArgumentError
from penstock.authoring.exceptions import (
    ParamValidationError,
    TaskDeferralError,
    TaskDeferralTimeout,
    TaskDeferred,
)
from penstock.authoring.group import TaskGroup
from penstock.authoring.making import OperatorMeta, home_of, known_to, with_defaults
from penstock.authoring.node import Node, check_key
from penstock.authoring.params import ParamsDict
from penstock.authoring.places import caller_place
from penstock.authoring.vocabulary import TriggerRule, WeightRule

if TYPE_CHECKING:
    from penstock.authoring.context import Context
    from penstock.authoring.dag import DAG
    from penstock.authoring.mapping import OperatorPartial

DEFAULT_RETRY_DELAY = timedelta(minutes=5)


class BaseOperator(Node, metaclass=OperatorMeta):
    """A task.

    task_id: unique in its DAG. retries: tries after the first; retry_delay (seconds or timedelta)
    before each, doubled each time with retry_exponential_backoff (a number: that many times), up to
    max_retry_delay. execution_timeout: a try that takes longer is killed and has failed.
    trigger_rule: how the tasks upstream must have ended. pool, pool_slots: a limit shared with
    others. priority_weight, weight_rule: who goes first when slots are scarce. queue: which workers
    may run it. max_active_tis_per_dag: instances at a time over all runs. exclusive: it never runs
    in two places at a time, whatever dies. do_xcom_push False: what it returns is dropped;
    multiple_outputs: a returned dict is also kept entry by entry. on_*_callback: called with the
    context.

    Subclasses name the attributes that may hold templates in `template_fields`, and the endings of
    template files in `template_ext`.
    """

    template_fields: Sequence[str] = ()
    template_ext: Sequence[str] = ()
    template_fields_renderers: ClassVar[dict[str, str]] = {}
    ui_color: str = "#fff"
    ui_fgcolor: str = "#000"
    is_mapped = False
    is_setup = False
    is_teardown = False
    on_failure_fail_dagrun = False

    _default_args: dict[str, Any]
    _attached: bool

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            setattr(cls, "__init__", with_defaults(cls.__dict__["__init__"]))  # noqa: B010

    def __init__(
        self,
        *,
        task_id: str,
        owner: str = "airflow",
        retries: int | None = 0,
        retry_delay: timedelta | float = DEFAULT_RETRY_DELAY,
        retry_exponential_backoff: bool | float = False,
        max_retry_delay: timedelta | float | None = None,
        execution_timeout: timedelta | float | None = None,
        trigger_rule: str = TriggerRule.ALL_SUCCESS,
        pool: str | None = None,
        pool_slots: int = 1,
        priority_weight: int = 1,
        weight_rule: str = WeightRule.DOWNSTREAM,
        queue: str = "default",
        max_active_tis_per_dag: int | None = None,
        max_active_tis_per_dagrun: int | None = None,
        exclusive: bool = False,
        do_xcom_push: bool = True,
        multiple_outputs: bool = False,
        params: Any = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        depends_on_past: bool = False,
        ignore_first_depends_on_past: bool = True,
        wait_for_past_depends_before_skipping: bool = False,
        wait_for_downstream: bool = False,
        on_execute_callback: Any = None,
        on_success_callback: Any = None,
        on_failure_callback: Any = None,
        on_retry_callback: Any = None,
        on_skipped_callback: Any = None,
        pre_execute: Callable[..., Any] | None = None,
        post_execute: Callable[..., Any] | None = None,
        email: Any = None,
        email_on_retry: bool = True,
        email_on_failure: bool = True,
        resources: Any = None,
        run_as_user: str | None = None,
        map_index_template: str | None = None,
        executor: str | None = None,
        executor_config: dict[str, Any] | None = None,
        retry_policy: Any = None,
        inlets: Any = None,
        outlets: Any = None,
        dag: DAG | None = None,
        task_group: TaskGroup | None = None,
        default_args: dict[str, Any] | None = None,
        doc: str | None = None,
        doc_md: str | None = None,
        doc_json: str | None = None,
        doc_yaml: str | None = None,
        doc_rst: str | None = None,
        task_display_name: str | None = None,
        logger_name: str | None = None,
        allow_nested_operators: bool = True,
        render_template_as_native_obj: bool | None = None,
        **unknown: Any,
    ) -> None:
        place = self.place
        check_key(task_id, "the task_id", place)
        given.refuse_unknown(
            f"{self.operator_name} {task_id!r}", unknown, known_to(type(self)), place
        )
        # An instance of a mapped task is built with the full id of the task.
        prefix = self.task_group.prefix if self.task_group is not None and self._attached else ""
        self.task_id = prefix + task_id
        self.owner = owner
        self.retries = given.count("retries", retries or 0, place)
        self.retry_delay = given.duration("retry_delay", retry_delay, place) or timedelta(0)
        self.retry_exponential_backoff = given.multiplier(
            "retry_exponential_backoff", retry_exponential_backoff, place
        )
        self.max_retry_delay = given.duration("max_retry_delay", max_retry_delay, place)
        self.execution_timeout = given.duration("execution_timeout", execution_timeout, place)
        self.trigger_rule: TriggerRule = given.word(
            "trigger_rule", trigger_rule, TriggerRule, place
        )
        self.pool = "default_pool" if pool is None else given.text("pool", pool, place)
        self.pool_slots = given.count("pool_slots", pool_slots, place, least=1)
        self.priority_weight = given.count("priority_weight", priority_weight, place, least=None)
        self.weight_rule: WeightRule = given.word("weight_rule", weight_rule, WeightRule, place)
        self.queue = given.text("queue", queue, place)
        self.max_active_tis_per_dag = given.optional_count(
            "max_active_tis_per_dag", max_active_tis_per_dag, place
        )
        self.max_active_tis_per_dagrun = given.optional_count(
            "max_active_tis_per_dagrun", max_active_tis_per_dagrun, place
        )
        self.exclusive = bool(exclusive)
        self.do_xcom_push, self.multiple_outputs = bool(do_xcom_push), bool(multiple_outputs)
        self.params = self._checked_params(params)
        self.start_date = given.moment("start_date", start_date, place)
        self.end_date = given.moment("end_date", end_date, place)
        self.depends_on_past = depends_on_past or wait_for_downstream
        self.ignore_first_depends_on_past = ignore_first_depends_on_past
        self.wait_for_past_depends_before_skipping = wait_for_past_depends_before_skipping
        self.wait_for_downstream = wait_for_downstream
        self.on_execute_callback = given.callbacks(
            "on_execute_callback", on_execute_callback, place
        )
        self.on_success_callback = given.callbacks(
            "on_success_callback", on_success_callback, place
        )
        self.on_failure_callback = given.callbacks(
            "on_failure_callback", on_failure_callback, place
        )
        self.on_retry_callback = given.callbacks("on_retry_callback", on_retry_callback, place)
        self.on_skipped_callback = given.callbacks(
            "on_skipped_callback", on_skipped_callback, place
        )
        self._pre_execute_hook, self._post_execute_hook = pre_execute, post_execute
        self.email, self.email_on_retry = email, email_on_retry
        self.email_on_failure = email_on_failure
        self.resources, self.run_as_user = resources, run_as_user
        self.map_index_template = map_index_template
        self.executor, self.executor_config = executor, dict(executor_config or {})
        self.retry_policy = retry_policy
        self.inlets, self.outlets = _listed(inlets), _listed(outlets)
        self.doc, self.doc_md, self.doc_json = doc, doc_md, doc_json
        self.doc_yaml, self.doc_rst = doc_yaml, doc_rst
        self.task_display_name = task_display_name or self.task_id
        self.logger_name, self.allow_nested_operators = logger_name, allow_nested_operators
        self.render_template_as_native_obj = render_template_as_native_obj

    def _checked_params(self, params: Any) -> ParamsDict:
        try:
            return params if isinstance(params, ParamsDict) else ParamsDict(params)
        except ParamValidationError as error:
            raise InvalidArgumentError(f"params: {error}", self.place) from None

    def _become_teardown(self) -> None:
        self.trigger_rule = TriggerRule.ALL_DONE_SETUP_SUCCESS

    # ------------------------------------------------------------ what runs

    def execute(self, context: Context) -> Any:
        """Do the work and return what others may pull. Own operators write this."""
        raise NotImplementedError(f"{type(self).__name__} has no execute(context).")

    async def aexecute(self, context: Context) -> Any:
        """Do the work on an event loop; used where `is_async` is true."""
        raise NotImplementedError(f"{type(self).__name__} has no aexecute(context).")

    def defer(
        self,
        *,
        trigger: Any,
        method_name: str,
        kwargs: dict[str, Any] | None = None,
        timeout: timedelta | float | None = None,
    ) -> NoReturn:
        """Give the slot back until `trigger` fires; then `method_name(context, event=...)` goes on.

        timeout: how long that may take, seconds or a timedelta; then this try has failed.
        """
        raise TaskDeferred(trigger=trigger, method_name=method_name, kwargs=kwargs, timeout=timeout)

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context
    ) -> Any:
        """Go on after a deferral. Own operators may wrap this.

        Raises TaskDeferralTimeout if what it waited for did not come in time, TaskDeferralError if
        that failed.
        """
        if next_method == GAVE_UP:
            what = next_kwargs or {}
            kind = TaskDeferralTimeout if what.get("late") else TaskDeferralError
            raise kind(str(what.get("error", "what it waited for failed")))
        return getattr(self, next_method)(context, **(next_kwargs or {}))

    def pre_execute(self, context: Context) -> None:
        """Called right before `execute`."""

    def post_execute(self, context: Context, result: Any = None) -> None:
        """Called right after `execute`, with what it returned."""

    def on_kill(self) -> None:
        """Called when a running task is told to stop: end what it started elsewhere."""

    def prepare_template(self) -> None:
        """Called after template files were read, before they are rendered."""

    @classmethod
    def runs_async(cls, arguments: dict[str, Any]) -> bool:
        """Whether a task with these arguments does its work in `aexecute`, on an event loop."""
        return False

    @property
    def is_async(self) -> bool:
        return type(self).runs_async(vars(self))

    @property
    def is_empty(self) -> bool:
        """Whether a run may end this task without a worker: it does nothing and calls nobody."""
        return False

    @property
    def has_code_around(self) -> bool:
        """Whether the author set something that runs beside `execute`, in the same attempt."""
        return bool(
            self.on_execute_callback
            or self._pre_execute_hook
            or self._post_execute_hook
            or self.outlets
        )

    @property
    def operator_name(self) -> str:
        """The name that people see for the kind of task."""
        return str(getattr(self, "custom_operator_name", type(self).__name__))

    @property
    def task_type(self) -> str:
        return type(self).__name__

    @property
    def log(self) -> logging.Logger:
        return logging.getLogger(self.logger_name or f"penstock.task.{type(self).__name__}")

    @classmethod
    def partial(cls, **kwargs: Any) -> OperatorPartial:
        """Give the arguments that all instances share; then `.expand(...)` those that differ."""
        from penstock.authoring.mapping import OperatorPartial

        return OperatorPartial(cls, kwargs, caller_place(), *home_of(kwargs))

    @classmethod
    def joined(cls, shared: dict[str, Any], mapped: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of one instance of a mapped task; `mapped` are its own."""
        return {**shared, **mapped}

    @classmethod
    def only_keeps(cls, given: dict[str, Any]) -> bool:
        """Whether making a task does nothing with these arguments but to keep them as attributes.

        Then a mapped task's instances that differ in nothing else are copies of one.
        """
        return False

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render this task's template fields in place."""
        from penstock.authoring.templates import render_fields

        render_fields(self, context, jinja_env)

    def render_template(self, content: Any, context: Context, jinja_env: Any = None) -> Any:
        """Return `content` rendered, whatever it is made of."""
        from penstock.authoring.templates import Renderer

        return Renderer(self, context, jinja_env).render(content)

    def get_template_env(self, dag: DAG | None = None) -> Any:
        return (dag or self.dag).get_template_env(native=self.render_template_as_native_obj)

    def __repr__(self) -> str:
        return f"<Task({self.operator_name}): {self.task_id}>"


class BaseAsyncOperator(BaseOperator):
    """A task that is a coroutine: subclasses write `async def aexecute(self, context)`."""

    @classmethod
    def runs_async(cls, arguments: dict[str, Any]) -> bool:
        return True


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set) else [value]


BaseOperator.__init__ = with_defaults(BaseOperator.__init__)  # type: ignore[method-assign]
