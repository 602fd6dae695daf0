"""Watches the disk of the state folder, and has nats-server started again when it has room again.

A full disk is met in three steps. Below a reserve the coordinator takes no new runs
(`penstock.coordinator.room`), so that what is left is there for outcomes. When nothing is left,
nats-server stops storing: whoever publishes waits, and nothing that was acked is lost. And when
there is room again, nats-server does not notice: only a restart mends it, and that is done here.

That it stopped storing is read in its own log, which says so even of a moment that was too short
for the bytes to be counted.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from penstock.events.server import Server
from penstock.home import INTAKE_RESERVE, Home

LOOK_SECONDS = 1.0
FULL = (b"no space left on device", b"disk quota exceeded")


class DiskWatch:
    """`run` until cancelled. report: told a sentence when the disk fills up, and when it is well.

    reserve: bytes below which the coordinator takes nothing new; that much must be free again
    before nats-server is started again.
    """

    def __init__(
        self,
        home: Home,
        server: Server,
        *,
        report: Callable[[str], None],
        reserve: int = INTAKE_RESERVE,
    ) -> None:
        self.home, self.server, self.report, self.reserve = home, server, report, reserve
        self.log = Path(home.nats) / "nats.log"
        self.read = self.log.stat().st_size if self.log.exists() else 0
        self.is_low = False
        self.has_stopped = False

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look once; restart nats-server if that is due."""
        free = shutil.disk_usage(self.home.folder).free
        self.has_stopped = self.has_stopped or self.server_stopped()
        if free < self.reserve and not self.is_low:
            self.is_low = True
            self.report(
                f"the disk of {self.home} is nearly full: {free >> 20} MiB are free, "
                f"{self.reserve >> 20} MiB are kept for runs under way. No new run is taken "
                "until there is room"
            )
        elif free >= self.reserve and (self.is_low or self.has_stopped):
            if self.has_stopped:
                async with self.server.paused():
                    pass
                self.has_stopped = False
                self.server_stopped()  # what it says at its end is of the time before
            self.is_low = False
            self.report(f"the disk of {self.home} has room again: {free >> 20} MiB; all goes on")

    def server_stopped(self) -> bool:
        """Whether nats-server has said, since the last look, that it could not write."""
        try:
            size = self.log.stat().st_size
            if size < self.read:  # a new file: nats-server turns it over at 16 MB
                self.read = 0
            with open(self.log, "rb") as log:
                log.seek(self.read)
                said = log.read(1 << 20)
        except OSError:
            return False
        self.read += len(said)
        return any(word in said for word in FULL)
