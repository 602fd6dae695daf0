"""The smallest world in which a DAG runs: one process, tasks in topological order, XComs in a dict.

No coordinator and no worker: a task whose upstream did not succeed does not run, and that is all.
"""

from __future__ import annotations

import asyncio
import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Raw

from penstock.authoring import serialize
from penstock.authoring.backend import PulledXcom, Resumed
from penstock.authoring.dag import DAG
from penstock.authoring.exceptions import AirflowSkipException
from penstock.authoring.runtime import run_callback, run_task, run_task_async
from penstock.authoring.serialized import MappedOver, SerializedTask
from penstock.events.questions import RunTimes
from penstock.events.types import Attempt, Delivery
from penstock.events.words import RunInfo, Work
from penstock.worker import dagfile

Where = tuple[str, str, int, str]


@dataclass
class World:
    """XComs by (run, task, index, key), variables, and what each task instance ended as."""

    xcoms: dict[Where, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    connections: dict[str, dict[str, Any]] = field(default_factory=dict)
    masked: list[str] = field(default_factory=list)
    ends: dict[tuple[str, int], str] = field(default_factory=dict)
    errors: dict[tuple[str, int], BaseException] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    last_success: RunTimes | None = None
    resumed: Resumed | None = None

    def value(self, task: str, index: int = -1, key: str = "return_value", run: str = "") -> Any:
        found = {w[1:]: v for w, v in self.xcoms.items() if not run or w[0] == run}
        return found[(task, index, key)]

    def has(self, task: str, index: int = -1, key: str = "return_value") -> bool:
        return any(where[1:] == (task, index, key) for where in self.xcoms)


@dataclass
class MemoryBackend:
    """A Backend over a World, for one attempt."""

    world: World
    run: str
    task: str
    index: int
    pulls: int = 0

    def pull(
        self, run: str, tasks: Sequence[str], key: str, indexes: Sequence[int] | None
    ) -> list[PulledXcom]:
        self.pulls += 1
        return [
            PulledXcom(task, where[2], value)
            for task in tasks
            for where, value in sorted(self.world.xcoms.items(), key=lambda item: item[0])
            if where[0] == run and where[1] == task and where[3] == key
            if indexes is None or where[2] in indexes
        ]

    def elements(self, run: str, task: str, key: str) -> Sequence[Any] | None:
        found = self.pull(run, [task], key, None)
        if not found:
            return None
        if found[0].index >= 0:
            return [each.value for each in found if each.value is not None]
        value = found[0].value
        return list(value.items()) if isinstance(value, dict) else value

    def is_mapped(self, run: str, task: str) -> bool:
        return any(w[0] == run and w[1] == task and w[2] >= 0 for w in self.world.xcoms)

    def push(self, key: str, value: Any) -> None:
        self.world.xcoms[(self.run, self.task, self.index, key)] = value

    def resumed(self) -> Resumed | None:
        return self.world.resumed

    def trigger(self) -> tuple[str, dict[str, Any]]:
        raise NotImplementedError

    def skip(self, task_ids: Sequence[str]) -> None:
        self.world.left_out += task_ids

    def variable(self, key: str) -> str | None:
        return self.world.variables.get(key)

    def variable_keys(self, prefix: str) -> Sequence[str]:
        return [key for key in self.world.variables if key.startswith(prefix)]

    def change_variable(self, key: str, value: str | None, description: str | None) -> None:
        if value is None:
            self.world.variables.pop(key, None)
        else:
            self.world.variables[key] = value

    def connection(self, conn_id: str) -> dict[str, Any] | None:
        return self.world.connections.get(conn_id)

    def last_success(self) -> RunTimes | None:
        return self.world.last_success

    def mask(self, texts: Sequence[str]) -> None:
        self.world.masked += texts


def micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def run_info(dag: DAG, conf: Mapping[str, Any], logical_date: datetime | None) -> RunInfo:
    at = None if logical_date is None else micros(logical_date)
    return RunInfo(
        run=f"{dag.dag_id}/test",
        dag_id=dag.dag_id,
        run_id="test",
        run_type="manual",
        file=dag.fileloc,
        version="1",
        logical_date=at,
        interval_start=at,
        interval_end=at,
        triggered_at=1_000_000,
        started_at=2_000_000,
        conf=Raw(json.dumps(dict(conf)).encode()),
    )


def work_for(dag: DAG, task: str, index: int = -1, **more: Any) -> Work:
    attempt = Attempt(f"{dag.dag_id}/test", task, index, more.pop("try_number", 1))
    return Work(attempt=attempt, delivery=Delivery(1, 1), **more)


def run_one(
    dag: DAG,
    task: str,
    index: int = -1,
    *,
    world: World | None = None,
    conf: Mapping[str, Any] | None = None,
    logical_date: datetime | None = None,
    **more: Any,
) -> World:
    """Run one attempt. What the task raises passes through."""
    world = world or World()
    backend = MemoryBackend(world, f"{dag.dag_id}/test", task, index)
    more.setdefault("is_async", bool(task) and dag.get_task(task).is_async)
    info, work = run_info(dag, conf or {}, logical_date), work_for(dag, task, index, **more)
    if work.kind == "callback":
        run_callback(dag, work, info, backend)
    elif work.is_async:
        asyncio.run(run_task_async(dag, work, info, backend))
    else:
        run_task(dag, work, info, backend, started_at=3_000_000)
    return world


def run_dag(dag: DAG, **run: Any) -> World:
    """Run a whole DAG. An instance that raises has `failed`, and what needs it is not run."""
    world = run.pop("world", None) or World()
    tasks = serialize.serialize(dag).tasks
    ended: dict[str, set[str]] = {}
    for task in tasks:
        states = {state for up in task.upstream for state in ended[up]}
        ended[task.task_id] = set()
        blocked = states & {"failed", "upstream_failed"}
        if blocked or "skipped" in states:
            ended[task.task_id] = {"upstream_failed" if blocked else "skipped"}
            continue
        for index in instances(task, world):
            state = "success"
            try:
                run_one(dag, task.task_id, index, world=world, map_length=None, **run)
            except AirflowSkipException:
                state = "skipped"
            except Exception as error:
                state = "failed"
                world.errors[(task.task_id, index)] = error
            world.ends[(task.task_id, index)] = state
            ended[task.task_id].add(state)
    return world


def instances(task: SerializedTask, world: World) -> Sequence[int]:
    """Return the map indexes of a task, as a coordinator would know them."""
    if not task.mapped:
        return [-1]

    def length(over: MappedOver) -> int:
        own = {w[2]: v for w, v in world.xcoms.items() if w[1] == over.task and w[3] == over.key}
        mapped = -1 not in own
        return sum(v is not None for v in own.values()) if mapped else len(own[-1])

    return range(math.prod(over.width(length) or 0 for over in task.mapped))


def load_text(tmp_path: Path, text: str, name: str = "my_dag.py") -> dict[str, DAG]:
    """Write a DAG file and load it."""
    return dagfile.load(write(tmp_path, text, name))


def write(tmp_path: Path, text: str, name: str = "my_dag.py") -> str:
    file = tmp_path / name
    file.write_text(textwrap.dedent(text).lstrip("\n"))
    return str(file)
