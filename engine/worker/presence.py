"""A worker's presence: hellos until it is welcomed, heartbeats, and the lease that they earn.

The leader's lease runs from a heartbeat's arrival, so from its sending at the earliest. Exclusive
children may live until MARGIN of the lease after the sending of a heartbeat that was heard: known
by `Renewed`, or, of a leader that does not say that, by the wire having taken it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from penstock.events import types as t
from penstock.events import words as w
from penstock.worker.ledger import Ledger

MARGIN = 0.8
HELLO_EVERY = 1.0
REMEMBERED = 32


class WorkerIdentity(Struct, frozen=True, kw_only=True):
    """Who a worker is. name: unique per process, for ever."""

    name: str
    host: str
    pid: int
    slots: int
    queues: tuple[str, ...] = ("default",)


class Presence:
    """say: how it is said. renew: seconds for which exclusive children may live on."""

    def __init__(
        self,
        who: WorkerIdentity,
        ledger: Ledger,
        say: Callable[[w.Upward], None],
        renew: Callable[[float], None],
    ) -> None:
        self.who, self.ledger, self._say, self._renew = who, ledger, say, renew
        self.epoch = 0
        self.last = t.Delivery(0, 0)
        self.lease = 0.0  # seconds; 0: no leader has welcomed this worker yet
        self.renews = False
        self.draining = False
        self.predecessors: tuple[str, ...] = ()
        self._beats = 0
        self._sent: OrderedDict[int, float] = OrderedDict()  # by beat; the loop's time
        self._hello_at = 0.0
        self._until = 0.0
        self._now = asyncio.Event()

    async def run(self) -> None:
        """Say hello each second until welcomed, then a heartbeat each third of the lease."""
        while True:
            if self.lease:
                self.beat()
            else:
                self.hello()
            self._now.clear()
            try:
                async with asyncio.timeout(self.lease / 3 or HELLO_EVERY):
                    await self._now.wait()
            except TimeoutError:
                pass

    def soon(self) -> None:
        """The next heartbeat is due now."""
        self._now.set()

    def hello(self) -> None:
        who = self.who
        self._say(
            w.Hello(
                worker=who.name,
                host=who.host,
                pid=who.pid,
                slots=who.slots,
                queues=who.queues,
                epoch=self.epoch,
                held=self.ledger.held(),
                replaces=self.predecessors,
            )
        )

    def beat(self) -> None:
        self._beats += 1
        spans, older = self.ledger.spans(self.last.epoch)
        self._say(
            w.Heartbeat(
                worker=self.who.name,
                last=self.last,
                held=spans,
                older=older,
                draining=self.draining,
                beat=self._beats,
            )
        )

    def welcomed(self, word: w.Welcome) -> None:
        self.lease, self.renews = word.lease, word.renews
        self.last = max(self.last, t.Delivery(word.epoch, word.last))
        self._earned(self._hello_at)
        self.soon()

    def said(self, message: w.Up, sent_at: float) -> None:
        """A hello or a heartbeat left at that time."""
        if isinstance(message, w.Hello):
            self._hello_at = sent_at
        elif isinstance(message, w.Heartbeat):
            self._sent[message.beat] = sent_at
            if len(self._sent) > REMEMBERED:
                self._sent.popitem(last=False)
            if not self.renews:
                self._earned(sent_at)

    def renewed(self, word: w.Renewed) -> None:
        sent_at = self._sent.get(word.beat)
        if sent_at is not None:
            self._earned(sent_at)

    def has_lapsed(self, now: float) -> bool:
        """Whether there was a lease and none holds at `now`, a time of the loop."""
        return self.lease > 0 and now >= self._until

    def _earned(self, sent_at: float) -> None:
        until = sent_at + self.lease * MARGIN
        if until > self._until:
            self._until = until
            self._renew(max(0.0, until - asyncio.get_running_loop().time()))
