"""A child: runs attempts one after another, in a process that can be killed at any instant.

It reads a batch, claims each item by its permit, runs it by the entry module, and says what became
of it. Around each item: the environment, the working folder, logging and the streams are put back
to what they were. An item that leaves threads or processes behind soils the child: the worker then
retires it, with its whole process group, so nothing of an attempt goes on after its end.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import os
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections import deque
from types import FrameType
from typing import Any

from penstock.authoring.masking import masked
from penstock.events import types as t
from penstock.events import words as w
from penstock.worker import kernel, missing, wire, xcom
from penstock.worker.capture import Capture
from penstock.worker.pausing import PAUSES
from penstock.worker.questions import Asker, TaskBackend
from penstock.worker.sources import Sources

SKIPS = frozenset({"AirflowSkipException"})
FINALS = frozenset({"AirflowFailException", "AirflowSensorTimeout"})
LOOK_AT_MEMORY_EVERY = 16
SLOW_IMPORT = 0.1
MANY_MODULES = 20
"""Fewer new modules than this are not worth another template."""


class Stopped(BaseException):
    """The worker wants this attempt to end: raised where its code is, by SIGTERM."""


def reason_of(error: BaseException) -> str:
    """Return an exception as one line, of at most 500 characters."""
    text, name = text_of(error) + missing.advice(error), type(error).__name__
    return (f"{name}: {text}" if text else name)[:500]


def text_of(error: BaseException) -> str:
    """Return what an exception says, as one line that can be sent, whatever its class does."""
    try:
        text = str(error)[:5000]
    except Exception as broken:
        text = f"(its __str__ raises {type(broken).__name__})"
    # A lone surrogate is no UTF-8: unsent, it would cost the child, and the reason with it.
    return " ".join(masked(text).encode("utf-8", "backslashreplace").decode().split())


def judge(error: BaseException) -> tuple[str, bool]:
    """Return (how, final) of an attempt that raised. Names decide: users raise Airflow's."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, Stopped):
        return "stopped", False
    if names & SKIPS:
        return "skipped", False
    if names & PAUSES:
        return "paused", False
    return "raised", bool(names & FINALS)


def print_traceback(error: BaseException) -> None:
    """Print it to stderr as Python would, without the frames of Penstock above the user's."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_globals.get("__name__", "")):
        trace = trace.tb_next
    with contextlib.suppress(Exception):
        traceback.print_exception(type(error), error, trace or error.__traceback__)


def _is_ours(module: str) -> bool:
    return module.startswith(("penstock.worker", "penstock.authoring"))


def paused(error: BaseException, backend: TaskBackend) -> tuple[str, t.Pause | None, str]:
    """Return (how, pause, reason) of an attempt that said "not now"."""
    try:
        return "paused", backend.pause_of(error), ""
    except Exception as wrong:
        print_traceback(wrong)
        return "raised", None, reason_of(wrong)


class Environment:
    """What an attempt finds and may change: environment variables and the working folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._at = os.getcwd()
        self._own: dict[str, str] = {}
        self._before: dict[Any, Any] = {}

    def begin(self, work: w.Work, info: w.RunInfo) -> None:
        own = {
            "AIRFLOW_CTX_DAG_ID": info.dag_id,
            "AIRFLOW_CTX_TASK_ID": work.attempt.task,
            "AIRFLOW_CTX_DAG_RUN_ID": info.run_id,
            "AIRFLOW_CTX_TRY_NUMBER": str(work.attempt.try_number),
            "PENSTOCK_DAG_ID": info.dag_id,
            "PENSTOCK_TASK_ID": work.attempt.task,
            "PENSTOCK_RUN_ID": info.run_id,
            "PENSTOCK_TRY_NUMBER": str(work.attempt.try_number),
            "PENSTOCK_MAP_INDEX": str(work.attempt.index),
            "PENSTOCK_TASK_DIR": self.folder,
        }
        # Neighbours differ in little, a change costs a microsecond, and `end` leaves these alone.
        for name, value in own.items() - self._own.items():
            os.environ[name] = value
        self._own = own
        self._before = _raw_environ().copy()

    def end(self) -> None:
        now, before = _raw_environ(), self._before
        if now != before:
            os.environ.clear()
            os.environ.update({os.fsdecode(k): os.fsdecode(v) for k, v in before.items()})
        try:
            away = os.getcwd() != self._at
        except OSError:
            away = True  # the task removed the folder that it was in
        if away:
            with contextlib.suppress(OSError):
                os.chdir(self._at)
        with contextlib.suppress(OSError), os.scandir(self.folder) as left:
            for entry in left:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)


def _raw_environ() -> Any:
    return getattr(os.environ, "_data", os.environ)  # a plain dict: 20 times faster to copy


def installed(names: set[str]) -> tuple[str, ...]:
    """Of modules, those that were installed (not the user's own files), in order of import."""
    roots = tuple({path for path in sys.path if path.endswith(("site-packages", "dist-packages"))})
    found = [
        name
        for name in list(sys.modules)
        if name in names
        and name.count(".") <= 1
        and (getattr(sys.modules[name], "__file__", None) or "").startswith(roots or ("\0",))
    ]
    return tuple(found[:400])


class Child:
    """The loop of a child that runs sync code."""

    def __init__(
        self, line: wire.Line, permits: int, capture: Capture, entry: Any, folder: str, blobs: str
    ) -> None:
        self.line, self.permits, self.capture, self.entry = line, permits, capture, entry
        self.environment = Environment(folder)
        self.blobs = xcom.BlobFolder(blobs)
        self.sources = Sources()
        self.waiting: deque[Any] = deque()
        self.ask = Asker(line, self.waiting.append)
        self.pid = os.getpid()
        self.permit: int | None = None
        self.inside = False
        self.count = 0
        self.soiled = False  # then it begins nothing more, and waits for its end
        self.files: set[str] = set()  # DAG files that this process has loaded
        self.threads = threading.active_count()
        signal.signal(signal.SIGTERM, self.on_terminate)

    def on_terminate(self, _number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self.pid:
            os._exit(143)
        if self.inside:
            self.inside = False
            raise Stopped("the worker asked this attempt to stop")

    def serve(self) -> None:
        while True:
            message = self.waiting.popleft() if self.waiting else self.line.receive()
            if isinstance(message, wire.Batch):
                for item in message.items:
                    if not self.soiled and self.claim(item.number):
                        self.attempt(item, message.runs[item.work.attempt.run])

    def claim(self, number: int) -> bool:
        """Take the item's permit; False if the worker took it back."""
        if self.permit is None:
            try:
                self.permit = os.read(self.permits, 1)[0]
            except (BlockingIOError, IndexError):
                return False
        if self.permit != number % 256:
            return False  # that of an item in a later batch
        self.permit = None
        return True

    def attempt(self, item: wire.Item, info: w.RunInfo) -> None:
        work, began = item.work, time.perf_counter()
        started_at = time.time_ns() // 1000
        backend = TaskBackend(work, self.ask, self.blobs, self.sources, item.number)
        self.capture.begin(item.number)
        self.capture.reset_logging()
        self.environment.begin(work, info)
        modules = None if info.file in self.files else set(sys.modules)
        how, final, reason, pause = self.call(work, info, backend, started_at)
        took = time.perf_counter() - began
        self.environment.end()
        self.capture.end(item.number)
        self.count += 1
        self.soiled = self.is_soiled()
        rare = took > 0.01 or self.count % LOOK_AT_MEMORY_EVERY == 0
        self.line.send(
            wire.Done(
                number=item.number,
                how=how,
                started_at=started_at,
                ended_at=time.time_ns() // 1000,
                took=took,
                xcoms=backend.pushed if how != "stopped" else (),
                skip=backend.left_out,
                pause=pause,
                reason=reason,
                final=final,
                soiled=self.soiled,
                rss=kernel.resident_bytes() if rare else 0,
            )
        )
        self.files.add(info.file)
        if modules is not None and took > SLOW_IMPORT:
            new = installed(set(sys.modules) - modules)
            if len(new) >= MANY_MODULES:
                self.line.send(wire.Imported(modules=new, seconds=took))

    def call(
        self, work: w.Work, info: w.RunInfo, backend: TaskBackend, started_at: int
    ) -> tuple[str, bool, str, t.Pause | None]:
        """Run user code; return how it ended, whether for good, the reason, what it waits for."""
        try:
            try:
                self.inside = True
                if work.is_async:  # an exclusive one: it has this process to itself
                    import asyncio  # late: sync children do without

                    asyncio.run(self.entry.run_async(work, info, backend, started_at))
                else:
                    self.entry.run(work, info, backend, started_at)
            finally:
                self.inside = False
                self.leave_if_forked(sys.exception())
        except BaseException as error:
            how, final = judge(error)
            if how == "paused":
                how, pause, reason = paused(error, backend)
                return how, final, reason, pause
            if how == "skipped":
                print(f"skipped: {text_of(error)}", file=sys.stderr)
                return how, final, text_of(error)[:500], None
            print_traceback(error)
            return how, final, reason_of(error), None
        return "returned", False, "", None

    def leave_if_forked(self, error: BaseException | None) -> None:
        """A process that the task forked came back here: it must not speak for the task."""
        if os.getpid() == self.pid:
            return
        code = 0
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        elif error is not None:
            print_traceback(error)
            code = 1
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)

    def is_soiled(self) -> bool:
        """Did the attempts so far leave threads or processes that still live?"""
        if threading.active_count() > self.threads:
            return True
        return kernel.has_children()


def fresh_random() -> None:
    """Children are copies: without this, all would draw the same numbers from numpy's generator."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def main(fork: Any, sock_fd: int, out: int, err: int, permits: int) -> None:
    """Serve until the worker's end closes. fork: `penstock.worker.template.Fork`."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.makedirs(fork.folder, exist_ok=True)
    for fd in (sock_fd, out, err, permits):
        os.set_inheritable(fd, False)
    os.set_blocking(permits, False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.enable()  # the template has it off, so that its pages stay shared
    fresh_random()
    line = wire.Line(socket.socket(fileno=sock_fd))
    try:
        if fork.kind == "async":
            from penstock.worker import async_child

            async_child.serve(fork, line, out, err)
        else:
            capture = Capture(out, err, fork.secret)
            faulthandler.enable(file=err)
            line.send(wire.Ready(pid=os.getpid()))
            entry = importlib.import_module(fork.entry)
            Child(line, permits, capture, entry, fork.folder, fork.blobs).serve()
    except (EOFError, ConnectionError):
        pass  # the worker retired this child, or is gone
