"""Tells other services what happened: a CloudEvent for every state of every run and task.

A notice is derived in the fold and its id is its run and its number there, so it is the same
however often it is sent. It is sent at once, without waiting; what the stream has not confirmed
when a projection batch commits is a row of that batch (law 5). The fan-out of a mapped task is one
command, and one row, however wide.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from penstock.coordinator.notices import Notices, Told
from penstock.events.bus import Bus, BusError
from penstock.lifecycle.commands import Notify, NotifyRun

BURST = 1000
"""Notices sent, at most, before the stream is asked whether it has them."""

SLICE = 100
"""After so many (about 1 ms) the event loop has a turn: a fan must not hold up the next hop."""

RETRY_SECONDS = 0.2

RECENT, RECENT_SECONDS = 64, 0.1
"""Confirmed commands that are kept: so many, and those that were confirmed so lately.

NOTICES is written asynchronously, some 8 ms after the ack: a nats-server that is killed was seen
to lose the last 14 messages that it had acked when it had little to do, 140 in a flood.
"""


class Relay:
    """Sends notices in order. A command is open from `tell` until the stream has its notices.

    confirmed: called with the key of each command that is no longer open.
    """

    def __init__(self, bus: Bus, notices: Notices) -> None:
        self.bus, self.notices = bus, notices
        self.confirmed: Callable[[str], None] = lambda key: None
        self.recent: deque[tuple[int, Told]] = deque()
        self.recent_at: deque[float] = deque()  # when each of `recent` was confirmed
        self.unsent: deque[tuple[int, Told]] = deque()
        self.begun = 0  # notices of the first unsent command that are on their way
        self.rounds = 0  # rises whenever sending begins anew from the front of `unsent`
        self.sent: deque[tuple[int, Told]] = deque()  # not yet confirmed
        self.wake = asyncio.Event()
        self.changed = asyncio.Event()
        self.position = 0

    def tell(self, position: int, command: Told) -> None:
        """position: the sequence in LOG of what the command follows from."""
        self.unsent.append((position, command))
        self.wake.set()

    def folded(self, position: int) -> None:
        self.position = position

    @property
    def noticed(self) -> int:
        """Up to which sequence of LOG every notice is confirmed."""
        first = self.sent or self.unsent
        return first[0][0] - 1 if first else self.position

    # ------------------------------------------------------------ sending

    async def run(self) -> None:
        """Send whatever is told, until cancelled."""
        while True:
            if not (self.unsent or self.sent):
                self.wake.clear()
                await self.wake.wait()
            try:
                await self.send_burst()
                await self.bus.flushed()
            except BusError:
                # None of them is known to be there: send all of them again, in order.
                self.send_again(self.sent)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self.confirm_sent()
            self.changed.set()

    def confirm_sent(self) -> None:
        now = asyncio.get_running_loop().time()
        self.recent_at.extend([now] * len(self.sent))
        self.recent.extend(self.sent)
        self.sent.clear()
        while len(self.recent) > RECENT and self.recent_at[0] < now - RECENT_SECONDS:
            self.recent_at.popleft()
            self.confirmed(key_of(self.recent.popleft()[1]))

    def reconnected(self) -> None:
        """The server may be a new one that lost what it had just acked: send that again."""
        self.send_again(self.sent)
        self.send_again(self.recent)
        self.recent_at.clear()
        self.wake.set()

    def send_again(self, commands: deque[tuple[int, Told]]) -> None:
        self.unsent.extendleft(reversed(commands))
        commands.clear()
        self.begun = 0
        self.rounds += 1

    async def send_burst(self) -> None:
        left, round = BURST, self.rounds
        while self.unsent and left > 0:
            command = self.unsent[0][1]
            for subject, notice in self.notices.of(command, self.begun):
                await self.bus.store(subject, notice, wait=False)
                self.begun += 1
                left -= 1
                if left <= 0:
                    break
                if left % SLICE == 0:
                    await asyncio.sleep(0)
                    if self.rounds != round:
                        return  # meanwhile the front of `unsent` became another command
            if self.begun >= length(command):
                self.sent.append(self.unsent.popleft())
                self.begun = 0

    # ------------------------------------------------------------ the outbox

    async def settle(self, position: int, *, timeout: float) -> None:
        """Wait, `timeout` seconds at most, for the notices up to `position` to be confirmed."""
        try:
            async with asyncio.timeout(timeout):
                while self.noticed < position:
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            return

    def open(self) -> Iterator[tuple[int, str, str, bytes]]:
        """Yield what is open, or was until just now, as rows of the outbox.

        (position, key, what, JSON).
        """
        for position, command in (*self.recent, *self.sent, *self.unsent):
            what = "task" if isinstance(command, Notify) else "run"
            yield position, key_of(command), what, msgspec.json.encode(command)

    def tell_again(self, position: int, what: str, payload: bytes) -> None:
        """Take a row of the outbox: an earlier leader had not heard that it arrived."""
        kind: type[Told] = Notify if what == "task" else NotifyRun
        self.tell(position, msgspec.json.decode(payload, type=kind))

    def forget_up_to(self, position: int) -> None:
        """The leader has confirmed these: a standby need not keep them, but for the newest.

        Should it lead next, it has to send those again: the server may have gone with the leader.
        """
        while self.unsent and self.unsent[0][0] <= position:
            self.sent.append(self.unsent.popleft())
        self.confirm_sent()


def key_of(command: Told) -> str:
    return f"{command.run}#{command.sequence}"


def length(command: Told) -> int:
    return command.last - command.first if isinstance(command, Notify) else 1
