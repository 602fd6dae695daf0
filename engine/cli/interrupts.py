"""Ctrl-C and SIGTERM cancel the command's task, so that what it started is ended in order."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import click

T = TypeVar("T")


def interruptible(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end and return the result. A SIGINT or SIGTERM cancels it: click.Abort."""

    async def guarded() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(coroutine)

        def hear(number: int) -> None:
            if task.done():  # what lingers after the command's own end may be killed
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, hear, number)
        return await task

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise click.Abort from None


@asynccontextmanager
async def until_signal() -> AsyncIterator[asyncio.Event]:
    """Give an event that SIGINT or SIGTERM sets; a second one while the block ends raises Abort."""
    told = asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def hear() -> None:
        if told.is_set():
            task.cancel()
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, hear)
    try:
        yield told
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
