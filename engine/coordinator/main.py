"""Runs a coordinator process: connects, opens the projection, stands by or leads, until told.

SIGTERM ends it in order: the batch under way is projected. SIGKILL at any moment is survived, since
the log has it all.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from msgspec import Struct

from penstock.clock import SystemClock
from penstock.coordinator.coordinator import Coordinator, Settings
from penstock.coordinator.files import PARSE_SECONDS
from penstock.coordinator.keeping import answer_kept
from penstock.coordinator.parsing import parse_file
from penstock.events.bus import FencedError
from penstock.events.nats_bus import NatsBus
from penstock.events.questions import Answer, Question
from penstock.events.subjects import Subjects
from penstock.store.database import Database

log = logging.getLogger("penstock.coordinator")


class CoordinatorSettings(Struct, frozen=True, kw_only=True):
    """url, seed: of NATS, in the log's account. database: the projection's file.

    dags: the folder to watch, None for none. schedules, lease, silence, redeliveries: see
    `Settings`. prefix: of subjects.
    """

    url: str
    seed: str | None
    database: Path
    dags: Path | None = None
    schedules: bool = True
    prefix: str = "penstock"
    lease: float = 6.0
    silence: float = 4.0
    redeliveries: int = 3


async def run(settings: CoordinatorSettings, *, ready: Callable[[], None]) -> None:
    """Run until SIGTERM or SIGINT. ready: called once it leads or stands by.

    Raises BusError (no NATS), StoreError (the projection), FencedError (another one leads: the
    process ends, and a new one stands by).
    """
    subjects = Subjects(settings.prefix)
    bus = await NatsBus.connect(
        settings.url, seed=settings.seed, subjects=subjects, name="coordinator", on_error=report
    )
    await bus.ensure_streams()
    database = await Database.open(settings.database)
    name = f"{socket.gethostname()}-{os.getpid()}"

    def answer(question: Question) -> Answer:
        state = coordinator.state
        return answer_kept(coordinator.reading.vault, state.variables, state.connections, question)

    coordinator = await Coordinator.open(
        Settings(
            name=name,
            lease=settings.lease,
            silence=settings.silence,
            redeliveries=settings.redeliveries,
            schedules=settings.schedules,
        ),
        bus,
        subjects,
        SystemClock(),
        database,
        lambda file, timeout: parse_file(file, timeout, answer),
    )
    coordinator.files.timeout = float(os.environ.get("PENSTOCK_PARSE_SECONDS", PARSE_SECONDS))
    gc.collect()
    gc.freeze()  # what was recovered lives long: later collections need not look at it
    gc.set_threshold(20_000, 20, 50)  # facts and commands are no cycles; look for those rarely

    async def watch() -> None:
        ready()
        if settings.dags is None:
            coordinator.files.first_parse.set()
        else:
            await coordinator.files.watch(settings.dags)

    try:
        await until_told(coordinator.run(watch))
    except* FencedError as group:
        raise first_of(group) from None
    finally:
        await database.close()
        await bus.close()


async def until_told(doing: Coroutine[Any, Any, None]) -> None:
    """Run `doing` until it ends, or SIGTERM or SIGINT cancels it."""
    task = asyncio.ensure_future(doing)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of a group that is no group."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


def report(error: BaseException) -> None:
    log.warning("nats: %s", error)
