"""Ctrl-C and SIGTERM: the command's task is cancelled, so that what it started is ended in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

import click

T = TypeVar("T")


def interruptible(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end and return the result. A SIGINT or SIGTERM cancels it: click.Abort."""

    async def guarded() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(coroutine)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        return await task

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise click.Abort from None
