"""Which waiting attempt goes to which slot: in order, short ones in batches.

A slot is a lane of the pool. Free lanes share what waits; a lane whose work is quick is given its
next batch a little before it runs dry. Where the first of a lane has run for LONG, the others are
taken back and wait for another lane; if every lane is so, they are for another worker.
"""

from __future__ import annotations

from collections import deque

from penstock.events.types import Delivery
from penstock.worker.ledger import Holding
from penstock.worker.pool import Pool

BATCH = 16
LONG = 0.05
"""Seconds after which a running attempt is a long one."""

QUICK = 0.005
TOP_UP = 2


class Lane:
    """number: the pool's. there: what it was given and has not ended, in order."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.there: dict[Delivery, Holding] = {}
        self.quick = False

    @property
    def head(self) -> Holding | None:
        return next(iter(self.there.values()), None)


class Lanes:
    """The slots of one worker and what waits for them."""

    def __init__(self, pool: Pool, slots: int) -> None:
        self._pool = pool
        self.lanes = [Lane(number) for number in range(slots)]
        self.waiting: deque[Holding] = deque()

    def assign(self) -> None:
        """Give what waits to the lanes that are free, or nearly."""
        if not self.waiting:
            return
        free = [lane for lane in self.lanes if not lane.there]
        soon = [lane for lane in self.lanes if lane.quick and 0 < len(lane.there) <= TOP_UP]
        for place, lane in enumerate([*free, *soon]):
            lanes_left = max(1, len(free) - place)
            share = min(BATCH, -(-len(self.waiting) // lanes_left))
            self._give(lane, [self.waiting.popleft() for _ in range(share)])
            if not self.waiting:
                return

    def _give(self, lane: Lane, batch: list[Holding]) -> None:
        for holding in batch:
            holding.lane = lane.number
            lane.there[holding.delivery] = holding
        self._pool.run(lane.number, [one.job for one in batch if one.job is not None])

    def ended(self, holding: Holding, took: float) -> None:
        """It is not in its lane any more."""
        if holding.lane >= 0:
            lane = self.lanes[holding.lane]
            lane.there.pop(holding.delivery, None)
            lane.quick = took < QUICK

    def remove(self, holding: Holding) -> bool:
        """Take it out of the waiting; False if it does not wait."""
        if holding not in self.waiting:
            return False
        self.waiting.remove(holding)
        return True

    def relieve(self, now: float) -> None:
        """Take back what stands behind a long one; it waits first in line."""
        for lane in self.lanes:
            head = lane.head
            if head is None or len(lane.there) < 2 or not head.began_at:
                continue
            if now - head.began_at >= LONG:
                lane.quick = False
                behind = [delivery for delivery in lane.there if delivery != head.delivery]
                back = [lane.there.pop(delivery) for delivery in self._pool.take_back(behind)]
                for holding in back:
                    holding.lane, holding.began_at = -1, 0.0
                back.sort(key=lambda holding: holding.delivery)
                self.waiting.extendleft(reversed(back))

    def all_long(self, now: float) -> bool:
        """Has every lane a long one?"""
        heads = [lane.head for lane in self.lanes]
        return all(head and head.began_at and now - head.began_at >= LONG for head in heads)

    def take_all(self) -> list[Holding]:
        """Return everything that has not begun; none of it will (a drain)."""
        for lane in self.lanes:
            for delivery in self._pool.take_back(list(lane.there)):
                self.waiting.append(lane.there.pop(delivery))
        taken, self.waiting = list(self.waiting), deque()
        return taken
