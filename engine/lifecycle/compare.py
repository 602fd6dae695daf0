"""Are two states the same? The differences as sentences, for tests and `penstock db check`.

Runs that are over may have left one memory and not the other; they are left out. Of a quarantined
run only what people see is compared: it was left in the middle of a fact, and its counters decide
nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from penstock.lifecycle.state import DagState, RunState, State, TaskRecord
from penstock.lifecycle.states import RUN_ENDS, RUN_QUARANTINED

RUN_FIELDS = (
    "triggered",
    "triggered_at",
    "state",
    "started_at",
    "ended_at",
    "reason",
    "stopping",
    "counter",
    "callbacks",
)
RUN_COUNTERS = ("active", "held", "unfinished")
TASK_FIELDS = ("length", "states", "tries", "rest", "lengths", "gathered", "reason")
TASK_COUNTERS = (
    "again",
    "due",
    "ends",
    "flights",
    "left",
    "lost",
    "open_upstreams",
    "setup_ends",
    "waits",
)
STATE_FIELDS = ("seen", "now", "epoch", "redeliveries", "awaited")
STATE_DICTS = ("workers", "pools", "variables", "connections", "broken", "quarantined")


def is_over(run: RunState) -> bool:
    """Whether the run and its callbacks are over, so that nothing can change it any more."""
    return run.state in RUN_ENDS and not run.callbacks


def same(a: State, b: State, names: tuple[str, str] = ("the first", "the second")) -> list[str]:
    """Return how the states differ, a sentence each; an empty list if they do not."""
    return [
        f"{what} is {short(left)} in {names[0]} and {short(right)} in {names[1]}"
        for what, left, right in differences(a, b)
    ]


def differences(a: State, b: State) -> Iterator[tuple[str, Any, Any]]:
    """Yield (what, its value in a, its value in b). A missing thing's value is None."""
    yield from fields("the state's", a, b, STATE_FIELDS)
    for name in STATE_DICTS:
        yield from keyed(name, getattr(a, name), getattr(b, name))
    yield from keyed("plans", dict.fromkeys(a.plans, True), dict.fromkeys(b.plans, True))
    dags = keyed("DAG", a.dags, b.dags, equal=False)
    yield from dags
    for key in a.dags.keys() & b.dags.keys():
        yield from keyed(f"DAG {key}:", dag_parts(a.dags[key]), dag_parts(b.dags[key]))
    left = {key: run for key, run in a.runs.items() if not is_over(run)}
    right = {key: run for key, run in b.runs.items() if not is_over(run)}
    yield from keyed("run", left, right, equal=False)
    for key in left.keys() & right.keys():
        yield from run_differences(left[key], right[key])


def run_differences(a: RunState, b: RunState) -> Iterator[tuple[str, Any, Any]]:
    """Yield how two states of one run differ."""
    counted = RUN_QUARANTINED not in (a.state, b.state)
    yield from fields(f"run {a.key}:", a, b, RUN_FIELDS)
    if a.plan.version != b.plan.version:
        yield f"run {a.key}: version", a.plan.version, b.plan.version
        return
    if counted:
        yield from fields(f"run {a.key}:", a, b, RUN_COUNTERS)
    for one, other in zip(a.tasks, b.tasks, strict=True):
        yield from task_differences(f"run {a.key}: task {name(one)}:", one, other, counted)


def task_differences(
    where: str, a: TaskRecord, b: TaskRecord, counted: bool
) -> Iterator[tuple[str, Any, Any]]:
    yield from fields(where, a, b, TASK_FIELDS)
    if counted:
        yield from fields(where, a, b, TASK_COUNTERS)


def fields(
    where: str, a: object, b: object, names: tuple[str, ...]
) -> Iterator[tuple[str, Any, Any]]:
    for name in names:
        left, right = getattr(a, name), getattr(b, name)
        if left != right:
            yield f"{where} {name}", left, right


def keyed(
    where: str, a: Mapping[str, Any], b: Mapping[str, Any], *, equal: bool = True
) -> Iterator[tuple[str, Any, Any]]:
    """Compare two mappings by key; with `equal` false only whether each has the key."""
    for key in sorted(a.keys() | b.keys()):
        if (key in a) != (key in b) or (equal and a[key] != b[key]):
            yield f"{where} {key}", a.get(key), b.get(key)


def dag_parts(dag: DagState) -> dict[str, Any]:
    return {
        "version": dag.plan.version,
        "paused": dag.paused,
        "gone": dag.gone,
        "since": dag.since,
        "last_tick": dag.last_tick,
        "last_end": dag.last_end,
        "active": dag.active,
        "waiting": list(dag.waiting),
        "past": None if dag.past is None else (dag.past.dated, dag.past.ticks, dag.past.ended),
    }


def name(record: TaskRecord) -> str:
    return record.step.task.task_id


def short(value: object) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
