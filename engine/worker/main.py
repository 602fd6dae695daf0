"""A worker as a process: connect, serve, drain at SIGTERM or SIGINT, stop at the second one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from msgspec import Struct

from penstock.clock import SystemClock
from penstock.events.blobs import FileBlobs, NatsBlobs
from penstock.events.nats_bus import NatsBus
from penstock.events.subjects import Subjects
from penstock.worker.kept import FileKeep
from penstock.worker.pool import Pool
from penstock.worker.presence import WorkerIdentity
from penstock.worker.process_pool import PoolSettings, ProcessPool
from penstock.worker.worker import Worker


class WorkerSettings(Struct, frozen=True, kw_only=True):
    """What `penstock worker` can be told.

    url, seed: where NATS is, and the nkey to show it. home: folder of this worker's own state and
    of the blobs. shared_home: the coordinator and every other worker has the same folder; else
    blobs go through NATS. slots: sync attempts at a time. name: unique for ever; made if "".
    drain: seconds that running attempts get at SIGTERM. memory_limit: bytes an attempt may have
    resident; 0: none. preload: modules that children are to have imported already.
    """

    url: str
    home: str
    seed: str | None = None
    slots: int = 0
    queues: tuple[str, ...] = ("default",)
    name: str = ""
    prefix: str = "penstock"
    shared_home: bool = True
    drain: float = 30.0
    memory_limit: int = 0
    log_limit: int = 50 * 1024 * 1024
    max_tasks: int = 2000
    kill_grace: float = 2.0
    preload: tuple[str, ...] = ()
    entry: str = "penstock.worker.execute"
    paths: tuple[str, ...] = ()


def identity(settings: WorkerSettings) -> WorkerIdentity:
    """Return who this process is; a name that is not given is made to be unique."""
    host = socket.gethostname()
    name = settings.name or f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
    return WorkerIdentity(
        name=name,
        host=host,
        pid=os.getpid(),
        slots=settings.slots or os.cpu_count() or 1,
        queues=settings.queues,
    )


def make_pool(settings: WorkerSettings) -> Pool:
    return ProcessPool(
        PoolSettings(
            blobs=str(Path(settings.home) / "blobs"),
            folder=str(Path(settings.home) / "tasks"),
            entry=settings.entry,
            paths=settings.paths,
            preload=settings.preload,
            max_tasks=settings.max_tasks,
            memory_limit=settings.memory_limit,
            kill_grace=settings.kill_grace,
            log_limit=settings.log_limit,
            threads=max(1, (os.cpu_count() or 1) // settings.slots),
        ),
        SystemClock(),
    )


async def run_worker(settings: WorkerSettings, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT, then drain. ready: called once NATS has let it in.

    Raises BusError if NATS lets nobody in, KeepError if the home cannot be written.
    """
    subjects, who = Subjects(settings.prefix), identity(settings)
    bus = await NatsBus.connect(
        settings.url, seed=settings.seed, subjects=subjects, name=who.name, on_error=_complain
    )
    local = FileBlobs(Path(settings.home) / "blobs")
    remote = None if settings.shared_home else NatsBlobs(bus.connection, local, subjects)

    async def upload(digest: str) -> None:
        assert remote is not None
        await remote.put(str(local.place(digest)))

    worker = Worker(
        who,
        bus,
        subjects,
        make_pool(settings),
        SystemClock(),
        blobs=remote or local,
        keep=FileKeep(Path(settings.home) / "workers", who.name),
        upload=None if remote is None else upload,
    )
    ready()
    try:
        await serve(worker, settings.drain)
    finally:
        await bus.close()


async def serve(worker: Worker, drain: float) -> None:
    """Run a worker until a signal; the first one drains, a second one ends it at once."""
    loop = asyncio.get_running_loop()
    asked, again = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: (again if asked.is_set() else asked).set())
    running = loop.create_task(worker.run())
    try:
        await _first(running, asked.wait())
        if not running.done():
            await _first(running, worker.drain(drain), again.wait())
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def _first(running: asyncio.Task[None], *others: Coroutine[Any, Any, Any]) -> None:
    """Wait for the first of these; the others, `running` excepted, are cancelled."""
    tasks = [asyncio.ensure_future(other) for other in others]
    done, _ = await asyncio.wait([running, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _complain(error: BaseException) -> None:
    print(f"penstock worker: {error}", file=sys.stderr, flush=True)


def run(settings: WorkerSettings, *, ready: Callable[[], None] = lambda: None) -> None:
    """The process's whole life, on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(run_worker(settings, ready))
    else:
        uvloop.run(run_worker(settings, ready))
