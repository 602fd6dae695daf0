"""Triggers that wait for files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from glob import iglob
from typing import Any

from penstock.authoring.triggers import BaseEventTrigger, BaseTrigger, TriggerEvent


def found(pattern: str, recursive: bool) -> str | None:
    """Return a file that a glob pattern means, or that lies below a folder it means; else None."""
    for path in iglob(pattern, recursive=recursive):
        if os.path.isfile(path):
            return path
        for folder, _, files in os.walk(path):
            if files:
                return os.path.join(folder, files[0])
    return None


async def _until(every: float, look: Callable[..., Any], *arguments: Any) -> Any:
    """Look every so many seconds; return the first thing found that is true."""
    while True:
        # In a thread: a folder on the network may hang, and others wait on this loop.
        if seen := await asyncio.to_thread(look, *arguments):
            return seen
        await asyncio.sleep(every)


class FileTrigger(BaseTrigger):
    """Fires with True once a file is there.

    filepath: a path or a glob pattern; recursive: `**` in it means any depth. A folder counts once
    a file is below it. poke_interval: seconds between two looks.
    """

    def __init__(
        self, filepath: str, recursive: bool = False, poke_interval: float = 5.0, **_: Any
    ) -> None:
        super().__init__()
        self.filepath, self.recursive, self.poke_interval = filepath, recursive, poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "penstock.steps.triggers.file.FileTrigger",
            {
                "filepath": self.filepath,
                "recursive": self.recursive,
                "poke_interval": self.poke_interval,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        path = await _until(self.poke_interval, found, self.filepath, self.recursive)
        self.log.info("Found %s.", path)
        yield TriggerEvent(True)


class FileDeleteTrigger(BaseEventTrigger):
    """Fires with True once a file is there, and deletes it. filepath: a path, no pattern."""

    def __init__(self, filepath: str, poke_interval: float = 5.0, **_: Any) -> None:
        super().__init__()
        self.filepath, self.poke_interval = filepath, poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "penstock.steps.triggers.file.FileDeleteTrigger",
            {"filepath": self.filepath, "poke_interval": self.poke_interval},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        await _until(self.poke_interval, os.path.isfile, self.filepath)
        await asyncio.to_thread(os.unlink, self.filepath)
        self.log.info("%s was there, and is deleted.", self.filepath)
        yield TriggerEvent(True)
