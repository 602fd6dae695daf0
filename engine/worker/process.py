"""One child as its worker sees it: a socket, two pipes, the permits, and what it was given to do.

An attempt has ended when its result was heard and its end mark was seen on both pipes, or when the
process is dead and its pipes are drained. Lines of the two pipes are put in order by their times
before they are told; a line younger than the older of the two looks waits for the next look.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from penstock.authoring.masking import Masker
from penstock.clock import Clock
from penstock.events.questions import Changed
from penstock.events.words import LogLine, RunInfo
from penstock.worker import marks, wire
from penstock.worker.pool import Ending, Job

PIPE_SIZE = 256 * 1024
RELEASE_BYTES = 256 * 1024
FLUSH = 0.1
BOTH = 0b11


class Task(Struct, kw_only=True, eq=False):
    """A job in this child. ends: bits of the pipes on which its end was seen. printed: bytes.

    secrets: texts that are masked in what it prints.
    """

    job: Job
    number: int
    done: wire.Done | None = None
    ends: int = 0
    asked: str = ""
    printed: int = 0
    told_limit: bool = False
    lines: list[LogLine] = []
    secrets: tuple[str, ...] = ()


Line = tuple[int, int, Task, str]
"""When, on which stream, by whom, what."""


class Owner(Protocol):
    """Whom a child tells; the pool."""

    def task_began(self, child: Process, task: Task) -> None: ...
    def task_printed(self, task: Task, lines: list[LogLine]) -> None: ...
    def task_ended(self, child: Process, task: Task, ending: Ending) -> None: ...
    def child_asked(self, child: Process, asked: wire.Asked) -> None: ...
    def child_imported(self, imported: wire.Imported) -> None: ...
    def child_ended(self, child: Process, unbegun: list[Job]) -> None: ...


class Plumbing:
    """The descriptors of one child: the worker's ends, and the child's until it is forked."""

    def __init__(self) -> None:
        self.sock, self._sock = socket.socketpair()
        self.out, self._out = os.pipe()
        self.err, self._err = os.pipe()
        self.permits_out, self.permits_in = os.pipe()
        self.sock.setblocking(False)
        for fd in (self.out, self.err, self.permits_out, self.permits_in):
            os.set_blocking(fd, False)
        with contextlib.suppress(OSError, AttributeError):
            for fd in (self.out, self.err):
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_SIZE)

    def theirs(self) -> list[int]:
        return [self._sock.fileno(), self._out, self._err, self.permits_out]

    def forked(self) -> None:
        """The child has its ends: let go of ours of them."""
        self._sock.close()
        os.close(self._out)
        os.close(self._err)

    def close(self) -> None:
        self.sock.close()
        for fd in (self.out, self.err, self.permits_out, self.permits_in):
            os.close(fd)


class Process:
    """A child. pid: of the forked process (a guard's, if guarded); group: what a kill reaches."""

    def __init__(
        self, owner: Owner, plumbing: Plumbing, secret: str, clock: Clock, limit: int, shared: bool
    ) -> None:
        self.owner, self.plumbing, self.clock, self.limit = owner, plumbing, clock, limit
        self.shared = shared
        self.pid, self.group = 0, 0
        self.renewals: int | None = None
        self.taken = 0
        self.dead = False
        self.doomed = False  # takes no more: it is being stopped or retired
        self.tasks: dict[int, Task] = {}
        start = marks.prefix(secret)
        self._masker = Masker()
        self._splitters = tuple(marks.Splitter(start, clock.now, self._masker) for _ in (1, 2))
        self._frames = wire.Frames()
        self._unsent = bytearray()
        self._lines: list[Line] = []
        self._held_bytes = 0
        self._releasing = False
        self._paused = False
        self._flush: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    # ------------------------------------------------------------ to the child

    def listen(self) -> None:
        """The child is forked: hear it."""
        self.plumbing.forked()
        self._loop.add_reader(self.plumbing.sock, self._hear)
        self._read_pipes()

    def send(self, jobs: Sequence[Job]) -> None:
        """Give it jobs, at most 256 that have not begun."""
        items, runs, permits = [], dict[str, RunInfo](), bytearray()
        idle = not self.tasks
        for job in jobs:
            number, self.taken = self.taken % marks.NUMBERS, self.taken + 1
            self.tasks[number] = Task(job=job, number=number, lines=[])
            items.append(wire.Item(number, job.work))
            runs[job.work.attempt.run] = job.info
            permits.append(number % 256)
        if not self.shared:
            os.write(self.plumbing.permits_in, permits)
        self.write(wire.Batch(items=tuple(items), runs=runs))
        if self.shared:
            for item in items:
                self.owner.task_began(self, self.tasks[item.number])
        elif idle:
            self._next_begins()

    def write(self, message: wire.ToChild) -> None:
        data = wire.frame(message)
        if not self._unsent:
            try:
                data = data[self.plumbing.sock.send(data) :]
            except BlockingIOError:
                pass
            except OSError:
                return  # it is dying: its end is told soon
            if data:
                self._loop.add_writer(self.plumbing.sock, self._write_on)
        self._unsent += data

    def _write_on(self) -> None:
        try:
            del self._unsent[: self.plumbing.sock.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()
        if not self._unsent:
            self._loop.remove_writer(self.plumbing.sock)

    def take_back(self) -> list[Job]:
        """Return the jobs that have not begun; they will not (see `wire` on permits)."""
        if self.shared:
            return []
        try:
            left = set(os.read(self.plumbing.permits_out, 4096))
        except BlockingIOError:
            return []
        back = [task for number, task in self.tasks.items() if number % 256 in left]
        for task in back:
            del self.tasks[task.number]
        return [task.job for task in back]

    def signal(self, number: signal.Signals) -> None:
        """Signal its whole process group."""
        target = self.group or self.pid
        try:
            os.killpg(target, number)
        except OSError:
            with contextlib.suppress(OSError):
                os.kill(target, number)  # it has no group of its own yet

    def renew(self, until: int) -> None:
        if self.renewals is not None:
            with contextlib.suppress(OSError):
                os.write(self.renewals, until.to_bytes(8, "big"))

    # ------------------------------------------------------------ from the child

    def _hear(self) -> None:
        try:
            data = self.plumbing.sock.recv(wire.READ)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._loop.remove_reader(self.plumbing.sock)  # its end is told by the template
            return
        try:
            self._heard_all(data)
        except (wire.FrameError, msgspec.MsgspecError):
            # A task wrote to a descriptor that is not its own, or was stopped in mid-sentence.
            self._loop.remove_reader(self.plumbing.sock)
            self.doomed = True
            self.signal(signal.SIGKILL)

    def _heard_all(self, data: bytes) -> None:
        for text in self._frames.feed(data):
            self._heard(wire.decode_from_child(text))

    def _heard(self, message: wire.FromChild) -> None:
        if isinstance(message, wire.Done):
            task = self.tasks.get(message.number)
            if task is not None:
                task.done = message
                self._maybe_ended(task)
        elif isinstance(message, wire.Asked) and isinstance(message.question, wire.Mask):
            self._mask(message.question)
            self.write(wire.Answered(number=message.number, answer=Changed()))
        elif isinstance(message, wire.Asked):
            self.owner.child_asked(self, message)
        elif isinstance(message, wire.Imported):
            self.owner.child_imported(message)
        else:
            self.group = message.pid

    def _mask(self, told: wire.Mask) -> None:
        task = self.tasks.get(told.item)
        if task is not None:
            task.secrets += told.texts
            self._masker.add(told.texts)

    def pause(self, paused: bool) -> None:
        if paused != self._paused and not self.dead:
            self._paused = paused
            if paused:
                self._loop.remove_reader(self.plumbing.out)
                self._loop.remove_reader(self.plumbing.err)
            else:
                self._read_pipes()

    def _read_pipes(self) -> None:
        self._loop.add_reader(self.plumbing.out, self._read, 0)
        self._loop.add_reader(self.plumbing.err, self._read, 1)

    def _read(self, which: int) -> int:
        """Read once; return how many bytes there were."""
        fd = self.plumbing.err if which else self.plumbing.out
        try:
            data = os.read(fd, wire.READ)
        except BlockingIOError:
            return 0
        if not data:
            self._loop.remove_reader(fd)
            return 0
        for piece in self._splitters[which].feed(data):
            self._take(which, piece)
        if self._held_bytes > RELEASE_BYTES:
            self._release()
        else:
            self._flush_later()
        return len(data)

    def _take(self, which: int, piece: marks.Text | marks.End) -> None:
        if isinstance(piece, marks.End):
            task = self.tasks.get(piece.number)
            if task is not None:
                task.ends |= 1 << which
                self._maybe_ended(task)
            return
        task = self._owner_of(which, piece.number)
        if task is None:
            return
        task.printed += len(piece.text) + 1
        if task.printed <= self.limit:
            self._held_bytes += len(piece.text)
            self._lines.append((piece.at, which + 1, task, _shown(piece.text)))
        elif not task.told_limit:
            task.told_limit = True
            said = f"Output beyond {self.limit:,} bytes is dropped from here on."
            self._lines.append((piece.at, 0, task, said))

    def _owner_of(self, which: int, number: int | None) -> Task | None:
        """Whose a line is. Not stamped: of the attempt that runs, if that is one."""
        if number is not None:
            return self.tasks.get(number)
        if self.shared:
            return next(iter(self.tasks.values())) if len(self.tasks) == 1 else None
        # The first that has not ended on this pipe: marks come in the order of attempts.
        return next((task for task in self.tasks.values() if not task.ends >> which & 1), None)

    def _release(self) -> None:
        """Tell, in order of time, the lines that no unread one can be older than."""
        if self._releasing or self.dead:
            return
        self._releasing, horizon = True, self.clock.now()
        if not self._paused:
            for which in (0, 1):
                if self._read(which) == wire.READ:  # more: known up to its latest
                    horizon = min(horizon, self._splitters[which].latest)
        self._releasing = False
        self._tell(lambda line: line[0] <= horizon)
        self._flush_later()

    def _tell(self, ready: Callable[[Line], bool]) -> None:
        told: dict[int, list[Line]] = {}
        kept: list[Line] = []
        for line in self._lines:
            if ready(line):
                told.setdefault(line[2].number, []).append(line)
            else:
                kept.append(line)
        self._lines, self._held_bytes = kept, sum(len(line[3]) for line in kept)
        for lines in told.values():
            lines.sort(key=lambda line: line[0])
            texts = [LogLine(at, stream, text) for at, stream, _, text in lines]
            self.owner.task_printed(lines[0][2], texts)

    def _flush_later(self) -> None:
        if self._lines and self._flush is None and not self.dead:
            self._flush = self._loop.call_later(FLUSH, self._flush_now)

    def _flush_now(self) -> None:
        self._flush = None
        self._release()

    def _maybe_ended(self, task: Task) -> None:
        if task.done is not None and task.ends == BOTH:
            self._end(task, _ending(task.done, task.asked))

    def _end(self, task: Task, ending: Ending) -> None:
        if self._lines:
            self._tell(lambda line: line[2] is task)
        del self.tasks[task.number]
        if task.secrets:
            self._masker = Masker(text for other in self.tasks.values() for text in other.secrets)
            for splitter in self._splitters:
                splitter.masker = self._masker
        if not self.dead and not self.shared and self.tasks:
            self._next_begins()
        self.owner.task_ended(self, task, ending)

    def _next_begins(self) -> None:
        self.owner.task_began(self, next(iter(self.tasks.values())))

    # ------------------------------------------------------------ its end

    def exited(self, status: int) -> None:
        """The template says that the process has ended: hear what it left, then settle."""
        if self.dead:
            return
        if self.group and self.group != self.pid:
            with contextlib.suppress(OSError):
                os.killpg(self.group, signal.SIGKILL)
        self._drain()
        unbegun = self.take_back()
        self.dead = True
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
        for task in list(self.tasks.values()):
            if task.done is not None:
                self._end(task, _ending(task.done, task.asked))
            else:
                died = Ending(
                    how="died",
                    ended_at=self.clock.now(),
                    signal=number,
                    code=code,
                    asked=task.asked,
                )
                self._end(task, died)
        self.close()
        self.owner.child_ended(self, unbegun)

    def _drain(self) -> None:
        for reader in (self.plumbing.sock, self.plumbing.out, self.plumbing.err):
            self._loop.remove_reader(reader)
        if self._unsent:
            self._loop.remove_writer(self.plumbing.sock)
        with contextlib.suppress(OSError, wire.FrameError, msgspec.MsgspecError):
            while data := self.plumbing.sock.recv(wire.READ):
                self._heard_all(data)
        for which in (0, 1):
            # Bounded: a process that got away may go on writing for ever.
            for _ in range(2 * PIPE_SIZE // wire.READ + 1):
                if not self._read(which):
                    break
            for piece in self._splitters[which].finish():
                self._take(which, piece)

    def close(self) -> None:
        """Let go of the descriptors. Nothing is told any more."""
        self.dead = True
        if self._flush is not None:
            self._flush.cancel()
        for reader in (self.plumbing.sock, self.plumbing.out, self.plumbing.err):
            self._loop.remove_reader(reader)
        self._loop.remove_writer(self.plumbing.sock)
        self.plumbing.close()
        if self.renewals is not None:
            os.close(self.renewals)
            self.renewals = None


def _ending(done: wire.Done, asked: str) -> Ending:
    return Ending(
        how=done.how,
        started_at=done.started_at,
        ended_at=done.ended_at,
        took=done.took,
        xcoms=done.xcoms,
        skip=done.skip,
        pause=done.pause,
        reason=done.reason,
        final=done.final,
        asked=asked,
    )


def _shown(line: bytes) -> str:
    """Return a line as a terminal would show it: after its last carriage return, as UTF-8."""
    text = line.decode("utf-8", "replace").rstrip("\r")
    return text.rpartition("\r")[2] if "\r" in text else text
