"""`run_dag`, `run_task`, `render_task`: a DAG, one of its tasks, or its templates, tried here.

All three stand on one `Trial`: the folders, the clock and the streams around a `Stage`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from msgspec import structs

from penstock.authoring import masking, runtime
from penstock.authoring.arguments import moment as read_moment
from penstock.authoring.dag import DAG
from penstock.authoring.node import Node
from penstock.authoring.places import caller_place
from penstock.authoring.serialize import serialize
from penstock.authoring.serialized import MappedOver, SerializedDag, SerializedTask
from penstock.authoring.vocabulary import NOTSET
from penstock.authoring.xcom_arg import RETURN_KEY
from penstock.errors import UsageError
from penstock.events import types as t
from penstock.events import words as w
from penstock.lifecycle.commands import XcomRows
from penstock.lifecycle.limits import NO_LIMIT
from penstock.lifecycle.state import State
from penstock.testing.answers import Answers
from penstock.testing.attempts import Attempts
from penstock.testing.clock import VirtualClock
from penstock.testing.others import OtherDags
from penstock.testing.results import RunResult, TaskResult
from penstock.testing.stage import Listener, Stage
from penstock.testing.streams import captured
from penstock.worker import xcom
from penstock.worker.xcom import BlobFolder

T = TypeVar("T")


class TrialError(UsageError):
    """What is to be tried cannot be tried so; the sentence says what to give."""


def run_dag(
    dag: DAG,
    *,
    conf: Mapping[str, Any] | None = None,
    logical_date: Any = NOTSET,
    run_id: str | None = None,
    xcoms: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    connections: Mapping[str, Any] | None = None,
    pools: Mapping[str, int] | None = None,
    other_dags: Mapping[str, str] | None = None,
    mark_success: str | re.Pattern[str] | None = None,
    real_time: bool = False,
    echo: bool = True,
    listener: Listener | None = None,
) -> RunResult:
    """Run a DAG to its end in this process, and return what became of it.

    conf: of the run; params are checked. logical_date: a datetime or a text of one (UTC if it names
    no zone), None for a run without one; now if not said. xcoms: what tasks return, by task id;
    these are not run, and succeed with that (a mapped one: a list, an element each). variables: by
    key. connections: by id, each a URI, a dict of fields or a Connection. Environment variables
    (`PENSTOCK_VAR_...`) go before both, as in production. pools: slots by name, besides
    `default_pool`; if not said, every pool that the DAG names is there, without a limit.
    other_dags: how runs of other DAGs end that tasks trigger or wait for, `success` or `failed`, by
    DAG id; if not said, every DAG is there and its runs succeed. mark_success: tasks whose whole id
    it matches succeed without being run. real_time: retries and sensors really wait. echo: what
    tasks print is shown as well as kept.

    A failed task is no exception here: see `RunResult`. Raises DagFileError kin for a DAG that
    cannot be, TriggerRefusedError for a conf that its params refuse.
    """
    serialized = serialize(dag)

    def play() -> RunResult:
        others = OtherDags(other_dags)
        with trial(dag, variables, connections, others, real_time=real_time, echo=echo) as made:
            given = made.given(xcoms or {})
            stage = made.stage(listener=listener, mark_success=mark_success, given=given)
            date = micros_of(logical_date, made.clock)
            there = pools_of(serialized) if pools is None else pools
            stage.begin(serialized, conf=conf or {}, logical_date=date, run_id=run_id, pools=there)
            stage.play()
            return RunResult(stage)

    return aside(play)


def run_task(dag: DAG, task_id: str, *, map_index: int | None = None, **options: Any) -> TaskResult:
    """Run one task of a DAG, one try of it, whatever it depends on. Options as of `try_task`."""
    found = try_task(dag, task_id, map_index=map_index, **options).tasks[task_id]
    if map_index is None:
        return found
    return TaskResult(task_id, [found[map_index]], is_mapped=False)


def try_task(
    dag: DAG,
    task_id: str,
    *,
    map_index: int | None = None,
    xcoms: Mapping[str, Any] | None = None,
    conf: Mapping[str, Any] | None = None,
    logical_date: Any = NOTSET,
    variables: Mapping[str, Any] | None = None,
    connections: Mapping[str, Any] | None = None,
    real_time: bool = False,
    echo: bool = True,
    listener: Listener | None = None,
) -> RunResult:
    """Return the run of one task alone.

    xcoms: what upstream tasks returned, by task id; what a task is mapped over has to be there.
    map_index: that instance of a mapped task alone; else all run. The rest as for `run_dag`.
    Raises TrialError if it cannot be known how many instances there are.
    """
    alone, _ = alone_of(dag, serialize(dag), task_id, xcoms or {}, map_index)

    def play() -> RunResult:
        with trial(dag, variables, connections, real_time=real_time, echo=echo) as made:
            stage = made.stage(listener=listener, only_index=map_index)
            date = micros_of(logical_date, made.clock)
            stage.begin(alone, conf=conf or {}, logical_date=date)
            made.give(stage, xcoms or {})
            stage.play()
            return RunResult(stage)

    return aside(play)


def render_task(
    dag: DAG,
    task_id: str,
    *,
    map_index: int | None = None,
    xcoms: Mapping[str, Any] | None = None,
    conf: Mapping[str, Any] | None = None,
    logical_date: Any = NOTSET,
    variables: Mapping[str, Any] | None = None,
    connections: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a task's template fields as an attempt would find them; nothing of it is run.

    What is secret in them is masked. The arguments are those of `run_task`; raises what rendering
    raises.
    """
    alone, width = alone_of(dag, serialize(dag), task_id, xcoms or {}, map_index)
    if width is not None and map_index is None:
        raise TrialError(f"task {task_id!r} is mapped: say which instance, 0 to {width - 1}.")

    def render() -> dict[str, Any]:
        with trial(dag, variables, connections, real_time=False, echo=False) as made:
            stage = made.stage()
            date = micros_of(logical_date, made.clock)
            stage.begin(alone, conf=conf or {}, logical_date=date)
            made.give(stage, xcoms or {})
            attempt = t.Attempt(stage.key, task_id, -1 if map_index is None else map_index)
            work = w.Work(attempt=attempt, delivery=t.Delivery(1, 1), map_length=width)
            backend = made.attempts.backend(work)
            fields = runtime.rendered_fields(dag, work, stage.maker.info(stage.key), backend)
            shown = masking.redact(fields)
            assert isinstance(shown, dict)
            return shown

    return aside(render)


# ---------------------------------------------------------------- what is around a stage


class Trial:
    """The parts of one trial that a stage is made of."""

    def __init__(
        self, dag: DAG, state: State, clock: VirtualClock, answers: Answers, attempts: Attempts
    ) -> None:
        self.dag, self.state, self.clock = dag, state, clock
        self.answers, self.attempts = answers, attempts

    def stage(self, **options: Any) -> Stage:
        return Stage(self.state, self.clock, self.answers, self.attempts, **options)

    def give(self, stage: Stage, xcoms: Mapping[str, Any]) -> None:
        """Let these be what upstream tasks returned."""
        for task_id, value in xcoms.items():
            self.answers.keep(XcomRows(stage.key, task_id, -1, 1, self.pushed(task_id, value)))

    def given(self, xcoms: Mapping[str, Any]) -> Callable[[t.Attempt], tuple[t.Xcom, ...] | None]:
        """Return what says of an attempt what it is to have pushed; None: it is to be run."""

        def find(attempt: t.Attempt) -> tuple[t.Xcom, ...] | None:
            if attempt.task not in xcoms:
                return None
            value = xcoms[attempt.task]
            return self.pushed(attempt.task, value if attempt.index < 0 else value[attempt.index])

        for task_id in xcoms:
            known(self.dag, task_id)
        return find

    def pushed(self, task_id: str, value: Any) -> tuple[t.Xcom, ...]:
        """Return the XComs of a task that returned a value; one of None leaves none."""
        outputs = known(self.dag, task_id).multiple_outputs and isinstance(value, Mapping)
        values = {**value, RETURN_KEY: value} if outputs else {RETURN_KEY: value}
        blobs = self.attempts.blobs
        return tuple(xcom.encode(key, one, blobs) for key, one in values.items() if one is not None)


@contextmanager
def trial(
    dag: DAG,
    variables: Mapping[str, Any] | None,
    connections: Mapping[str, Any] | None,
    others: OtherDags | None = None,
    *,
    real_time: bool,
    echo: bool,
) -> Iterator[Trial]:
    """Set the scene, and put back everything afterwards: streams, logging, environment, folder."""
    clock, state = VirtualClock(real=real_time), State()
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="penstock-trial-"))
        folder = os.path.join(home, "task")
        os.makedirs(folder)
        blobs = BlobFolder(os.path.join(home, "blobs"))
        answers = Answers(state, variables, connections, blobs.find, others)
        attempts = Attempts(dag, answers, clock, folder, blobs)
        stack.callback(attempts.close)
        stack.enter_context(environment_kept())
        stack.enter_context(captured(echo=echo))
        stack.enter_context(clock.rule())
        yield Trial(dag, state, clock, answers, attempts)


@contextmanager
def environment_kept() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def aside(play: Callable[[], T]) -> T:
    """Play it here; where an event loop runs, as in an async test, in a thread beside it.

    Tasks may run loops of their own, which no thread with a running one allows.
    """
    if asyncio._get_running_loop() is None:
        return play()
    found: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            found.append(play())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,))
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return found[0]


def micros_of(said: Any, clock: VirtualClock) -> int | None:
    """Return a logical date as microseconds, now if nothing was said."""
    if said is NOTSET:
        return clock.now()
    if said is None or isinstance(said, int):
        return said
    if isinstance(said, str):
        said = datetime.fromisoformat(said)
    found = read_moment("logical_date", said, caller_place())
    assert found is not None
    return round(found.timestamp() * 1_000_000)


def known(dag: DAG, task_id: str) -> Node:
    """Return a task. Raises TrialError if there is none of that id."""
    if not dag.has_task(task_id):
        there = ", ".join(dag.task_ids)
        raise TrialError(f"DAG {dag.dag_id!r} has no task {task_id!r} (it has: {there}).")
    return dag.get_task(task_id)


def pools_of(dag: SerializedDag) -> dict[str, int]:
    """Return the pools that a DAG names, each without a limit."""
    return {task.pool: NO_LIMIT for task in dag.tasks}


# ---------------------------------------------------------------- one task alone


def alone_of(
    dag: DAG,
    serialized: SerializedDag,
    task_id: str,
    xcoms: Mapping[str, Any],
    map_index: int | None,
) -> tuple[SerializedDag, int | None]:
    """Return the DAG with this task alone, tried once; and how many it is mapped to, or None.

    Raises TrialError if that cannot be known, or if there is no such instance.
    """
    known(dag, task_id)
    task = next(each for each in serialized.tasks if each.task_id == task_id)
    width = width_of(task, xcoms)
    if width is None and map_index is not None:
        raise TrialError(f"task {task_id!r} is not mapped, so it has no map index {map_index}.")
    if width is not None and map_index is not None and not 0 <= map_index < width:
        raise TrialError(f"task {task_id!r} has the map indexes 0 to {width - 1}, not {map_index}.")
    mapped = () if width is None else (MappedOver(argument="", length=width),)
    task = structs.replace(task, upstream=(), trigger_rule="all_success", retries=0, mapped=mapped)
    task = structs.replace(task, pool="default_pool", pool_slots=1, max_active_tis_per_dag=None)
    alone = structs.replace(
        serialized, tasks=(task,), callbacks=(), dagrun_timeout=None, fail_fast=False
    )
    return alone, width


def width_of(task: SerializedTask, xcoms: Mapping[str, Any]) -> int | None:
    """Return how many instances a task is mapped to, None if it is not mapped."""
    if not task.mapped:
        return None

    def length(over: MappedOver) -> int | None:
        value: Any = xcoms.get(over.task or "")
        if over.key != RETURN_KEY and isinstance(value, Mapping):
            value = value.get(over.key)
        return len(value) if hasattr(value, "__len__") and not isinstance(value, str) else None

    total = 1
    for over in task.mapped:
        width = over.width(length)
        if width is None:
            named = sorted({source.task or "" for source in over.sources()})
            shown = json.dumps({task_id: ["..."] for task_id in named})
            raise TrialError(
                f"task {task.task_id!r} is mapped over what {', '.join(named)} returns: say what "
                f"that is, as xcoms={shown}."
            )
        total *= width
    return total
