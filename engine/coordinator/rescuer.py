"""Gives up workers that are silent for longer than their lease.

Silence counts only while this loop was reading: after a stall of our own, or while the connection
is down, leases are longer by it, since the words may be waiting for us.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from penstock.coordinator.dispatcher import Dispatcher

LOOK_SECONDS = 0.5


class Rescuer:
    """give_up: called with a worker and the seconds of its silence."""

    def __init__(
        self, dispatcher: Dispatcher, lease: float, give_up: Callable[[str, float], None]
    ) -> None:
        self.dispatcher, self.lease, self.give_up = dispatcher, lease, give_up
        self.given_up: set[str] = set()
        self.is_deaf = False
        self.patience = 0.0

    async def run(self) -> None:
        """Look around every LOOK_SECONDS, until cancelled."""
        loop = asyncio.get_running_loop()
        began = before = loop.time()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = loop.time()
            stalled = now - before if self.is_deaf else max(0.0, now - before - 2 * LOOK_SECONDS)
            before = now
            began += stalled
            self.look(now, began, stalled)

    def look(self, now: float, began: float, stalled: float) -> None:
        """stalled: seconds of the last span in which nobody could be heard."""
        links = self.dispatcher.links
        for link in links.values():
            link.heard += stalled
        heard = {worker: began for worker in self.dispatcher.unheard if worker not in links}
        heard |= {worker: link.heard for worker, link in links.items()}
        self.given_up &= heard.keys()
        for worker, when in heard.items():
            if now - when > self.lease and worker not in self.given_up:
                self.given_up.add(worker)
                self.give_up(worker, now - when)
