"""The port between a worker's decisions and the processes that run user code.

A pool knows processes and pipes, no leader, no retries, no outcome: it is told what to run and
tells plainly what became of it. `ProcessPool` is the product (`tests/worker/test_pool.py` holds it
to this contract); the simulation has one over virtual time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from penstock.errors import PenstockError
from penstock.events import questions
from penstock.events.types import Delivery, Pause, Xcom
from penstock.events.words import LogLine, RunInfo, Work
from penstock.worker.wire import BlobFound, WhereIsBlob


class PoolError(PenstockError):
    """The pool cannot make children: what it tried and what the system said."""


class Job(NamedTuple):
    """An attempt and what its context says of its run."""

    work: Work
    info: RunInfo


class Ending(Struct, frozen=True, kw_only=True):
    """What became of a job.

    how: `returned`, `raised`, `skipped`, `paused`, `stopped` (the job heeded a stop), or `died`
    (its process ended by `signal` or, if that is 0, by exit code `code`).
    begun: user code may have run. asked: why the pool was told to stop it, "" if it was not;
    `memory` is the pool's own. Times are microseconds, took is seconds. reason: one line.
    skip: tasks that it leaves out. pause: what it waits for.
    """

    how: str
    begun: bool = True
    started_at: int = 0
    ended_at: int = 0
    took: float = 0.0
    xcoms: tuple[Xcom, ...] = ()
    skip: tuple[str, ...] = ()
    pause: Pause | None = None
    reason: str = ""
    final: bool = False
    signal: int = 0
    code: int = 0
    asked: str = ""


Question = questions.Question | WhereIsBlob
Answer = questions.Answer | BlobFound


class Listener(Protocol):
    """Whom a pool tells. All calls come on the event loop."""

    def began(self, delivery: Delivery) -> None: ...
    def printed(self, delivery: Delivery, lines: list[LogLine]) -> None: ...
    def ended(self, delivery: Delivery, ending: Ending) -> None: ...
    async def answer(self, question: Question) -> Answer: ...


class Pool(Protocol):
    """Runs jobs in children.

    - `run` takes jobs for a lane. Jobs of one lane run one after another, in the order given; lanes
      run side by side. Jobs that are `is_async` have no lane: all run at once. One that is
      `exclusive` as well has a process of its own, and so a lane.
    - For each job `ended` is called exactly once, unless `take_back` returned it. What the job
      printed is told by `printed`, in order, before its `ended`; `began` is told before either. A
      job of which `began` was told may still turn out not to have begun: then `take_back` returns
      it, or `began` is told again, or its `Ending` says so.
    - `take_back` returns those of the deliveries that had not begun: they will not, and nothing
      more is told of them.
    - `stop` ends a job: `ended` follows with `asked` set, after the grace at the latest, whatever
      the job does. No process of its group is alive then. Others of its lane go on elsewhere.
    - The death of a child costs the job that it ran (`died`), or all of them if they are async; the
      lane's other jobs go on in another child.
    - `pause` stops the reading of a job's output until `resume`; `printed` may come once more.
    - `renew` moves the moment at which `exclusive` jobs die of themselves to `seconds` from now;
      with none yet, an exclusive job does not start.
    - `close` kills what runs; nothing is told any more.
    """

    async def start(self, listener: Listener) -> None: ...
    def run(self, lane: int, jobs: Sequence[Job]) -> None: ...
    def take_back(self, deliveries: Sequence[Delivery]) -> list[Delivery]: ...
    def stop(self, delivery: Delivery, why: str) -> None: ...
    def pause(self, delivery: Delivery) -> None: ...
    def resume(self, delivery: Delivery) -> None: ...
    def renew(self, seconds: float) -> None: ...
    async def close(self) -> None: ...
