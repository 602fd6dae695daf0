"""The child of the `async def` tasks: all of them together on one event loop, thousands at once.

They take no slot and no permit: an item begins when it arrives. A cancel is an asyncio cancel; one
that a task does not heed costs the whole process, which the worker decides. Questions of a task
block the loop for the millisecond that an answer takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import importlib
import os
import signal
import time
from collections import deque
from typing import Any

from penstock.events import words as w
from penstock.worker import wire, xcom
from penstock.worker.capture import SharedCapture
from penstock.worker.child import judge, paused, print_traceback, reason_of
from penstock.worker.questions import Asker, TaskBackend
from penstock.worker.sources import Sources


class AsyncChild:
    """The state beside the loop: which item runs as which asyncio task."""

    def __init__(self, line: wire.Line, capture: SharedCapture, entry: Any, blobs: str) -> None:
        self.line, self.capture, self.entry = line, capture, entry
        self.blobs = xcom.BlobFolder(blobs)
        self.sources = Sources()
        self.later: deque[Any] = deque()  # came while a question waited for its answer
        self.ask = Asker(line, self.later.append, self.heard)
        self.loop = asyncio.get_running_loop()
        self.running: dict[int, asyncio.Task[None]] = {}
        self.gone = asyncio.Event()

    def take(self) -> None:
        """The socket is readable. A thread of a task may be reading it, for an answer."""
        if not self.ask.reading.acquire(blocking=False):
            self.loop.remove_reader(self.line.sock)  # until that thread has its answer
            return
        try:
            messages = self.line.arrived()
        except (EOFError, ConnectionError):
            self.gone.set()
            return
        finally:
            self.ask.reading.release()
        for message in messages:
            self.handle(message)
        self.take_later()

    def heard(self) -> None:
        """A question was answered, in whatever thread: go on listening."""
        self.loop.call_soon_threadsafe(self.listen)

    def listen(self) -> None:
        self.loop.add_reader(self.line.sock, self.take)
        if self.ask.reading.acquire(blocking=False):
            self.later += self.line.left()
            self.ask.reading.release()
        self.take_later()

    def take_later(self) -> None:
        while self.later:
            self.handle(self.later.popleft())

    def handle(self, message: Any) -> None:
        if isinstance(message, wire.Batch):
            for item in message.items:
                info = message.runs[item.work.attempt.run]
                self.running[item.number] = asyncio.create_task(self.attempt(item, info))
        elif isinstance(message, wire.Cancel) and message.number in self.running:
            self.running[message.number].cancel()

    async def attempt(self, item: wire.Item, info: w.RunInfo) -> None:
        work, began = item.work, time.perf_counter()
        started_at = time.time_ns() // 1000
        backend = TaskBackend(work, self.ask, self.blobs, self.sources, item.number)
        streams = self.capture.begin(item.number)
        how, final, reason, pause = "returned", False, "", None
        try:
            await self.entry.run_async(work, info, backend, started_at)
        except asyncio.CancelledError as error:
            how, reason = "stopped", reason_of(error)
        except BaseException as error:
            how, final = judge(error)
            if how == "paused":
                how, pause, reason = paused(error, backend)
            else:
                reason = reason_of(error)
                print_traceback(error)
        self.capture.end(item.number, streams)
        self.running.pop(item.number, None)
        self.line.send(
            wire.Done(
                number=item.number,
                how=how,
                started_at=started_at,
                ended_at=time.time_ns() // 1000,
                took=time.perf_counter() - began,
                xcoms=backend.pushed if how != "stopped" else (),
                skip=backend.left_out,
                pause=pause,
                reason=reason,
                final=final,
            )
        )
        self.take_later()


async def _serve(fork: Any, line: wire.Line, out: int, err: int) -> None:
    capture = SharedCapture(out, err, fork.secret)
    entry = importlib.import_module(fork.entry)
    os.environ["PENSTOCK_TASK_DIR"] = fork.folder
    child = AsyncChild(line, capture, entry, fork.blobs)
    child.listen()
    await child.gone.wait()


def serve(fork: Any, line: wire.Line, out: int, err: int) -> None:
    """Serve until the worker's end of the socket closes."""
    faulthandler.enable(file=err)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    line.send(wire.Ready(pid=os.getpid()))
    with contextlib.suppress(EOFError, ConnectionError):
        asyncio.run(_serve(fork, line, out, err))
    os._exit(0)
