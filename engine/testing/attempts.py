"""One attempt, run in this process: as a worker's child does it, but where a debugger can follow.

Sync code runs in the caller's thread, `async def` code on the trial's own event loop; there, too,
run the triggers that deferred tasks wait for, all at once. A task's own time limit raises where the
code is, in the main thread; in others there is none.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from msgspec import structs

from penstock.authoring.dag import DAG
from penstock.events import types as t
from penstock.events import words as w
from penstock.testing.answers import Answers
from penstock.testing.clock import SECOND, VirtualClock
from penstock.testing.streams import recording
from penstock.worker import child, execute
from penstock.worker.attempt import TIMEOUT, outcome_of
from penstock.worker.pausing import pause_of
from penstock.worker.pool import Ending
from penstock.worker.questions import TaskBackend
from penstock.worker.sources import Sources
from penstock.worker.xcom import BlobFolder

WORKER = "this process"


class Backend(TaskBackend):
    """A task's backend whose deadlines are the trial's clock's."""

    clock: VirtualClock

    def pause_of(self, error: BaseException) -> t.Pause:
        return pause_of(error, self._encoded, self.pushed, self.clock.now())


class Limit(NamedTuple):
    """How long an attempt may take, None for ever, and what it is stopped for then."""

    seconds: float | None
    why: str


class Attempts:
    """Runs attempts of one DAG. folder: for the tasks' own files, emptied after each.

    records: what each try has printed, by (task, index, try). errors: what each has raised last.
    """

    def __init__(
        self, dag: DAG, answers: Answers, clock: VirtualClock, folder: str, blobs: BlobFolder
    ) -> None:
        self.dag, self.answers, self.clock, self.blobs = dag, answers, clock, blobs
        self.sources = Sources()
        self.environment = child.Environment(folder)
        self.loop = asyncio.new_event_loop()
        self.records: dict[tuple[str, int, int], list[str]] = {}
        self.errors: dict[tuple[str, int, int], BaseException] = {}

    def close(self) -> None:
        """Cancel what still runs on the loop, and wait until it has cleaned up."""
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.wait(left, timeout=10))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def backend(self, work: w.Work) -> Backend:
        made = Backend(work, self.answers, self.blobs, self.sources)
        made.clock = self.clock
        return made

    # ------------------------------------------------------------ one after another

    def run(self, work: w.Work, info: w.RunInfo, until: int | None = None) -> t.Outcome:
        """Run an attempt to its end and return what became of it. Raises KeyboardInterrupt.

        until: when the run's time is up, microseconds; then the attempt is stopped.
        """
        limit = self.limit_of(work, until)
        backend, started_at = self.backend(work), self.clock.now()
        self.environment.begin(work, info)
        try:
            record = self.record_of(work)
            with recording(record, foreground=True), interruptible() as interrupted:
                if work.is_async:
                    one = self.watched(work, info, backend, started_at, limit)
                    ending = self.loop.run_until_complete(one)
                else:
                    ending = self.attempt(work, info, backend, started_at, limit)
        finally:
            self.environment.end()
        if interrupted:
            raise KeyboardInterrupt
        return self.outcome(work, ending)

    def attempt(
        self, work: w.Work, info: w.RunInfo, backend: Backend, started_at: int, limit: Limit
    ) -> Ending:
        began = time.perf_counter()
        asked = ""
        try:
            with time_limit(limit, self.clock):
                execute.run_in(self.dag, work, info, backend, started_at)
            said: dict[str, Any] = {"how": "returned"}
        except BaseException as error:
            asked = limit.why if isinstance(error, child.Stopped) else ""
            said = self.judge(work, error, backend)
        return self.ending(backend, started_at, began, asked, said)

    # ------------------------------------------------------------ on the loop

    def begin(self, work: w.Work, info: w.RunInfo) -> asyncio.Task[t.Outcome]:
        """Begin an attempt of a trigger; it goes on whenever the loop runs."""
        backend, started_at = self.backend(work), self.clock.now()

        async def run() -> t.Outcome:
            with recording(self.record_of(work)):
                watched = self.watched(work, info, backend, started_at, Limit(None, ""))
                return self.outcome(work, await watched)

        return self.loop.create_task(run())

    async def watched(
        self, work: w.Work, info: w.RunInfo, backend: Backend, started_at: int, limit: Limit
    ) -> Ending:
        began, asked = time.perf_counter(), ""
        running = execute.run_async_in(self.dag, work, info, backend, started_at)
        try:
            async with asyncio.timeout(limit.seconds):
                await running
            said: dict[str, Any] = {"how": "returned"}
        except TimeoutError as error:
            took = time.perf_counter() - began
            is_ours = limit.seconds is not None and took >= limit.seconds
            asked = limit.why if is_ours else ""
            said = self.judge(work, error, backend)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            said = self.judge(work, error, backend)
        return self.ending(backend, started_at, began, asked, said)

    def wait(self, waiting: set[asyncio.Task[t.Outcome]], seconds: float | None) -> None:
        """Let the loop run until one of these is done, for so many seconds at most."""

        async def one() -> None:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

        self.loop.run_until_complete(one())

    # ------------------------------------------------------------ what became of it

    def judge(self, work: w.Work, error: BaseException, backend: Backend) -> dict[str, Any]:
        """Return how an attempt ended that raised; say so in its log, as a worker's child does."""
        how, final = child.judge(error)
        if how == "paused":
            how, pause, reason = child.paused(error, backend)
            return {"how": how, "pause": pause, "reason": reason}
        if how == "skipped":
            print(f"skipped: {child.text_of(error)}", file=sys.stderr)
            return {"how": how, "reason": child.text_of(error)[:500]}
        self.errors[key_of(work)] = error
        child.print_traceback(without_ours(error))
        return {"how": how, "reason": child.reason_of(error), "final": final}

    def ending(
        self, backend: Backend, started_at: int, began: float, asked: str, said: dict[str, Any]
    ) -> Ending:
        return Ending(
            started_at=started_at,
            ended_at=self.clock.now(),
            took=time.perf_counter() - began,
            xcoms=backend.pushed,
            skip=backend.left_out,
            asked=asked,
            **said,
        )

    def outcome(self, work: w.Work, ending: Ending) -> t.Outcome:
        if ending.how != "returned":
            ending = structs.replace(ending, skip=())
        return outcome_of(work, WORKER, ending, logged=0, now=self.clock.now())

    def limit_of(self, work: w.Work, until: int | None) -> Limit:
        left = None if until is None else max(0.0, (until - self.clock.now()) / SECOND)
        if left is not None and (work.timeout is None or left < work.timeout):
            return Limit(left, "the run's time is up")
        return Limit(work.timeout, TIMEOUT)

    def record_of(self, work: w.Work) -> list[str]:
        return self.records.setdefault(key_of(work), [])


def key_of(work: w.Work) -> tuple[str, int, int]:
    """Whose log an attempt's is: a trigger's is its task's, as all phases of a try are."""
    task = work.attempt.task
    if work.kind == "trigger":
        task = task.partition(":")[2]
    return task, work.attempt.index, work.attempt.try_number


def without_ours(error: BaseException) -> BaseException:
    """Return the error without the frames of this room, which are above the worker's own."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(
        ("penstock.testing", "asyncio")
    ):
        trace = trace.tb_next
    return error.with_traceback(trace) if trace is not None else error


def in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def time_limit(limit: Limit, clock: VirtualClock) -> Iterator[None]:
    """Raise `Stopped` in here when the time is up."""
    seconds = limit.seconds
    if seconds is None or not in_main_thread():
        yield
        return

    def ring(_number: int, _frame: Any) -> None:
        raise child.Stopped(f"it ran longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6))
    try:
        with clock.limit(seconds, lambda: ring(0, None)):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def interruptible() -> Iterator[list[bool]]:
    """Tell a Ctrl-C from a KeyboardInterrupt that user code raises: that is a failed try.

    Yields a list that is not empty once a Ctrl-C came.
    """
    came: list[bool] = []
    before = signal.getsignal(signal.SIGINT)
    if not in_main_thread() or not callable(before):
        yield came
        return
    handler: Callable[[int, Any], Any] = before

    def hear(number: int, frame: Any) -> None:
        came.append(True)
        handler(number, frame)

    signal.signal(signal.SIGINT, hear)
    try:
        yield came
    finally:
        if signal.getsignal(signal.SIGINT) is hear:
            signal.signal(signal.SIGINT, before)
