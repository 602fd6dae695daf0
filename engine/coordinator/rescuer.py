"""Gives up workers that are silent for longer than their lease.

Silence counts only while this loop was reading: after a stall of our own leases are longer by it,
since the words may be waiting for us. While the connection is down nobody can be heard, and when it
is back everybody has a whole lease to be heard in: their connections may come back later than ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from penstock.coordinator.dispatcher import Dispatcher

LOOK_SECONDS = 0.5


class Rescuer:
    """give_up: called with a worker and the seconds of its silence.

    can_hear: whether the connection answers; asked before anybody is given up.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        lease: float,
        give_up: Callable[[str, float], None],
        can_hear: Callable[[], Awaitable[bool]],
    ) -> None:
        self.dispatcher, self.lease, self.give_up = dispatcher, lease, give_up
        self.can_hear = can_hear
        self.given_up: set[str] = set()
        self.began = 0.0  # the loop's time from which the silence of the unheard counts

    async def run(self) -> None:
        """Look around every LOOK_SECONDS, until cancelled."""
        loop = asyncio.get_running_loop()
        self.began = before = loop.time()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = loop.time()
            self.lengthen(max(0.0, now - before - 2 * LOOK_SECONDS))
            before = now
            if self.silent(now) and not await self.can_hear():
                self.reconnected()
            now = loop.time()
            for worker, silence in self.silent(now).items():
                self.given_up.add(worker)
                self.give_up(worker, silence)

    def lengthen(self, seconds: float) -> None:
        """Nobody could be heard for so long."""
        self.began += seconds
        for link in self.dispatcher.links.values():
            link.heard += seconds

    def reconnected(self) -> None:
        """Nobody could be heard until now."""
        self.began = asyncio.get_running_loop().time()
        for link in self.dispatcher.links.values():
            link.heard = self.began

    def silent(self, now: float) -> dict[str, float]:
        """Return whose lease has run out, and the seconds of each one's silence."""
        links = self.dispatcher.links
        heard = {worker: self.began for worker in self.dispatcher.unheard if worker not in links}
        heard |= {worker: link.heard for worker, link in links.items()}
        self.given_up &= heard.keys()
        return {
            worker: now - when
            for worker, when in heard.items()
            if now - when > self.lease and worker not in self.given_up
        }
