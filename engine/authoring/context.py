"""The context: what a running task is told, by Airflow's names.

A run that stands for no moment has no `ds`, `ts`, `logical_date` or `data_interval_*` at all,
rather than "now". The current context is kept per thread of execution (a contextvar), so that tasks
that run together on one event loop each see their own.
"""

from __future__ import annotations

import calendar
import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from penstock.authoring import masking
from penstock.authoring.backend import Backend
from penstock.authoring.connections import ConnectionAccessor
from penstock.authoring.exceptions import AirflowException
from penstock.authoring.later import Later
from penstock.authoring.params import merged
from penstock.authoring.variables import VariableAccessor
from penstock.events.questions import RunTimes
from penstock.events.words import RunInfo

if TYPE_CHECKING:
    from penstock.authoring.dag import DAG
    from penstock.authoring.task_instance import TaskInstance

Context: TypeAlias = dict[str, Any]
"""What `execute(context)` and callbacks are given."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_current: ContextVar[Context | None] = ContextVar("penstock_context", default=None)


def get_current_context() -> Context:
    """Return the context of the task that runs here. Raises AirflowException outside of one.

    `get_current_context()["ti"].xcom_push("rows", 3)`, in any function that a task calls.
    """
    found = _current.get()
    if found is None:
        raise AirflowException(
            "no task runs here: get_current_context() can only be called while one does."
        )
    return found


class Asked:
    """What an attempt asks, and what its worker masks for it.

    Kept for each: what others that run in the same process had masked goes when they do.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._masked: set[str] = set()

    def mask(self, texts: Iterable[str]) -> None:
        """Have texts masked in what this attempt prints, each once."""
        if new := [text for text in texts if text not in self._masked]:
            self.backend.mask(new)
            self._masked.update(new)


_asked: ContextVar[Asked | None] = ContextVar("penstock_asked", default=None)
_asked_of_all: list[Asked] = []
"""What the attempts that run in this process ask."""


class Looking:
    """Whether code of a DAG file is run that stands outside of tasks, and what it looked up."""

    loading = 0
    times = 0


@contextmanager
def asking(
    backend: Backend, context: Context | None = None, *, loading: bool = False
) -> Iterator[None]:
    """What runs within is an attempt's: `Variable`, `Connection` and hooks ask its backend.

    context: the current one within; a trigger has none. loading: it is the DAG file's top level.
    """
    one = Asked(backend)
    masking.begin(one.mask, alone=not _asked_of_all)
    _asked_of_all.append(one)
    asked, current = _asked.set(one), _current.set(context)
    Looking.loading += loading
    try:
        yield
    finally:
        Looking.loading -= loading
        _current.reset(current)
        _asked.reset(asked)
        _asked_of_all.remove(one)


def is_in_task() -> bool:
    """Whether this code runs for an attempt, rather than while a DAG file is loaded."""
    return bool(_asked_of_all) and not Looking.loading


def current_backend() -> Backend | None:
    """Return what the attempt that runs here may ask for a value; None outside of one."""
    Looking.times += 1
    found = asked_here()
    return None if found is None else found.backend


def asked_here() -> Asked | None:
    """Return what the attempt that runs here asks; None outside of one.

    A thread that a task started knows no context; it is that of the only attempt, if there is one.
    """
    found = _asked.get()
    return _asked_of_all[0] if found is None and len(_asked_of_all) == 1 else found


@lru_cache(maxsize=256)
def moment(micros: int | None) -> Any:
    """Return UTC microseconds as a pendulum DateTime, to the microsecond.

    Kept, since all instances of a run are told the same ones, and one takes 10 us to make.
    """
    if micros is None:
        return None
    import pendulum

    return pendulum.instance(EPOCH + timedelta(microseconds=micros), tz="UTC")


def micros(moment: datetime) -> int:
    """Return a moment's UTC microseconds, by whole numbers: a float would lose some."""
    return calendar.timegm(moment.utctimetuple()) * 1_000_000 + moment.microsecond


@dataclass
class DagRun:
    """A run, as user code sees it (`dag_run`, `context["dag_run"]`)."""

    dag_id: str
    run_id: str
    run_type: str
    conf: dict[str, Any]
    logical_date: Any = None
    data_interval_start: Any = None
    data_interval_end: Any = None
    queued_at: Any = None
    start_date: Any = None
    end_date: Any = None
    run_after: Any = None
    state: str = "running"
    external_trigger: bool = False
    consumed_asset_events: list[Any] = field(default_factory=list)
    partition_key: str | None = None

    @classmethod
    def of(cls, run: RunInfo) -> DagRun:
        return cls(
            dag_id=run.dag_id,
            run_id=run.run_id,
            run_type=run.run_type,
            conf=conf_of(run),
            logical_date=moment(run.logical_date),
            data_interval_start=moment(run.interval_start),
            data_interval_end=moment(run.interval_end),
            queued_at=moment(run.triggered_at or None),
            start_date=moment(run.started_at or None),
            run_after=moment(run.interval_end or run.triggered_at or None),
            external_trigger=run.run_type == "manual",
        )


def conf_of(run: RunInfo) -> dict[str, Any]:
    return msgspec.json.decode(run.conf) or {}


MOST_PARAMS = 64


def params_of(dag: DAG, task: Any, run: RunInfo) -> dict[str, Any]:
    """Return what a task sees as `params`. Raises ParamValidationError if conf does not fit.

    Merged and checked once for all instances of a task; each gets lists and dicts of its own.
    """
    key = (task.task_id, bytes(run.conf))
    found = dag.merged_params.get(key)
    if found is None:
        if len(dag.merged_params) >= MOST_PARAMS:
            dag.merged_params.clear()
        found = merged(dag.params, getattr(task, "params", None), conf_of(run))
        dag.merged_params[key] = found
    return {
        name: copy.deepcopy(value) if isinstance(value, dict | list) else value
        for name, value in found.items()
    }


def build_context(
    dag: DAG, task: Any, ti: TaskInstance, dag_run: DagRun, params: dict[str, Any]
) -> Context:
    """Return the context of one attempt. params: as `params_of` gives them."""
    from penstock.authoring import macros

    context: Context = {
        "dag": dag,
        "dag_run": dag_run,
        "run_id": dag_run.run_id,
        "task": task,
        "ti": ti,
        "task_instance": ti,
        "try_number": ti.try_number,
        "params": params,
        "macros": macros,
        "var": {
            "value": VariableAccessor(ti.backend, from_json=False),
            "json": VariableAccessor(ti.backend, from_json=True),
        },
        "conn": ConnectionAccessor(ti.backend),
        "inlets": getattr(task, "inlets", []),
        "outlets": getattr(task, "outlets", []),
        "map_index_template": getattr(task, "map_index_template", None),
        "expanded_ti_count": ti.map_length,
        "task_instance_key_str": f"{dag.dag_id}__{task.task_id}__{dag_run.run_id}",
        "task_reschedule_count": ti.phase,
        "triggering_asset_events": {},
        "test_mode": False,
    }
    last = _LastSuccess(ti.backend)
    context["prev_start_date_success"] = Later(lambda: moment(last.times.started_at))
    context["prev_end_date_success"] = Later(lambda: moment(last.times.ended_at))
    if dag_run.logical_date is not None:
        context |= _dated(dag_run)
        start, end = "prev_data_interval_start_success", "prev_data_interval_end_success"
        context[start] = Later(lambda: moment(last.times.interval_start))
        context[end] = Later(lambda: moment(last.times.interval_end))
        context["task_instance_key_str"] = f"{dag.dag_id}__{task.task_id}__{context['ds_nodash']}"
    return context


class _LastSuccess:
    """The DAG's run that succeeded before this one; asked for once, if at all."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    @cached_property
    def times(self) -> RunTimes:
        return self.backend.last_success() or RunTimes(None, None, None, None)


def _dated(dag_run: DagRun) -> Context:
    """Return the entries that only a run with a logical date has."""
    logical_date = dag_run.logical_date
    ds, ts = logical_date.strftime("%Y-%m-%d"), logical_date.isoformat()
    return {
        "logical_date": logical_date,
        "data_interval_start": dag_run.data_interval_start,
        "data_interval_end": dag_run.data_interval_end,
        "ds": ds,
        "ds_nodash": ds.replace("-", ""),
        "ts": ts,
        "ts_nodash": logical_date.strftime("%Y%m%dT%H%M%S"),
        "ts_nodash_with_tz": ts.replace("-", "").replace(":", ""),
    }


def environment_variables(context: Context) -> dict[str, str]:
    """Return the environment variables by which a process that a task starts knows where it is."""
    ti, dag_run = context["ti"], context["dag_run"]
    found = {
        "AIRFLOW_CTX_DAG_ID": ti.dag_id,
        "AIRFLOW_CTX_TASK_ID": ti.task_id,
        "AIRFLOW_CTX_DAG_RUN_ID": ti.run_id,
        "AIRFLOW_CTX_TRY_NUMBER": str(ti.try_number),
        "AIRFLOW_CTX_DAG_OWNER": str(getattr(context["task"], "owner", "")),
        "PENSTOCK_DAG_ID": ti.dag_id,
        "PENSTOCK_TASK_ID": ti.task_id,
        "PENSTOCK_RUN_ID": ti.run_id,
        "PENSTOCK_TRY_NUMBER": str(ti.try_number),
    }
    if dag_run.logical_date is not None:
        found["AIRFLOW_CTX_LOGICAL_DATE"] = dag_run.logical_date.isoformat()
    return found
