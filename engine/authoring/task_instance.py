"""`ti`: the running task instance, as user code knows it. XComs go in and out through it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from penstock.authoring.backend import Backend, PulledXcom
from penstock.authoring.context import moment
from penstock.authoring.exceptions import AirflowException
from penstock.authoring.vocabulary import NOTSET
from penstock.authoring.xcom_arg import RETURN_KEY
from penstock.events.words import RunInfo, Work

if TYPE_CHECKING:
    from penstock.authoring.context import Context, DagRun


class TaskInstance:
    """One attempt of one task instance. map_index: -1 if not mapped; try_number: from 1.

    started_at: UTC microseconds. phase: how often this try has waited; first_started_at: when its
    first phase began.
    """

    def __init__(
        self,
        task: Any,
        work: Work,
        run: RunInfo,
        dag_run: DagRun,
        backend: Backend,
        started_at: int | None,
    ) -> None:
        self.task, self.dag_run, self.backend = task, dag_run, backend
        self.task_id, self.map_index = work.attempt.task, work.attempt.index
        self.try_number, self.max_tries = work.attempt.try_number, max(work.tries - 1, 0)
        self.dag_id, self.run_id = run.dag_id, run.run_id
        self.map_length = work.map_length
        self.phase = work.attempt.phase
        self.first_started_at = work.later.since if work.later is not None else started_at
        self.started_at, self.end_date = started_at, None
        self.state = "running"
        self.run_key = run.run
        self.context: Context = {}
        self.rendered_map_index: str | None = None

    @cached_property
    def start_date(self) -> Any:
        return moment(self.started_at)

    @property
    def operator(self) -> str:
        return str(getattr(self.task, "operator_name", ""))

    @property
    def queue(self) -> str:
        return str(getattr(self.task, "queue", "default"))

    @property
    def pool(self) -> str:
        return str(getattr(self.task, "pool", "default_pool"))

    @property
    def log(self) -> logging.Logger:
        return logging.getLogger("penstock.task")

    @property
    def is_mapped(self) -> bool:
        return self.map_index >= 0

    @property
    def logical_date(self) -> Any:
        return self.dag_run.logical_date

    @property
    def hostname(self) -> str:
        import platform

        return platform.node()

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        return (self.dag_id, self.task_id, self.run_id, self.try_number, self.map_index)

    def get_dagrun(self) -> DagRun:
        return self.dag_run

    def get_template_context(self) -> Context:
        return self.context

    def render_templates(self, context: Context | None = None) -> Any:
        self.task.render_template_fields(context or self.context)
        return self.task

    def get_first_reschedule_date(self, context: Context) -> Any:
        """Return when this try began, None before it has waited."""
        return moment(self.first_started_at) if self.phase else None

    def skip(self, task_ids: Iterable[str]) -> None:
        """Leave tasks of this run out: those that have not started when this one ends well."""
        self.backend.skip(list(task_ids))

    # ------------------------------------------------------------ XComs

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep `value` under `key` for other tasks. Raises TypeError if it cannot be kept."""
        if not isinstance(key, str):
            raise TypeError(f"the key of an XCom is a text, not {key!r}")
        self.backend.push(key, value)

    def xcom_pull(
        self,
        task_ids: str | Iterable[str] | None = None,
        dag_id: str | None = None,
        key: str = RETURN_KEY,
        include_prior_dates: bool = False,
        *,
        map_indexes: Any = NOTSET,
        default: Any = None,
        run_id: str | None = None,
    ) -> Any:
        """Return what other tasks pushed.

        task_ids: one id (None: this task's own), or several. map_indexes: one, several, or None for
        "not mapped". One task, and no indexes or one: its value; of a mapped task with several
        instances a list. Otherwise a list, in the order of tasks and indexes. What is missing is
        `default`.
        """
        if include_prior_dates:
            raise AirflowException(
                "xcom_pull(include_prior_dates=True) is not here yet; name the run by run_id."
            )
        one_task = task_ids is None or isinstance(task_ids, str)
        tasks: list[Any] = [task_ids or self.task_id] if one_task else list(task_ids or ())
        run = self.run_key
        if dag_id is not None or run_id is not None:
            run = f"{dag_id or self.dag_id}/{run_id or self.run_id}"
        if map_indexes is NOTSET:
            return self._pull_whole(run, tasks, key, one_task, default)
        one_index = map_indexes is None or isinstance(map_indexes, int)
        indexes = [map_indexes] if one_index else list(map_indexes)
        numbers = [-1 if index is None else index for index in indexes]
        found = {
            (each.task, each.index): each.value
            for each in self.backend.pull(run, tasks, key, numbers)
        }
        values = [found.get((task, number)) for task in tasks for number in numbers]
        values = [default if value is None else value for value in values]
        return values[0] if one_task and one_index else values

    def _pull_whole(
        self, run: str, tasks: Sequence[Any], key: str, one_task: bool, default: Any
    ) -> Any:
        found = self.backend.pull(run, tasks, key, None)
        values: list[Any] = []
        for task in tasks:
            own = [each.value for each in found if each.task == task]
            values.extend(own or [default])
        # As Airflow does: one value is given bare, also that of a mapped task with one instance.
        return values[0] if one_task and len(values) == 1 else values

    def elements(self, task_id: str, key: str) -> Sequence[Any] | None:
        """Return what a task of this run offers to be mapped over, None if it pushed nothing."""
        return self.backend.elements(self.run_key, task_id, key)

    def pull_all(self, task_id: str, key: str) -> list[PulledXcom]:
        """Return every XCom of a task of this run under `key`, in the order of map indexes."""
        return self.backend.pull(self.run_key, [task_id], key, None)
