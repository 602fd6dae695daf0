"""Makes what a worker is sent of what the state knows: the attempt, its run, small XComs."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.events.types import Attempt, Delivery, Xcom
from penstock.events.words import Later, RunInfo, Work
from penstock.lifecycle.limits import is_trigger
from penstock.lifecycle.plan import sources
from penstock.lifecycle.state import RunState, State, TaskRecord, Waiting, key_of
from penstock.lifecycle.states import RUNNING

MOST_CARRIED = 16 * 1024
"""Bytes of an upstream's XCom that ride along; a larger one is asked for if it is wanted."""


class WorkMaker:
    """Also keeps the small return values of live runs, so that the common pull costs no question.

    What is not kept here is in the projection.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.values: dict[str, dict[str, Xcom]] = {}
        self.infos: dict[str, RunInfo] = {}

    def keep(self, run: str, task: str, index: int, xcoms: tuple[Xcom, ...]) -> None:
        for xcom in xcoms:
            size = memoryview(xcom.value).nbytes + len(xcom.inline or "")
            if index < 0 and xcom.key == "return_value" and size <= MOST_CARRIED:
                self.values.setdefault(run, {})[task] = xcom

    def forget(self, run: str) -> None:
        self.values.pop(run, None)
        self.infos.pop(run, None)

    def kept(self, run: str, task: str) -> Xcom | None:
        return self.values.get(run, {}).get(task)

    def info(self, key: str) -> RunInfo:
        info = self.infos.get(key)
        if info is None:
            run = self.state.runs[key]
            asked = run.triggered
            info = self.infos[key] = RunInfo(
                run=key,
                dag_id=asked.dag_id,
                run_id=asked.run_id,
                run_type=asked.run_type,
                file=run.plan.dag.file,
                version=asked.version,
                logical_date=asked.logical_date,
                interval_start=asked.interval_start,
                interval_end=asked.interval_end,
                triggered_at=run.triggered_at,
                started_at=run.started_at or 0,
                conf=asked.conf,
            )
        return info

    def work(self, attempt: Attempt, delivery: Delivery, caused_by: str) -> Work:
        run = self.state.runs[attempt.run]
        if is_trigger(attempt.task):
            return trigger_work(run, attempt, delivery, caused_by)
        if attempt.task.startswith("~"):
            return self.callback_work(attempt, delivery, caused_by)
        record = run.tasks[run.plan.numbers[attempt.task]]
        task = record.step.task
        values = self.values.get(attempt.run, {})
        return Work(
            attempt=attempt,
            delivery=delivery,
            map_length=record.length,
            timeout=task.execution_timeout,
            tries=task.retries + 1,
            is_async=task.is_async,
            exclusive=task.exclusive,
            xcoms=self.carried(record, values),
            caused_by=caused_by,
            later=later(record, attempt.index) if attempt.phase else None,
        )

    def carried(self, record: TaskRecord, values: dict[str, Xcom]) -> dict[str, Xcom]:
        """Return what rides along. Of what a task is mapped over an instance needs one element."""
        task = record.step.task
        over = {each.task for each in sources(task)}
        return {up: values[up] for up in task.upstream if up in values and up not in over}

    def callback_work(self, attempt: Attempt, delivery: Delivery, caused_by: str) -> Work:
        run = self.state.runs[attempt.run]
        name, _, task = attempt.task[1:].partition(":")
        step = run.plan.step(task)
        return Work(
            attempt=attempt,
            delivery=delivery,
            kind="callback",
            callback=name,
            why=run.callbacks[key_of(attempt)].why,
            tries=1 if step is None else step.task.retries + 1,
            caused_by=caused_by,
        )

    def flights_of(self, worker: str) -> Iterator[tuple[Attempt, Delivery]]:
        """Yield what the log says this worker began and has not ended. Scans: for a loss only."""
        for run in self.state.runs.values():
            for record in run.tasks:
                for place, flight in record.flights.items():
                    if flight.worker == worker and record.states[place] == RUNNING:
                        task, tries = record.step.task.task_id, record.tries[place]
                        phase = record.phase(place)
                        attempt = Attempt(run.key, task, record.index(place), tries, phase)
                        yield attempt, flight.delivery


def waiting_of(record: TaskRecord, index: int) -> Waiting:
    place = record.place(index)
    assert place is not None
    return record.waits[place]


def later(record: TaskRecord, index: int) -> Later:
    """Return what a later phase of a try is told of the earlier ones."""
    waiting = waiting_of(record, index)
    pause = waiting.pause
    return Later(
        since=waiting.since,
        resume=pause.resume,
        event=waiting.event,
        pushed=pause.xcoms,
        failure=waiting.failure,
        late=waiting.late,
    )


def trigger_work(run: RunState, attempt: Attempt, delivery: Delivery, caused_by: str) -> Work:
    """Return the attempt of a trigger that a deferred instance waits for."""
    record = run.record(attempt.task.partition(":")[2])
    assert record is not None
    return Work(
        attempt=attempt,
        delivery=delivery,
        kind="trigger",
        trigger=waiting_of(record, attempt.index).pause.trigger,
        is_async=True,
        caused_by=caused_by,
    )
