"""The pool of real processes: lanes of reused children, one child for `async def`, guards.

A child is made when its lane first has work, and kept: a fork costs milliseconds, a call 0.1 ms. It
is retired after so many attempts, when it has grown too large, when an attempt left threads or
processes behind, when it was told to stop anything, and when a template with more modules is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from penstock.clock import Clock
from penstock.events.questions import Refused
from penstock.events.types import Delivery
from penstock.events.words import LogLine
from penstock.worker import kernel, marks, template, wire
from penstock.worker.nursery import Nursery
from penstock.worker.pool import Ending, Job, Listener, PoolError
from penstock.worker.process import Plumbing, Process, Task

IN_HAND = 128
"""Jobs that a sync child may have been sent: their permits are told apart by one byte."""


class PoolSettings(Struct, frozen=True, kw_only=True):
    """How children are made and when they go.

    entry: dotted name of the module that runs attempts (`run`, `run_async`). paths: for `sys.path`.
    preload: modules for the template. blobs: folder of large values. folder: where attempts get
    folders of their own, "" for the system's. max_tasks: attempts a child.
    max_idle_bytes: resident memory at which an idle child goes. memory_limit: resident bytes of a
    child and its descendants at which its attempt is killed; 0 for none. kill_grace: seconds
    between SIGTERM and SIGKILL. threads: that numeric libraries may use in a child, unless the
    environment says so already; 0: as many as they like. log_limit: bytes of output kept of an
    attempt.
    """

    blobs: str
    folder: str = ""
    entry: str = "penstock.worker.execute"
    paths: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    max_tasks: int = 2000
    max_idle_bytes: int = 1024 * 1024 * 1024
    memory_limit: int = 0
    kill_grace: float = 2.0
    log_limit: int = 50 * 1024 * 1024
    watch: float = 0.2
    threads: int = 0


def sweep(folder: str) -> None:
    """Remove what pools of dead workers left in `folder`; make it if it is not there."""
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        try:
            os.kill(int(name.partition("-")[0]), 0)
        except ProcessLookupError:
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
        except (ValueError, PermissionError):
            continue


class Lane:
    """Jobs in order, and the child that has the first of them. kind: as in `template.Fork`."""

    def __init__(self, number: int, kind: str) -> None:
        self.number, self.kind = number, kind
        self.waiting: deque[Job] = deque()
        self.child: Process | None = None
        self.making: asyncio.Task[None] | None = None


ASYNC = -1
BREATH = 1.0


class ProcessPool:
    """See `penstock.worker.pool.Pool`, whose promises this keeps with real processes."""

    def __init__(self, settings: PoolSettings, clock: Clock) -> None:
        self.settings, self.clock = settings, clock
        self._lanes: dict[int, Lane] = {}
        self._where: dict[Delivery, tuple[Lane, Process, Task]] = {}
        self._lane_of: dict[Process, Lane] = {}
        self._until = 0
        self._answers: set[asyncio.Task[None]] = set()
        self._watching: asyncio.TimerHandle | None = None
        self._closed = False
        self._count = 0

    async def start(self, listener: Listener) -> None:
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        if self.settings.folder:
            sweep(self.settings.folder)
        name = f"{os.getpid()}-"
        self._folder = tempfile.mkdtemp(prefix=name, dir=self.settings.folder or None)
        settings = self.settings
        os.makedirs(settings.blobs, exist_ok=True)
        modules = (settings.entry, *settings.preload)
        self._nursery = Nursery(settings.paths, modules, self._retire_outdated, settings.threads)
        self._nursery.start()

    # ------------------------------------------------------------ the port

    def run(self, lane: int, jobs: Sequence[Job]) -> None:
        together = [job for job in jobs if job.work.is_async and not job.work.exclusive]
        alone = [job for job in jobs if not job.work.is_async or job.work.exclusive]
        if together:
            self._give(ASYNC, "async", together)
        if alone:
            self._give(lane, "sync", alone)

    def take_back(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        wanted, back = set(deliveries), []
        for lane in self._lanes.values():
            if lane.child is not None and any(
                task.job.work.delivery in wanted for task in lane.child.tasks.values()
            ):
                self._recall(lane)
            mine = [job for job in lane.waiting if job.work.delivery in wanted]
            if mine:
                back += [job.work.delivery for job in mine]
                lane.waiting = deque(job for job in lane.waiting if job.work.delivery not in wanted)
            self._advance(lane)
        return back

    def stop(self, delivery: Delivery, why: str) -> None:
        if self.take_back([delivery]):
            self._listener.ended(delivery, Ending(how="stopped", begun=False, asked=why))
            return
        if delivery not in self._where:
            return
        lane, child, task = self._where[delivery]
        if task.asked:
            return
        task.asked = why
        if child.shared:
            child.write(wire.Cancel(number=task.number))
        else:
            child.doomed = True
            self._recall(lane)
            child.signal(signal.SIGTERM)
        self._loop.call_later(self.settings.kill_grace, self._kill_if_there, delivery, child)

    def pause(self, delivery: Delivery) -> None:
        if delivery in self._where:
            self._where[delivery][1].pause(True)

    def resume(self, delivery: Delivery) -> None:
        if delivery in self._where:
            self._where[delivery][1].pause(False)

    def renew(self, seconds: float) -> None:
        self._until = kernel.boot_time_ns() + int(seconds * 1e9)
        for child, lane in list(self._lane_of.items()):
            child.renew(self._until)
            self._advance(lane)
        for lane in self._lanes.values():
            self._advance(lane)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for making in [lane.making for lane in self._lanes.values() if lane.making]:
            making.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await making
        for answer in self._answers:
            answer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        for child in list(self._lane_of):
            child.signal(signal.SIGKILL)
            child.close()
        self._nursery.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    # ------------------------------------------------------------ lanes

    def _give(self, number: int, kind: str, jobs: Sequence[Job]) -> None:
        lane = self._lanes.setdefault(number, Lane(number, kind))
        lane.waiting.extend(jobs)
        self._advance(lane)

    def _advance(self, lane: Lane) -> None:
        """Hand the lane's next jobs to its child, or see to it that there is one."""
        child = lane.child
        if not lane.waiting or lane.making is not None or self._closed:
            return
        if child is None or child.dead:
            if not lane.waiting[0].work.exclusive or self._until > kernel.boot_time_ns():
                lane.making = asyncio.create_task(self._make(lane))
            return
        if child.doomed:
            return  # its end brings us back
        if self._is_used_up(lane, child):
            if not child.tasks:
                self._retire(child)
            return
        jobs: list[Job] = []
        room = len(lane.waiting) if child.shared else IN_HAND - len(child.tasks)
        while lane.waiting and len(jobs) < room:
            if lane.waiting[0].work.exclusive and (jobs or child.taken):
                break  # it gets a child of its own, under a guard
            jobs.append(lane.waiting.popleft())
        if jobs:
            child.send(jobs)
            for task in child.tasks.values():
                self._where[task.job.work.delivery] = (lane, child, task)
            self._watch_later()

    def _is_used_up(self, lane: Lane, child: Process) -> bool:
        """Should the lane's next job have another child?"""
        if child.shared:
            return child.taken > marks.NUMBERS // 2
        guarded = child.renewals is not None
        return (
            child.taken >= self.settings.max_tasks
            or (guarded and child.taken > 0)
            or (lane.waiting[0].work.exclusive and not guarded)
        )

    def _recall(self, lane: Lane) -> None:
        """Take what its child has not begun back into the lane."""
        if lane.child is not None and not lane.child.dead:
            jobs = lane.child.take_back()
            for job in jobs:
                self._where.pop(job.work.delivery, None)
            lane.waiting.extendleft(reversed(jobs))

    def _retire(self, child: Process) -> None:
        """An idle child goes, with everything that its attempts left behind."""
        child.doomed = True
        child.signal(signal.SIGKILL)

    def _retire_outdated(self) -> None:
        """A template with more modules is there: idle children of the older one go."""
        for child in list(self._lane_of):
            if not child.tasks and not child.doomed and not self._nursery.is_current(child.pid):
                self._retire(child)

    def _kill_if_there(self, delivery: Delivery, child: Process) -> None:
        where = self._where.get(delivery)
        if where is not None and where[1] is child and not child.dead:
            child.doomed = True
            child.signal(signal.SIGKILL)

    async def _make(self, lane: Lane) -> None:
        """Have a child forked for the lane. A template that cannot be had is tried again."""
        exclusive = bool(lane.waiting) and lane.waiting[0].work.exclusive
        kind = "guarded" if exclusive and lane.kind == "sync" else lane.kind
        try:
            child = await self._forked(kind)
        except PoolError as error:
            await asyncio.sleep(BREATH)  # not as fast as jobs can be sent again
            lane.making = None
            self._give_up(lane, str(error))
            return
        lane.making = None
        lane.child = child
        self._lane_of[child] = lane
        child.listen()
        self._advance(lane)

    def _give_up(self, lane: Lane, reason: str) -> None:
        jobs, lane.waiting = list(lane.waiting), deque()
        for job in jobs:
            self._listener.ended(job.work.delivery, Ending(how="died", begun=False, reason=reason))

    async def _forked(self, kind: str) -> Process:
        self._count += 1
        settings, plumbing, secret = self.settings, Plumbing(), marks.new_secret()
        shared = kind == "async"
        child = Process(self, plumbing, secret, self.clock, settings.log_limit, shared)
        fds = plumbing.theirs()
        guard = os.pipe() if kind == "guarded" else None
        if guard is not None:
            fds.append(guard[0])
            child.renewals = guard[1]
            os.set_blocking(guard[1], False)
        fork = template.Fork(
            kind=kind,
            entry=settings.entry,
            secret=secret,
            folder=os.path.join(self._folder, str(self._count)),
            blobs=settings.blobs,
            until=self._until,
        )
        try:
            await self._nursery.fork(fork, fds, child)
        except BaseException:
            plumbing.forked()
            child.close()
            raise
        finally:
            if guard is not None:
                os.close(guard[0])
        return child

    # ------------------------------------------------------------ what children tell

    def task_began(self, child: Process, task: Task) -> None:
        self._listener.began(task.job.work.delivery)

    def task_printed(self, task: Task, lines: list[LogLine]) -> None:
        self._listener.printed(task.job.work.delivery, lines)

    def task_ended(self, child: Process, task: Task, ending: Ending) -> None:
        if self._where.pop(task.job.work.delivery, None) is not None:
            child.pause(False)  # `resume` of this delivery would not find it any more
        lane, done = self._lane_of[child], task.done
        if done is not None and not child.shared:
            large = done.rss > self.settings.max_idle_bytes
            outdated = not self._nursery.is_current(child.pid)
            if done.soiled or large or outdated or task.asked or child.renewals is not None:
                child.doomed = True
                self._recall(lane)
        if child.doomed and not child.tasks and not child.dead:
            self._retire(child)
        self._listener.ended(task.job.work.delivery, ending)
        self._advance(lane)

    def child_asked(self, child: Process, asked: wire.Asked) -> None:
        answer = asyncio.create_task(self._answer(child, asked))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)

    async def _answer(self, child: Process, asked: wire.Asked) -> None:
        assert not isinstance(asked.question, wire.Mask)  # which the `Process` has answered
        try:
            answer = await self._listener.answer(asked.question)
        except Exception as error:
            answer = Refused(why=f"the worker could not answer: {error}")
        if not child.dead:
            child.write(wire.Answered(number=asked.number, answer=answer))

    def child_imported(self, imported: wire.Imported) -> None:
        self._nursery.preload(imported.modules)

    def child_ended(self, child: Process, unbegun: list[Job]) -> None:
        lane = self._lane_of.pop(child)
        for job in unbegun:
            self._where.pop(job.work.delivery, None)
        lane.waiting.extendleft(reversed(unbegun))
        if lane.child is child:
            lane.child = None
        if lane.waiting:
            self._advance(lane)
        elif lane.making is None:
            self._lanes.pop(lane.number, None)

    # ------------------------------------------------------------ memory

    def _watch_later(self) -> None:
        if self.settings.memory_limit and self._watching is None:
            self._watching = self._loop.call_later(self.settings.watch, self._watch)

    def _watch(self) -> None:
        """Kill what is too large, before the kernel chooses a victim."""
        self._watching = None
        for child in self._lane_of:
            if not child.tasks or child.dead or child.doomed:
                continue
            self._judge_size(child, kernel.tree_bytes(child.group or child.pid))
        if self._where:
            self._watch_later()

    def _judge_size(self, child: Process, size: int) -> None:
        if size > self.settings.memory_limit:
            for task in child.tasks.values():
                task.asked = task.asked or f"memory:{size}"
                if not child.shared:
                    break  # only the first can have begun
            child.doomed = True
            child.signal(signal.SIGKILL)
