"""One fact being folded: the state, what it is caused by, and the commands gathered so far."""

from __future__ import annotations

from collections import deque

from penstock.lifecycle.commands import Command, InstanceRow, Notify, NotifyRun, Ready, RunRow
from penstock.lifecycle.state import NOTHING_LOST, AwaitedKey, Callback, RunState, State, TaskRecord
from penstock.lifecycle.states import WORDS


class Turn:
    """at: the time of the fact. cause: its id. What is left to do before the turn is over:

    consider: tasks to look at again, (run, number). failed: tasks that failed, (run, task id), for
    `fail_fast`. touched: runs that may be through. over: ends that others may wait for.
    """

    __slots__ = ("at", "cause", "commands", "consider", "failed", "over", "state", "touched")

    def __init__(self, state: State, at: int, cause: str) -> None:
        self.state = state
        self.at = at
        self.cause = cause
        self.commands: list[Command] = []
        self.consider: deque[tuple[RunState, int]] = deque()
        self.failed: list[tuple[RunState, str]] = []
        self.touched: dict[str, RunState] = {}
        self.over: deque[AwaitedKey] = deque()

    def add(self, command: Command) -> None:
        self.commands.append(command)

    def notify(
        self,
        run: RunState,
        record: TaskRecord,
        state: int,
        first: int,
        last: int,
        *,
        at: int | None = None,
        reason: str = "",
    ) -> None:
        """Tell of the instances at places first to last (not included)."""
        tries = record.tries[first]
        if record.length is None:
            first, last = -1, 0
        self.add(
            Notify(
                run.key,
                record.step.task.task_id,
                first,
                last,
                tries,
                WORDS[state],
                run.counter + 1,
                self.at if at is None else at,
                self.cause,
                reason,
            )
        )
        run.counter += last - first
        self.add(RunRow(run.key))

    def notify_run(self, run: RunState) -> None:
        run.counter += 1
        self.add(
            NotifyRun(run.key, run.state, run.counter, self.at, self.cause, run.reason),
        )
        self.add(RunRow(run.key))

    def row(
        self,
        run: RunState,
        record: TaskRecord,
        place: int,
        *,
        started_at: int | None = None,
        ended_at: int | None = None,
        took: float | None = None,
        worker: str | None = None,
        reason: str = "",
    ) -> None:
        """Show the instance as it is in the state now."""
        lost = record.lost.get(place, NOTHING_LOST)
        self.add(
            InstanceRow(
                run.key,
                record.step.task.task_id,
                record.index(place),
                WORDS[record.states[place]],
                record.tries[place],
                lost.times,
                record.due.get(place),
                started_at,
                ended_at,
                took,
                worker,
                lost.last,
                reason,
            )
        )

    def ready(self, run: RunState, record: TaskRecord, place: int, *, again: bool = False) -> None:
        index = record.index(place)
        task = record.step.task.task_id
        tries = record.tries[place]
        phase = record.phase(place)
        self.add(Ready(run.key, task, index, index + 1, tries, self.cause, again, phase))

    def call_back(
        self,
        run: RunState,
        name: str,
        task: str,
        index: int,
        try_number: int,
        why: str,
        phase: int = 0,
    ) -> None:
        """Ask for a user's callback: an attempt like any other, that holds the run in memory."""
        callback = Callback(f"~{name}:{task}", index, try_number, why, NOTHING_LOST, phase)
        run.callbacks[callback.key] = callback
        self.ready_callback(run, callback)

    def ready_callback(self, run: RunState, callback: Callback, *, again: bool = False) -> None:
        task, index, tries = callback.task, callback.index, callback.try_number
        ready = Ready(run.key, task, index, index + 1, tries, self.cause, again, callback.phase)
        self.add(ready)
        self.add(RunRow(run.key))
