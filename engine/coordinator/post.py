"""Words on their way out: kept in order, sent without anybody waiting for anybody."""

from __future__ import annotations

import asyncio
from collections import deque

from penstock.events.bus import Bus, BusError


class Post:
    """Words for workers and standbys. A lost word is nobody's loss: heartbeats find out (law 8)."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.waiting: deque[tuple[str, bytes, str]] = deque()
        self.wake = asyncio.Event()
        self.is_sending = False
        self.dropped = 0

    def put(self, subject: str, payload: bytes, *, reply: str = "") -> None:
        self.waiting.append((subject, payload, reply))
        self.wake.set()

    async def send(self) -> None:
        """Send what waits, unless somebody is at it already."""
        if self.is_sending:
            return
        self.is_sending = True
        try:
            while self.waiting:
                subject, payload, reply = self.waiting.popleft()
                try:
                    await self.bus.publish(subject, payload, reply=reply)
                except BusError:
                    self.dropped += 1
        finally:
            self.is_sending = False

    async def run(self) -> None:
        """Send whatever is put, until cancelled."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            await self.send()
