"""What the leader knows of each worker: its slots, what it was sent, when it was last heard."""

from __future__ import annotations

from penstock.events.types import Attempt, Delivery
from penstock.events.words import Hello
from penstock.lifecycle.limits import Lane, Taken

BATCH = 16
"""Short attempts in one message, and how many of them count as one slot."""

ASYNC_ROOM = 1000
"""Async attempts that a worker may hold: they wait more than they work."""


class Holding:
    """An attempt that a worker has, or may have. unwanted: it has been told to stop it.

    is_adopted: the worker said that it had it; when it does not any more, it has it no more.
    """

    __slots__ = (
        "attempt",
        "caused_by",
        "delivery",
        "is_adopted",
        "is_short",
        "link",
        "taken",
        "unwanted",
    )

    def __init__(
        self, taken: Taken, delivery: Delivery, link: Link, *, is_short: bool, caused_by: str
    ) -> None:
        self.taken = taken
        self.attempt: Attempt = taken.attempt
        self.delivery = delivery
        self.link = link
        self.is_short = is_short
        self.caused_by = caused_by
        self.is_adopted = False
        self.unwanted = ""

    @property
    def is_async(self) -> bool:
        return self.taken.item.lane[1]


class Link:
    """One worker. heard: the loop's time. sent: the last delivery number sent to it.

    settled: deliveries whose outcome is in the log, until a heartbeat no longer names them.
    """

    def __init__(self, hello: Hello, heard: float) -> None:
        self.worker = hello.worker
        self.slots = hello.slots
        self.lanes: list[Lane] = [(name, kind) for name in hello.queues for kind in (False, True)]
        self.heard = heard
        self.holdings: dict[Delivery, Holding] = {}
        self.settled: set[Delivery] = set()
        self.long = self.short = self.parallel = 0
        self.sent = 0
        self.probed = 0
        self.draining = False
        self.is_doomed = False  # its loss is on its way to the log

    def hold(self, holding: Holding) -> None:
        self.holdings[holding.delivery] = holding
        self.weigh(holding, 1)

    def let_go(self, holding: Holding) -> None:
        if self.holdings.pop(holding.delivery, None) is not None:
            self.weigh(holding, -1)

    def weigh(self, holding: Holding, by: int) -> None:
        if holding.is_async:
            self.parallel += by
        elif holding.is_short:
            self.short += by
        else:
            self.long += by

    def has_room(self, is_async: bool, is_short: bool) -> bool:
        """Whether it may be sent one more: a slot for a long one; short ones two batches a slot."""
        if self.draining or self.is_doomed:
            return False
        if is_async:
            return self.parallel < ASYNC_ROOM
        if is_short:
            return self.short < (self.slots - self.long) * 2 * BATCH
        return self.long + -(-self.short // BATCH) < self.slots

    @property
    def open_lanes(self) -> list[Lane]:
        """The lanes that it has any room for."""
        thread = self.has_room(False, True)
        parallel = self.has_room(True, False)
        return [lane for lane in self.lanes if (parallel if lane[1] else thread)]
