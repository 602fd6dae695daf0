"""The template: a process with one thread that has the heavy modules imported and forks children.

Started afresh (`python -m penstock.worker.template FD PARENT`), so that nothing of the worker, no
connection, no password, no lock of a thread, is ever in a child. It imports what it is told,
computes nothing, and then only forks when asked and says who ended how. What it imported cannot be
taken back: for another list of modules the worker starts another template, and this one goes when
its last child has gone.

Its life hangs on the worker's end of the socket: at end of file it kills every child's group, so
that the programs that tasks started go too, and ends. Children get SIGKILL when it dies.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import warnings
from typing import Any

import msgspec
from msgspec import Struct

from penstock.worker import kernel


class Start(Struct, frozen=True, kw_only=True, tag="start"):
    """The first word. paths: appended to `sys.path`. modules: imported if they can be."""

    paths: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


class Fork(Struct, frozen=True, kw_only=True, tag="fork"):
    """Make a child. Its descriptors come with the message: socket, stdout, stderr, permits.

    kind: `sync`, `async`, or `guarded` (then `until`, boot time in nanoseconds, is when it dies
    unless renewed, and a fifth descriptor is the guard's). entry: dotted name of the module that
    runs attempts. secret: of its marks. folder: its own, for temporary files. blobs: the folder of
    large values.
    """

    kind: str
    entry: str
    secret: str
    folder: str
    blobs: str
    until: int = 0


class Forked(Struct, frozen=True, kw_only=True, tag="forked"):
    pid: int


class Exited(Struct, frozen=True, kw_only=True, tag="exited"):
    """A child ended. status: as `os.waitpid` returns it."""

    pid: int
    status: int


class Warm(Struct, frozen=True, kw_only=True, tag="warm"):
    """Imports are done; forks are taken from now on. failed: modules that could not be imported."""

    failed: tuple[str, ...] = ()


encode = msgspec.json.Encoder().encode
decode_told = msgspec.json.Decoder(Start | Fork).decode
decode_said = msgspec.json.Decoder(Forked | Exited | Warm).decode


def preload(start: Start) -> Warm:
    """Import what was asked for; what fails here will fail in the task, with its traceback."""
    sys.path.extend(path for path in start.paths if path not in sys.path)
    failed = []
    for module in start.modules:
        try:
            importlib.import_module(module)
        except BaseException:
            failed.append(module)
    return Warm(failed=tuple(failed))


def become_child(fork: Fork, fds: list[int], parent: int) -> None:
    """In the forked process: run attempts until the worker's end of the socket closes."""
    os.setsid()
    kernel.die_with_parent(parent, signal.SIGKILL)
    kernel.prefer_as_victim()
    from penstock.worker import child

    child.main(fork, *fds[:4])


class Template:
    """The loop. control: the socket to the worker."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.children: set[int] = set()
        self.wake, wake_in = os.pipe()
        self.fds = [self.wake, wake_in, control.fileno()]
        os.set_blocking(wake_in, False)
        os.set_blocking(self.wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self.end())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)

    def say(self, word: Forked | Exited | Warm) -> None:
        try:
            self.control.sendall(encode(word) + b"\n")
        except OSError:
            self.end()

    def serve(self) -> None:
        poll = select.poll()
        poll.register(self.wake, select.POLLIN)
        poll.register(self.control, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self.wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self.wake, 4096)
                self.reap()
            if self.control.fileno() in ready:
                self.take()

    def take(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self.control, 65536, 8)
        except OSError:
            data, fds = b"", []
        if not data:
            self.end()
        told = decode_told(data)
        if isinstance(told, Start):
            self.say(preload(told))
            gc.collect()
            gc.freeze()
        else:
            self.fork(told, fds)

    def fork(self, fork: Fork, fds: list[int]) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self.in_child(fork, fds, parent)
        for fd in fds:
            os.close(fd)
        self.children.add(pid)
        self.say(Forked(pid=pid))

    def in_child(self, fork: Fork, fds: list[int], parent: int) -> None:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            for fd in self.fds:
                os.close(fd)
            if fork.kind == "guarded":
                from penstock.worker import guard

                guard.watch(fork, fds, parent)
            else:
                become_child(fork, fds, parent)
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)

    def reap(self) -> None:
        """Report who ended."""
        while (ended := kernel.bury()) is not None:
            pid, status = ended
            self.children.discard(pid)
            self.say(Exited(pid=pid, status=status))

    def end(self) -> None:
        for pid in self.children:
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(OSError):
                    kill(pid, signal.SIGKILL)
        os._exit(0)


def main(args: list[str]) -> None:
    control, parent = socket.socket(fileno=int(args[0])), int(args[1])
    control.set_inheritable(False)
    kernel.die_with_parent(parent, signal.SIGTERM)
    gc.disable()
    # Native threads of a preloaded library (OpenBLAS) make Python 3.12 warn at each fork; they are
    # idle, and nothing is computed here.
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
    template = Template(control)
    preload(Start(modules=("penstock.worker.child",)))
    template.serve()


def _as_module() -> Any:
    # Run with `-m`, this file is `__main__`; children and guard import it by its name.
    return importlib.import_module("penstock.worker.template")


if __name__ == "__main__":
    _as_module().main(sys.argv[1:])
