"""A run from its trigger to its end, in one process: the log, the fold, and who acts on it.

What the coordinator's parts do over NATS is a loop here: append a fact, fold it, queue what became
ready within its limits, run the first of that, append its outcome. When nothing is ready the clock
is moved on to the next timer. What any of it means is decided by `penstock.lifecycle` alone.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Raw, structs

from penstock.authoring.serialized import SerializedDag, dump
from penstock.coordinator.intake import check_params, check_run_id, write_conf
from penstock.coordinator.notices import rfc3339
from penstock.coordinator.work import WorkMaker
from penstock.events import types as t
from penstock.events import words as w
from penstock.lifecycle.advance import RULES_VERSION, Entry, advance
from penstock.lifecycle.commands import (
    Command,
    InstanceRow,
    Notify,
    NotifyRun,
    PoolChanged,
    Ready,
    Remind,
    XcomRows,
)
from penstock.lifecycle.explain import explain, stuck
from penstock.lifecycle.limits import ReadyQueue, Taken, is_trigger
from penstock.lifecycle.state import RunState, State
from penstock.lifecycle.states import RUN_ENDS
from penstock.testing.answers import Answers
from penstock.testing.attempts import WORKER, Attempts
from penstock.testing.clock import SECOND, VirtualClock

Row = tuple[str, int]


class Listener(Protocol):
    """Hears of a run while it goes."""

    def began(self, attempt: t.Attempt) -> None: ...
    def reached(self, data: dict[str, Any]) -> None: ...


class Stage:
    """Where one run is played. begin, then play; afterwards `state` has what became of it.

    mark_success: tasks whose whole id it matches succeed without being run. only_index: other
    instances are skipped. given: the XComs of those that are not to be run either. rows: what is
    shown of each instance, by task and map index.
    """

    def __init__(
        self,
        state: State,
        clock: VirtualClock,
        answers: Answers,
        attempts: Attempts,
        *,
        listener: Listener | None = None,
        mark_success: str | re.Pattern[str] | None = None,
        only_index: int | None = None,
        given: Callable[[t.Attempt], tuple[t.Xcom, ...] | None] = lambda _: None,
    ) -> None:
        self.state, self.clock, self.answers, self.attempts = state, clock, answers, attempts
        self.listener, self.only_index, self.given = listener, only_index, given
        self.mark_success = None if mark_success is None else re.compile(mark_success)
        self.maker = WorkMaker(state)
        self.queue = ReadyQueue(state, lambda _: False)
        self.numbers, self.deliveries = itertools.count(1), itertools.count(1)
        self.timers: list[tuple[int, int, Remind]] = []
        self.on_loop: dict[asyncio.Task[t.Outcome], tuple[Taken, w.Work]] = {}
        self.rows: dict[Row, InstanceRow] = {}
        self.ends_at: int | None = None  # when the run's time is up
        self.waits: list[str] = []  # what a run that cannot go on waits for
        self.key = ""
        self.acts: dict[type[Command], Callable[[Any], None]] = {
            Ready: self.queue.add,
            Remind: self.remind,
            XcomRows: self.keep,
            Notify: self.tell,
            NotifyRun: self.tell_run,
            InstanceRow: self.show,
            PoolChanged: lambda it: self.queue.resize(it.name, it.slots),
        }
        self.say(t.LeaderElected(epoch=1, leader=WORKER, rules=RULES_VERSION))

    # ------------------------------------------------------------ facts

    def say(self, event: t.Event) -> None:
        """Append a fact, fold it, and act on what follows."""
        for command in advance(
            self.state, Entry(1, next(self.numbers), 0, self.clock.now(), event)
        ):
            act = self.acts.get(type(command))
            if act is not None:
                act(command)

    def begin(
        self,
        dag: SerializedDag,
        *,
        conf: Mapping[str, Any],
        logical_date: int | None,
        run_id: str | None = None,
        run_type: str = "manual",
        pools: Mapping[str, int] | None = None,
    ) -> None:
        """Register the DAG and trigger a run of it. Raises TriggerRefusedError."""
        check_params(dag, dict(conf))
        if run_id is not None:
            check_run_id(run_id)
        text = write_conf(dict(conf))
        for name, slots in (pools or {}).items():
            self.say(t.PoolSet(name=name, slots=slots))
        version, written = dump(dag)
        self.say(t.DagRegistered(dag_id=dag.dag_id, version=version, dag=written, paused=True))
        moment = self.clock.now() if logical_date is None else logical_date
        named = run_id or f"{run_type}__{rfc3339(moment).replace('Z', '+00:00')}"
        self.key = f"{dag.dag_id}/{named}"
        self.say(
            t.RunTriggered(
                dag_id=dag.dag_id,
                run_id=named,
                version=version,
                run_type=run_type,
                logical_date=logical_date,
                interval_start=logical_date,
                interval_end=logical_date,
                conf=Raw(text),
                by=WORKER,
            )
        )

    # ------------------------------------------------------------ the loop

    @property
    def run(self) -> RunState:
        return self.state.runs[self.key]

    @property
    def is_over(self) -> bool:
        return self.run.state in RUN_ENDS and not self.run.callbacks

    def play(self) -> None:
        """Go on until the run is over, or can go on no more; then `waits` says why."""
        while not self.is_over:
            if self.ring_due() or self.gather() or self.run_next():
                continue
            if not self.pass_time():
                self.waits = stuck(self.state, self.key, why_queued=self.why_queued)
                return

    def ring_due(self) -> bool:
        """Ring the first timer if its moment has come."""
        if not self.timers or self.timers[0][0] > self.clock.now():
            return False
        _, _, timer = heapq.heappop(self.timers)
        self.say(
            t.TimerDue(
                what=timer.what,
                due=timer.due,
                run=timer.run,
                task=timer.task,
                index=timer.index,
                caused_by=timer.caused_by,
            )
        )
        return True

    def run_next(self) -> bool:
        """Run the first attempt that may go; a trigger is begun, and goes on beside the others."""
        item = self.queue.peek(list(self.queue.lanes))
        if item is None:
            return False
        taken = self.queue.take(item)
        attempt = taken.attempt
        delivery = t.Delivery(1, next(self.deliveries))
        work = self.maker.work(attempt, delivery, item.ready.caused_by)
        info = self.maker.info(attempt.run)
        if is_trigger(attempt.task):
            self.on_loop[self.attempts.begin(work, info)] = taken, work
            return True
        if not attempt.task.startswith("~") and (outcome := self.instead(work)) is not None:
            return self.end(taken, outcome)
        if self.listener is not None:
            self.listener.began(attempt)
        until = None if work.kind == "callback" else self.ends_at
        return self.end(taken, self.attempts.run(work, info, until))

    def end(self, taken: Taken, outcome: t.Outcome) -> bool:
        self.queue.release(taken)
        self.say(outcome)
        return True

    def instead(self, work: w.Work) -> t.Outcome | None:
        """Return the outcome of an attempt that is not to be run; None: run it."""
        now = self.clock.now()
        facts: dict[str, Any] = {
            "attempt": work.attempt,
            "delivery": work.delivery,
            "worker": WORKER,
            "started_at": now,
            "ended_at": now,
        }
        if self.only_index is not None and work.attempt.index not in (-1, self.only_index):
            return t.AttemptSkipped(**facts, reason="another instance is tried")
        if self.mark_success is not None and self.mark_success.fullmatch(work.attempt.task):
            return t.AttemptSucceeded(**facts)
        xcoms = self.given(work.attempt)
        return None if xcoms is None else t.AttemptSucceeded(**facts, xcoms=xcoms)

    def gather(self) -> bool:
        """Say what became of the triggers that are done; cancel those that nobody waits for."""
        done = [task for task in self.on_loop if task.done()]
        for task in done:
            taken, _ = self.on_loop.pop(task)
            if not task.cancelled():
                self.end(taken, task.result())
        for task, (taken, _) in self.on_loop.items():
            if not self.state.is_wanted(taken.attempt):
                task.cancel()
        return bool(done)

    def pass_time(self) -> bool:
        """Nothing can be run now: wait for a trigger, or move on to the next timer."""
        due = self.timers[0][0] if self.timers else None
        if self.on_loop:
            left = None if due is None else max(0.0, (due - self.clock.now()) / SECOND)
            self.attempts.wait(set(self.on_loop), left)
        elif due is not None:
            self.clock.wait_until(due)
        else:
            return False
        return True

    # ------------------------------------------------------------ what follows from facts

    def remind(self, timer: Remind) -> None:
        if timer.what == "run_timeout":
            self.ends_at = timer.due
        heapq.heappush(self.timers, (timer.due, next(self.numbers), timer))

    def keep(self, command: XcomRows) -> None:
        self.answers.keep(command)
        self.maker.keep(command.run, command.task, command.index, command.xcoms)

    def show(self, row: InstanceRow) -> None:
        """Keep what is shown of an instance; a None keeps what an earlier row said."""
        place = (row.task, row.index)
        before = self.rows.get(place)
        if before is not None:
            kept = {
                name: getattr(before, name)
                for name in ("started_at", "ended_at", "took", "worker")
                if getattr(row, name) is None
            }
            row = structs.replace(row, **kept)
        self.rows[place] = row

    def tell(self, notice: Notify) -> None:
        if self.listener is None:
            return
        for index in range(notice.first, notice.last):
            self.listener.reached(
                {
                    "task_id": notice.task,
                    "map_index": index,
                    "state": notice.state,
                    "try_number": notice.try_number,
                    "reason": notice.reason,
                }
            )

    def tell_run(self, notice: NotifyRun) -> None:
        if self.listener is not None:
            self.listener.reached({"state": notice.state, "reason": notice.reason})

    # ------------------------------------------------------------ why

    def why_queued(self, run: str, task: str, index: int) -> str:
        record = self.run.record(task)
        place = None if record is None else record.place(index)
        if record is None or place is None:
            return "it is not known"
        attempt = t.Attempt(run, task, index, record.tries[place], record.phase(place))
        return self.queue.why(attempt) or "is about to be run"

    def explain(self, task: str | None, index: int | None) -> list[str]:
        """Return sentences on the run, or on one task of it. Raises NothingToExplainError."""
        return explain(self.state, self.key, task, index=index, why_queued=self.why_queued)
