"""The `Backend` of one attempt, in its child: XComs that rode along are at hand, the rest is asked.

A question goes over the child's socket to its worker, which asks the leader. Children know no
address and no password.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Raw

from penstock.authoring.backend import GAVE_UP, PulledXcom, Resumed
from penstock.errors import PenstockError
from penstock.events import questions as q
from penstock.events import types as t
from penstock.events import words as w
from penstock.worker import wire, xcom
from penstock.worker.pausing import pause_of
from penstock.worker.sources import Elements, Sources, elements_of, gathered

# Together these keep an outcome under 1 MB, the most that NATS takes in one message.
INLINE_OF_ALL = 256 * 1024
MOST_XCOMS = 1000
MOST_SKETCHES = 32

Question = q.Question | wire.WhereIsBlob | wire.Mask
Ask = Callable[[Question], Any]


class QuestionError(PenstockError):
    """A question of a task was not answered."""


class Asker:
    """Puts one question at a time to the worker, from any thread of the task's own process.

    later: takes what came in the place of the answer. after: called once a question is answered.
    reading: held while a question reads the line.
    """

    def __init__(
        self,
        line: wire.Line,
        later: Callable[[Any], None],
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._line, self._later, self._after = line, later, after
        self.reading = threading.Lock()
        self._number = 0
        self._pid = os.getpid()

    def __call__(self, question: Question) -> Any:
        if os.getpid() != self._pid:
            raise QuestionError(
                "XComs and variables can be had in the task's own process only, not in one that it "
                "forked. Read them first and hand them over."
            )
        try:
            with self.reading:
                self._number += 1
                self._line.send(wire.Asked(number=self._number, question=question))
                while True:
                    message = self._line.receive()
                    if isinstance(message, wire.Answered):
                        # A question that a signal broke off may still get its answer: not ours.
                        if message.number == self._number:
                            break
                    else:
                        self._later(message)
        finally:
            self._after()
        if isinstance(message.answer, q.Refused):
            raise QuestionError(message.answer.why)
        return message.answer


class TaskBackend:
    """What `penstock.authoring.backend.Backend` promises, for one attempt. item: its number."""

    def __init__(
        self, work: w.Work, ask: Ask, blobs: xcom.BlobFolder, sources: Sources, item: int = 0
    ) -> None:
        self._item = item
        self._work, self._ask, self._blobs, self._sources = work, ask, blobs, sources
        later = work.later
        self._pushed: dict[str, t.Xcom] = {one.key: one for one in later.pushed} if later else {}
        self.left_out: tuple[str, ...] = ()
        self._mapped: dict[tuple[str, str], bool] = {}

    @property
    def pushed(self) -> tuple[t.Xcom, ...]:
        return tuple(self._pushed.values())

    def skip(self, task_ids: Sequence[str]) -> None:
        self.left_out = tuple(dict.fromkeys((*self.left_out, *task_ids)))

    def pause_of(self, error: BaseException) -> t.Pause:
        """Return what the attempt waits for, which said so by an exception."""
        return pause_of(error, self._encoded, self.pushed, time.time_ns() // 1000)

    def _encoded(self, key: str, value: Any) -> t.Xcom:
        return xcom.encode(key, value, self._blobs, inline=xcom.INLINE, sketch=False)

    def resumed(self) -> Resumed | None:
        later = self._work.later
        if later is None or later.resume is None:
            return None
        found = xcom.decode(later.resume, self._path)
        kwargs = dict(found["kwargs"])
        if later.failure:
            return Resumed(GAVE_UP, {"error": later.failure, "late": later.late})
        if later.event is not None:
            kwargs["event"] = xcom.decode(later.event, self._path)
        elif found["moment"] is not None:
            kwargs["event"] = found["moment"]
        return Resumed(found["method"], kwargs)

    def trigger(self) -> tuple[str, dict[str, Any]]:
        assert self._work.trigger is not None
        found = xcom.decode(self._work.trigger, self._path)
        return found["path"], found["kwargs"]

    def push(self, key: str, value: Any) -> None:
        others = [one for name, one in self._pushed.items() if name != key]
        if len(others) >= MOST_XCOMS:
            raise xcom.XcomError(
                f"this attempt has pushed {MOST_XCOMS} XComs; {key!r} would be one more. Push one "
                "dict or list in their place."
            )
        room = INLINE_OF_ALL - sum(one.size for one in others if one.blob is None)
        self._pushed[key] = xcom.encode(
            key,
            value,
            self._blobs,
            inline=max(0, min(xcom.INLINE, room)),
            sketch=len(others) < MOST_SKETCHES,
        )

    def variable(self, key: str) -> str | None:
        answer = self._ask(q.AskVariable(key=key))
        assert isinstance(answer, q.VariableFound)
        return answer.value

    def variable_keys(self, prefix: str) -> Sequence[str]:
        answer = self._ask(q.AskKeys(prefix=prefix))
        assert isinstance(answer, q.KeysFound)
        return answer.keys

    def change_variable(self, key: str, value: str | None, description: str | None) -> None:
        self._ask(q.ChangeVariable(key=key, value=value, description=description))

    def connection(self, conn_id: str) -> dict[str, Any] | None:
        answer = self._ask(q.AskConnection(conn_id=conn_id))
        assert isinstance(answer, q.ConnectionFound)
        return answer.fields

    def last_success(self) -> q.RunTimes | None:
        answer = self._ask(q.AskLastSuccess(run=self._work.attempt.run))
        assert isinstance(answer, q.RunFound)
        return answer.run

    def trigger_run(
        self,
        dag_id: str,
        run_id: str,
        *,
        logical_date: int | None,
        conf: dict[str, Any],
        unless_paused: bool,
    ) -> q.Triggered:
        answer = self._ask(
            q.AskTrigger(
                dag_id=dag_id,
                run_id=run_id,
                by=f"task {self._work.attempt}",
                logical_date=logical_date,
                conf=Raw(t.encode(conf)),
                unless_paused=unless_paused,
            )
        )
        assert isinstance(answer, q.Triggered)
        return answer

    def states(
        self,
        dag_id: str,
        *,
        run_ids: Sequence[str] = (),
        logical_dates: Sequence[int] = (),
        tasks: Sequence[str] = (),
        group: str = "",
    ) -> q.StatesFound:
        answer = self._ask(
            q.AskStates(
                dag_id=dag_id,
                run_ids=tuple(run_ids),
                logical_dates=tuple(logical_dates),
                tasks=tuple(tasks),
                group=group,
            )
        )
        assert isinstance(answer, q.StatesFound)
        return answer

    def mask(self, texts: Sequence[str]) -> None:
        with contextlib.suppress(QuestionError):  # in a process that the task forked
            self._ask(wire.Mask(item=self._item, texts=tuple(texts)))

    def elements(self, run: str, task: str, key: str) -> Elements | None:
        def find() -> Elements | None:
            rows = self._rows(run, (task,), key, None)
            if not rows:
                return None
            if rows[0].index == t.NOT_MAPPED:
                return elements_of(rows[0].xcom, self._path)
            return gathered(sorted(rows, key=lambda row: row.index), self._path)

        return self._sources.get(run, task, key, find)

    def is_mapped(self, run: str, task: str) -> bool:
        if run == self._work.attempt.run and task in self._work.xcoms:
            return False  # only XComs of tasks that are not mapped ride along
        if (run, task) not in self._mapped:
            self._find(run, (task,), "return_value", ())
        return self._mapped[run, task]

    def pull(
        self, run: str, tasks: Sequence[str], key: str, indexes: Sequence[int] | None
    ) -> list[PulledXcom]:
        found = {(row.task, row.index): row.xcom for row in self._rows(run, tasks, key, indexes)}
        own = self._work.attempt
        mine = run == own.run and own.task in tasks and (indexes is None or own.index in indexes)
        if mine and key in self._pushed:
            found[own.task, own.index] = self._pushed[key]
        place = {task: number for number, task in enumerate(tasks)}
        return [
            PulledXcom(task, index, xcom.decode(found[task, index], self._path))
            for task, index in sorted(found, key=lambda row: (place[row[0]], row[1]))
        ]

    def _rows(
        self, run: str, tasks: Sequence[str], key: str, indexes: Sequence[int] | None
    ) -> list[q.FoundXcom]:
        rows: list[q.FoundXcom] = []
        missing = list(dict.fromkeys(tasks))
        if run == self._work.attempt.run and key == "return_value":
            for task in list(missing):
                if task in self._work.xcoms:
                    missing.remove(task)
                    if indexes is None or t.NOT_MAPPED in indexes:
                        rows.append(q.FoundXcom(task, t.NOT_MAPPED, self._work.xcoms[task]))
        if missing:
            wanted = None if indexes is None else tuple(indexes)
            rows += self._find(run, tuple(missing), key, wanted)
        return rows

    def _find(
        self, run: str, tasks: tuple[str, ...], key: str, indexes: tuple[int, ...] | None
    ) -> tuple[q.FoundXcom, ...]:
        answer = self._ask(q.AskXcoms(run=run, tasks=tasks, key=key, indexes=indexes))
        assert isinstance(answer, q.XcomsFound)
        for task in tasks:
            self._mapped[run, task] = task in answer.mapped
        return answer.found

    def _path(self, digest: str) -> str:
        here = self._blobs.find(digest)
        if here is not None:
            return here
        answer = self._ask(wire.WhereIsBlob(digest=digest))
        assert isinstance(answer, wire.BlobFound)
        return answer.path
