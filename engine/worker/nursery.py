"""The worker's side of templates: start one, have children forked, hear of their ends.

One template is in force; older ones, started with another list of modules, stay until their last
child has gone. A template that dies takes its children along; the next fork starts a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from penstock.home import environment_without_keys
from penstock.worker import template
from penstock.worker.pool import PoolError

STARTS = 3
"""How often a template may fail to start before that is an error."""


class Forked(Protocol):
    """Whom a template's words about one child concern."""

    pid: int

    def exited(self, status: int) -> None: ...


THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What numeric libraries read at their import. Side by side without a limit, gradient boosting took
52 to 73 s instead of 3 to 4: each of the children's pools spins for the other's cores."""


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a template: ours without keys; what the user set stays."""
    limits = {name: str(threads) for name in THREADS} if threads else {}
    return limits | environment_without_keys()


class Template:
    """One template process. lost: it has ended, and all of its children with it."""

    def __init__(self, paths: Sequence[str], modules: Sequence[str], threads: int) -> None:
        self.lost = False
        self.retired = False
        self.children: dict[int, Forked] = {}
        self._loop = asyncio.get_running_loop()
        self._warm = self._loop.create_future()
        self._fork: tuple[Forked, asyncio.Future[None]] | None = None
        self._turn = asyncio.Lock()
        self._rest = b""
        self._control, theirs = socket.socketpair()
        # A group of its own: Ctrl-C in a terminal is the worker's to deal with.
        command = [sys.executable, "-P", "-m", "penstock.worker.template", str(theirs.fileno())]
        self._process = subprocess.Popen(
            [*command, str(os.getpid())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=environment(threads),
        )
        theirs.close()
        start = template.Start(paths=tuple(paths), modules=tuple(modules))
        with contextlib.suppress(OSError):  # it died at once: the end of file will tell
            self._control.sendall(template.encode(start))
        self._control.setblocking(False)
        self._loop.add_reader(self._control, self._hear)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def warm(self) -> None:
        """Wait until its imports are done; PoolError if it ended before."""
        await asyncio.shield(self._warm)

    async def fork(self, fork: template.Fork, fds: Sequence[int], child: Forked) -> None:
        """Make a child and set its pid; PoolError if the template died over it."""
        async with self._turn:
            await self.warm()
            if self.lost:
                raise PoolError("the template process ended")
            told = self._loop.create_future()
            self._fork = (child, told)
            try:
                socket.send_fds(self._control, [template.encode(fork)], list(fds))
            except OSError:
                self.close()  # it died a moment ago, and its end was not read yet
            await told

    def retire(self) -> None:
        """End as soon as no child is left."""
        self.retired = True
        if not self.children and self._fork is None:
            self.close()

    def close(self) -> None:
        """End it now, and its children with it."""
        if not self.lost:
            self._end()

    def _hear(self) -> None:
        try:
            data = self._control.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._end()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._heard(template.decode_said(line))

    def _heard(self, word: template.Warm | template.Forked | template.Exited) -> None:
        if isinstance(word, template.Warm):
            if not self._warm.done():
                self._warm.set_result(None)
        elif isinstance(word, template.Forked):
            assert self._fork is not None
            (child, told), self._fork = self._fork, None
            child.pid = word.pid
            self.children[word.pid] = child
            if not told.done():
                told.set_result(None)
        else:
            ended = self.children.pop(word.pid, None)
            if ended is not None:
                ended.exited(word.status)
            if self.retired:
                self.retire()

    def _end(self) -> None:
        self.lost = True
        self._loop.remove_reader(self._control)
        self._control.close()
        children, self.children = self.children, {}
        for pid in [*children, self._process.pid]:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        error = PoolError(
            f"the template process for tasks ended (exit status {self._process.returncode}). "
            "Its own output, on the worker's stderr, says why."
        )
        futures = [self._warm] + ([self._fork[1]] if self._fork else [])
        self._fork = None
        for future in futures:
            if not future.done():
                future.set_exception(error)
                future.exception()  # looked at: nobody may be waiting
        for child in children.values():
            child.exited(signal.SIGKILL)


class Nursery:
    """Where children come from. paths: for `sys.path`; modules: to have imported before forking.

    threads: see `environment`. replaced: called when another template has taken over; older
    children may go.
    """

    def __init__(
        self,
        paths: Sequence[str],
        modules: Sequence[str],
        replaced: Callable[[], None],
        threads: int = 0,
    ) -> None:
        self._paths, self.modules, self._replaced = tuple(paths), tuple(modules), replaced
        self._threads = threads
        self._current: Template | None = None
        self._coming: asyncio.Task[None] | None = None
        self._old: list[Template] = []

    def start(self) -> None:
        """Start a template, if none is there, without waiting for it."""
        if self._current is None or self._current.lost:
            self._current = Template(self._paths, self.modules, self._threads)

    async def fork(self, fork: template.Fork, fds: Sequence[int], child: Forked) -> None:
        """Make a child; a template that dies over it is replaced. PoolError at the third."""
        for left in reversed(range(STARTS)):
            self.start()
            assert self._current is not None
            try:
                await self._current.fork(fork, fds, child)
                return
            except PoolError:
                if not left:
                    raise

    def preload(self, modules: Sequence[str]) -> None:
        """Start a template that has these modules too; it takes over once they are imported."""
        more = [module for module in modules if module not in self.modules]
        if more and (self._coming is None or self._coming.done()):
            self.modules += tuple(more)
            self._coming = asyncio.create_task(
                self._replace(Template(self._paths, self.modules, self._threads))
            )

    async def _replace(self, coming: Template) -> None:
        try:
            await coming.warm()
        except PoolError:
            return  # the one in force goes on; it has not got the new modules, no more
        self._old = [old for old in self._old if not old.lost]
        if self._current is not None:
            self._old.append(self._current)
        self._current = coming
        for old in self._old:
            old.retire()
        self._replaced()

    def is_current(self, pid: int) -> bool:
        """Is this child of the template in force?"""
        return self._current is not None and pid in self._current.children

    def close(self) -> None:
        """End every template and every child."""
        if self._coming is not None:
            self._coming.cancel()
        for one in [*self._old, *([self._current] if self._current else [])]:
            one.close()
