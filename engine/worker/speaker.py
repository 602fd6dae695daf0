"""The one mouth of a worker: all that it tells the leader leaves here, in order, on one subject.

What gathered since the last message shares the next one: outcomes of a loop turn are one
`Outcomes`, bounded by bytes. An outcome's log lines leave before it. What cannot be sent now is not
kept here: the worker sends unconfirmed outcomes again, heartbeats and hellos come by themselves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from penstock.events.bus import Bus, BusError
from penstock.events.types import AttemptStarted, Outcome, encode
from penstock.events.weight import weight
from penstock.events.words import Goodbye, Heartbeat, Hello, Outcomes, Up, Upward
from penstock.worker.ledger import Holding
from penstock.worker.logs import LogShipper

LARGEST = 256 * 1024

GATHER = 0.002
"""Seconds for which outcomes gather while many short ones are about to follow: each message costs
the server, the leader and a synced write more than an outcome does."""


class Speaker:
    """said: told of each hello and heartbeat that left, with the loop's time before it did.

    more_follow: whether many outcomes are about to follow those that wait.
    """

    def __init__(self, bus: Bus, subject: str, worker: str, logs: LogShipper) -> None:
        self._bus, self._subject, self._worker, self._logs = bus, subject, worker, logs
        self.said: Callable[[Up, float], None] = lambda _message, _sent_at: None
        self.more_follow: Callable[[], bool] = lambda: False
        self._queue: deque[Upward | Holding | AttemptStarted] = deque()
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._is_over = False

    def say(self, what: Upward | Holding | AttemptStarted) -> None:
        """Have it sent after all that was said before; a `Holding` stands for its outcome.

        After a goodbye nothing is said: a hello would have the leader send work to who is leaving.
        """
        if self._is_over:
            return
        self._is_over = isinstance(what, Goodbye)
        self._queue.append(what)
        self._idle.clear()
        self._more.set()

    async def silence(self) -> None:
        """Wait until everything said so far has left, or failed to."""
        if self._queue:
            await self._idle.wait()

    async def run(self) -> None:
        """Send, until cancelled."""
        while True:
            await self._more.wait()
            if self.more_follow():
                await asyncio.sleep(GATHER)
            self._more.clear()
            while self._queue:
                await self._send(await self._next())
            self._idle.set()

    async def _next(self) -> Upward:
        """Take the next message off the queue, outcomes that follow each other as one."""
        first = self._queue[0]
        if not isinstance(first, (Holding, AttemptStarted)):
            return self._queue.popleft()  # type: ignore[return-value]
        ended: list[Outcome] = []
        started: list[AttemptStarted] = []
        size = 0
        while self._queue and size < LARGEST:
            one = self._queue[0]
            if isinstance(one, AttemptStarted):
                started.append(one)
                size += 300
            elif isinstance(one, Holding):
                outcome = one.outcome
                assert outcome is not None
                if ended and size + weight(outcome) > LARGEST:
                    break
                await self._logs.ship(one)
                self._logs.forget(one.delivery)
                ended.append(outcome)
                size += weight(outcome)
            else:
                break
            self._queue.popleft()
        return Outcomes(worker=self._worker, ended=tuple(ended), started=tuple(started))

    async def _send(self, message: Upward) -> None:
        before = asyncio.get_running_loop().time()
        try:
            await self._bus.publish(self._subject, encode(message))
        except BusError:
            return
        if isinstance(message, (Hello, Heartbeat)):
            self.said(message, before)
