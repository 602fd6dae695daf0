"""DAG -> SerializedDag: what the author's objects come down to, for those without the code.

Here a DAG is looked at as a whole for the first time, so here it is refused for what only shows
then: a cycle, a schedule that cannot be meant, a value that is no JSON.
"""

from __future__ import annotations

import heapq
import json
from datetime import datetime, timedelta
from typing import Any

from penstock.authoring.context import micros
from penstock.authoring.dag import DAG
from penstock.authoring.errors import (
    CycleError,
    InvalidArgumentError,
    UnserializableError,
    UnsupportedError,
)
from penstock.authoring.mapping import MappedOperator
from penstock.authoring.node import Node
from penstock.authoring.serialized import SerializedDag, SerializedSchedule, SerializedTask
from penstock.authoring.timetables import PRESETS, ScheduleError, check
from penstock.authoring.unheeded import warnings
from penstock.authoring.vocabulary import WeightRule

CALLBACKS = ("success", "failure", "retry", "skipped")


def serialize(dag: DAG, *, file: str | None = None, modules: tuple[str, ...] = ()) -> SerializedDag:
    """Return the DAG as data. file: the DAG's file, if the one it was made in is not meant.

    Raises DagFileError kin, with the author's file and line, for what cannot be.
    """
    order = topological(dag)
    weights = effective_weights(order)
    return SerializedDag(
        dag_id=dag.dag_id,
        tasks=tuple(_task(node, weights[node.task_id]) for node in order),
        file=file or dag.fileloc,
        schedule=schedule_of(dag),
        params={name: _json_param(dag, name) for name in dag.params},
        tags=tuple(sorted(dag.tags)),
        description=dag.description,
        doc_md=dag.doc_md,
        max_active_tasks=dag.max_active_tasks,
        max_active_runs=dag.max_active_runs,
        dagrun_timeout=_seconds(dag.dagrun_timeout),
        fail_fast=dag.fail_fast,
        paused_upon_creation=dag.is_paused_upon_creation,
        callbacks=tuple(name for name in CALLBACKS[:2] if getattr(dag, f"on_{name}_callback")),
        modules=modules,
        line=dag.place.line,
        warnings=tuple(warnings(dag, order)),
    )


def topological(dag: DAG) -> list[Node]:
    """Return the tasks, each after those it waits for, else as the author made them.

    Raises CycleError, naming a cycle, if there is no such order.
    """
    place = {task_id: number for number, task_id in enumerate(dag.task_dict)}
    waits_for = {task.task_id: len(task.upstream_task_ids) for task in dag.tasks}
    ready = [place[task_id] for task_id, upstream in waits_for.items() if not upstream]
    heapq.heapify(ready)
    made, order = dag.tasks, []
    while ready:
        task = made[heapq.heappop(ready)]
        order.append(task)
        for down in task.downstream_task_ids:
            waits_for[down] -= 1
            if not waits_for[down]:
                heapq.heappush(ready, place[down])
    if len(order) < len(made):
        path = _cycle(dag, {task_id for task_id, left in waits_for.items() if left})
        raise CycleError(dag.dag_id, path, dag.task_dict[path[0]].place)
    return order


def _cycle(dag: DAG, stuck: set[str]) -> list[str]:
    """Return a path of stuck tasks that ends where it begins."""
    task_id = min(stuck)
    seen: dict[str, int] = {}
    path: list[str] = []
    while task_id not in seen:  # each stuck task waits for a stuck one: going up must come round
        seen[task_id] = len(path)
        path.append(task_id)
        task_id = min(dag.task_dict[task_id].upstream_task_ids & stuck)
    return [*path[seen[task_id] :], task_id][::-1]


def effective_weights(order: list[Node]) -> dict[str, int]:
    """Return each task's priority: its own weight, and by its rule those of all that hang on it.

    Sets of tasks are bits of integers, so a DAG of thousands of tasks takes milliseconds.
    """
    bit = {task.task_id: number for number, task in enumerate(order)}
    own = [int(getattr(task, "priority_weight", 1)) for task in order]
    below = _reached(order[::-1], bit, "downstream_task_ids", order, WeightRule.DOWNSTREAM)
    above = _reached(order, bit, "upstream_task_ids", order, WeightRule.UPSTREAM)
    uniform = own[0] if own and len(set(own)) == 1 else None
    weights = {}
    for number, task in enumerate(order):
        rule = getattr(task, "weight_rule", WeightRule.DOWNSTREAM)
        others = {WeightRule.DOWNSTREAM: below, WeightRule.UPSTREAM: above}.get(rule, {})
        reached = others.get(number, 0)
        if uniform is not None:
            extra = uniform * reached.bit_count()
        else:
            extra = sum(own[other] for other in _bits(reached))
        weights[task.task_id] = own[number] + extra
    return weights


def _reached(
    walk: list[Node], bit: dict[str, int], edges: str, order: list[Node], rule: WeightRule
) -> dict[int, int]:
    """Return for each task the set of all tasks that it reaches along `edges`, as bits."""
    if not any(getattr(task, "weight_rule", WeightRule.DOWNSTREAM) == rule for task in order):
        return {}
    found: dict[int, int] = {}
    for task in walk:
        reached = 0
        for other in getattr(task, edges):
            reached |= found[bit[other]] | (1 << bit[other])
        found[bit[task.task_id]] = reached
    return found


def _bits(number: int) -> list[int]:
    found = []
    while number:
        low = number & -number
        found.append(low.bit_length() - 1)
        number ^= low
    return found


def _task(node: Any, weight: int) -> SerializedTask:
    mapped = node.over.described() if isinstance(node, MappedOperator) else ()
    return SerializedTask(
        task_id=node.task_id,
        operator=node.operator_name,
        upstream=tuple(sorted(node.upstream_task_ids)),
        trigger_rule=node.trigger_rule.value,
        retries=node.retries,
        retry_delay=node.retry_delay.total_seconds(),
        retry_exponential_backoff=node.retry_exponential_backoff not in (0, 1),
        retry_multiplier=node.retry_exponential_backoff or 2.0,
        max_retry_delay=_seconds(node.max_retry_delay),
        execution_timeout=_seconds(node.execution_timeout),
        pool=node.pool,
        pool_slots=node.pool_slots,
        weight=weight,
        queue=node.queue,
        max_active_tis_per_dag=node.max_active_tis_per_dag,
        max_active_tis_per_dagrun=node.max_active_tis_per_dagrun,
        mapped=mapped,
        is_async=node.is_async,
        is_empty=node.is_empty,
        is_setup=node.is_setup,
        is_teardown=node.is_teardown,
        on_failure_fail_dagrun=node.is_teardown and node.on_failure_fail_dagrun,
        exclusive=node.exclusive,
        depends_on_past=bool(node.depends_on_past),
        wait_for_downstream=bool(node.wait_for_downstream),
        ignore_first_depends_on_past=bool(node.ignore_first_depends_on_past),
        wait_for_past_depends_before_skipping=bool(node.wait_for_past_depends_before_skipping),
        callbacks=tuple(name for name in CALLBACKS if getattr(node, f"on_{name}_callback")),
        line=node.place.line,
        doc_md=_text_or_none(node, "doc_md"),
    )


def _text_or_none(node: Any, name: str) -> str | None:
    value = getattr(node, name)
    if value is None or isinstance(value, str):
        return value
    raise UnserializableError(
        f"task {node.task_id!r}: {name} must be text, not {type(value).__name__}.", node.place
    )


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else micros(moment)


def _json_param(dag: DAG, name: str) -> dict[str, Any]:
    said = dag.params.get_param(name).dump()
    try:
        # Read back, so that what JSON writes otherwise (a tuple, a key None) is the same for all.
        plain: dict[str, Any] = json.loads(json.dumps(said, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UnserializableError(
            f"DAG {dag.dag_id!r}: the param {name!r} must be JSON, its schema too: {error}.",
            dag.place,
        ) from None
    return plain


# ---------------------------------------------------------------- the schedule


def schedule_of(dag: DAG) -> SerializedSchedule:
    """Return the DAG's schedule. Raises InvalidArgumentError for one that cannot be meant."""
    said = dag.schedule
    frame: dict[str, Any] = {
        "timezone": _timezone(dag),
        "start": _micros(dag.start_date),
        "end": _micros(dag.end_date),
        "catchup": dag.catchup,
    }
    match said:
        case None:
            made = SerializedSchedule(kind="none", **frame)
        case "@once" | "@continuous":
            made = SerializedSchedule(kind=said.removeprefix("@"), said=said, **frame)
        case str():
            cron = PRESETS.get(said, said)
            made = SerializedSchedule(kind="cron", cron=cron, said=said, **frame)
        case timedelta():
            made = _delta(said, frame)
        case _ if (span := _relative(said)) is not None:
            made = _delta(span, frame)
        case _:
            raise UnsupportedError(
                f"DAG {dag.dag_id!r}: a schedule must be a cron expression, a preset like "
                f"'@daily', a timedelta or None; {type(said).__name__} is not here yet.",
                dag.place,
            )
    try:
        check(made)
    except ScheduleError as error:
        raise InvalidArgumentError(f"DAG {dag.dag_id!r}: {error}", dag.place) from None
    return made


def _delta(span: timedelta, frame: dict[str, Any]) -> SerializedSchedule:
    return SerializedSchedule(kind="delta", delta=span.total_seconds(), said=str(span), **frame)


def _relative(said: Any) -> timedelta | None:
    """Return a dateutil relativedelta that is no longer than weeks; months have no fixed length."""
    if type(said).__name__ != "relativedelta" or said.months or said.years:
        return None
    return timedelta(
        days=said.days,
        hours=said.hours,
        minutes=said.minutes,
        seconds=said.seconds,
        microseconds=said.microseconds,
    )


def _timezone(dag: DAG) -> str:
    """Return the time zone of the start: its IANA name, else its offset (`+02:00`)."""
    zone, start = dag.timezone, dag.start_date
    name = getattr(zone, "key", None) or getattr(zone, "zone", None) or getattr(zone, "name", None)
    if name:
        return str(name)
    if start is None or not start.utcoffset():
        return "UTC"
    offset = start.strftime("%z")
    return f"{offset[:3]}:{offset[3:5]}"
