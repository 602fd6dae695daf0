"""One attempt, run: from the facts that a worker was sent to the user's `execute(context)`.

In a straight line: the instance's operator (of a mapped task: with the arguments of its index), the
context, the templates, the hooks around, the work, and what it returned pushed. Whatever user code
raises passes through; what it means is the worker's to say. Nothing here reads a clock or does I/O:
values come and go through the `Backend`.
"""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from penstock.authoring.backend import Backend
from penstock.authoring.context import Context, DagRun, asking, build_context, params_of
from penstock.authoring.exceptions import (
    AirflowException,
    UnmappableXComTypePushed,
    XComForMappingNotPushed,
)
from penstock.authoring.mapping import MappedOperator, is_mappable
from penstock.authoring.operator import BaseOperator
from penstock.authoring.task_instance import TaskInstance
from penstock.authoring.templates import compiled, render_fields
from penstock.authoring.xcom_arg import RETURN_KEY
from penstock.events.words import RunInfo, Work

if TYPE_CHECKING:
    from penstock.authoring.dag import DAG

log = logging.getLogger("penstock.task")


def run_task(
    dag: DAG, work: Work, run: RunInfo, backend: Backend, *, started_at: int | None = None
) -> None:
    """Run one attempt of a task to its end. started_at: `ti.start_date`, in UTC microseconds.

    Returns if it succeeded. Raises what user code raised; TypeError for a result that cannot be
    kept; AirflowException kin for what is wrong between tasks.
    """
    attempt = _Attempt(dag, work, run, backend, started_at)
    with attempt:
        attempt.prepare()
        task, context = attempt.task, attempt.context
        _around(task, "_pre_execute_hook", context)
        task.pre_execute(context)
        for each in task.on_execute_callback:
            each(context)
        result = _execute(attempt)
        _finish(attempt, result)


async def run_task_async(
    dag: DAG, work: Work, run: RunInfo, backend: Backend, *, started_at: int | None = None
) -> None:
    """Run one attempt of a task that is a coroutine. As `run_task`, on the caller's event loop."""
    attempt = _Attempt(dag, work, run, backend, started_at)
    with attempt:
        attempt.prepare()
        task, context = attempt.task, attempt.context
        _around(task, "_pre_execute_hook", context)
        task.pre_execute(context)
        for each in task.on_execute_callback:
            each(context)
        result = _execute(attempt)
        if inspect.isawaitable(result):
            result = await result
        _finish(attempt, result)


def rendered_fields(dag: DAG, work: Work, run: RunInfo, backend: Backend) -> dict[str, Any]:
    """Return the template fields of a task instance as an attempt would find them, by name.

    Nothing is executed. Raises what rendering raises.
    """
    attempt = _Attempt(dag, work, run, backend, None)
    with attempt:
        attempt.prepare()
        return {name: getattr(attempt.task, name, None) for name in attempt.task.template_fields}


def run_callback(
    dag: DAG, work: Work, run: RunInfo, backend: Backend, *, started_at: int | None = None
) -> None:
    """Call what the author wants called for a state: of a task, or of the run (no task named).

    Every callback is called, also after one has raised; then the first error passes through.
    """
    attempt = _Attempt(dag, work, run, backend, started_at)
    with attempt:
        context = attempt.context
        if work.attempt.task:
            attempt.prepare_if_possible()
            context["ti"].state = CALLBACK_STATES[work.callback]
        context["reason"] = work.why or None
        if work.callback in ("failure", "retry"):
            context["exception"] = AirflowException(work.why or "the task failed")
        owner: Any = attempt.task if work.attempt.task else dag
        errors = []
        for each in getattr(owner, f"on_{work.callback}_callback"):
            try:
                each(context)
            except Exception as error:
                log.exception("the callback %r failed", each)
                errors.append(error)
        if errors:
            raise errors[0]


CALLBACK_STATES = {
    "success": "success",
    "failure": "failed",
    "retry": "up_for_retry",
    "skipped": "skipped",
}
"""The state that a task instance is in when its callback of a kind is called."""


class _Attempt:
    """The parts of one attempt; as a context manager it makes its context the current one."""

    def __init__(
        self, dag: DAG, work: Work, run: RunInfo, backend: Backend, started_at: int | None
    ) -> None:
        node: Any = dag.get_task(work.attempt.task) if work.attempt.task else None
        self.dag, self.work, self.node = dag, work, node
        self.dag_run = DagRun.of(run)
        # What is rendered in place is a copy, while the DAG is kept; of a mapped task the instance
        # that `prepare` makes.
        is_mapped = isinstance(node, MappedOperator)
        self.task: BaseOperator = node.model if is_mapped else copy.copy(node)
        self.ti = TaskInstance(self.task, work, run, self.dag_run, backend, started_at)
        shown = self.task or _RunItself()
        self.context: Context = build_context(
            dag, shown, self.ti, self.dag_run, params_of(dag, shown, run)
        )
        self.ti.context = self.context

    def __enter__(self) -> _Attempt:
        self._asking = asking(self.ti.backend, self.context)
        self._asking.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._asking.__exit__(None, None, None)

    def prepare(self) -> None:
        """Take this instance's own arguments, and render its templates."""
        data: set[int] = set()
        if isinstance(self.node, MappedOperator):
            self._become(*self.node.unmap(self.work.attempt.index, self.context))
            data = self._data
        render_fields(self.task, self.context, data=data)

    def _become(self, task: BaseOperator, data: set[int]) -> None:
        self.task, self._data = task, data
        self.ti.task = task
        self.context["task"] = task

    def prepare_if_possible(self) -> None:
        """Prepare for a callback: of a task that never started, what it needs may be missing."""
        shown = self.task
        try:
            self.prepare()
        except Exception as error:
            log.debug("the callback sees the task unrendered: %s", error)
            self._become(copy.copy(shown), set())


def _execute(attempt: _Attempt) -> Any:
    """Begin the work, or go on with it where it was deferred."""
    task, context = attempt.task, attempt.context
    resumed = attempt.ti.backend.resumed()
    if resumed is not None:
        return task.resume_execution(resumed.method, resumed.kwargs, context)
    return task.aexecute(context) if attempt.work.is_async else task.execute(context)


class _RunItself:
    """Stands for the task in the context of a DAG's own callbacks, which have none."""

    task_id = ""


def _around(task: BaseOperator, hook: str, *arguments: Any) -> None:
    function: Callable[..., Any] | None = getattr(task, hook)
    if function is not None:
        function(*arguments)


def _finish(attempt: _Attempt, result: Any) -> None:
    task, context = attempt.task, attempt.context
    if task.map_index_template and attempt.ti.is_mapped:
        # Only now: the task may have put what it is called by into its context.
        template = compiled(task.get_template_env(), task.map_index_template)
        attempt.ti.rendered_map_index = str(template.render(context))
    _around(task, "_post_execute_hook", context, result)
    task.post_execute(context, result)
    _push(attempt, result if task.do_xcom_push else None)


def _push(attempt: _Attempt, result: Any) -> None:
    """Keep what a task returned: None is nothing, several outputs also entry by entry."""
    mapped_over = not attempt.ti.is_mapped and is_mapped_over(attempt.dag, attempt.ti.task_id)
    if result is None:
        if mapped_over:
            raise XComForMappingNotPushed(
                f"task {attempt.ti.task_id!r} returned nothing, but another task is expanded over "
                "what it returns: return a list or a dict."
            )
        return
    if mapped_over and not is_mappable(result):
        raise UnmappableXComTypePushed(
            f"task {attempt.ti.task_id!r} returned a value of type {type(result).__name__}, but "
            "another task is expanded over it: return a list or a dict."
        )
    if attempt.task.multiple_outputs:
        _push_entries(attempt.ti, result)
    attempt.ti.xcom_push(RETURN_KEY, result)


def _push_entries(ti: TaskInstance, result: Any) -> None:
    if not isinstance(result, Mapping):
        raise TypeError(
            f"task {ti.task_id!r} has multiple_outputs, so it must return a dict, not "
            f"{type(result).__name__}"
        )
    for key in result:
        if not isinstance(key, str):
            raise TypeError(
                f"task {ti.task_id!r} has multiple_outputs, so the keys of what it returns must be "
                f"texts; {key!r} is {type(key).__name__}"
            )
    for key, value in result.items():
        ti.xcom_push(key, value)


def is_mapped_over(dag: DAG, task_id: str) -> bool:
    """Whether some task of the DAG is expanded over what this one returns."""
    cached: frozenset[str] | None = getattr(dag, "_mapped_over", None)
    if cached is None:
        cached = frozenset(
            source.task
            for node in dag.tasks
            if isinstance(node, MappedOperator)
            for over in node.over.described()
            for source in over.sources()
            if source.task is not None and source.key == RETURN_KEY
        )
        dag._mapped_over = cached  # type: ignore[attr-defined]
    return task_id in cached
