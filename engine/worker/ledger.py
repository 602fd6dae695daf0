"""What a worker holds: every delivery from its dispatch until its outcome is known to be stored.

Nothing here runs or sends anything. A delivery is waiting, running, or ended; an attempt that comes
again under a newer delivery while an older one is held is not run twice: it rides along with the
older one, and both are let go of together.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from penstock.events.types import Attempt, Delivery, Held, Outcome
from penstock.worker.pool import Job


class Holding(Struct, kw_only=True, eq=False):
    """One delivery. job: None if only its outcome was inherited. lane: -1 while it waits.

    came_at, began_at, sent_at (its outcome, last): the loop's time, 0 before. stopping: why it was
    told to stop. also: later deliveries of the same attempt. follower: a later one that has to wait
    until this one is stopped. kept: its outcome is in the file.
    """

    attempt: Attempt
    delivery: Delivery
    job: Job | None = None
    came_at: float = 0.0
    lane: int = -1
    began_at: float = 0.0
    stopping: str = ""
    outcome: Outcome | None = None
    sent_at: float = 0.0
    kept: bool = False
    also: tuple[Delivery, ...] = ()
    follower: Holding | None = None

    @property
    def name(self) -> Delivery:
        """The delivery that the leader last knew it by."""
        return self.also[-1] if self.also else self.delivery


class Ledger:
    """Every holding, by delivery and by attempt."""

    def __init__(self) -> None:
        self.by_delivery: dict[Delivery, Holding] = {}
        self.by_attempt: dict[Attempt, Holding] = {}
        self.ended: dict[Delivery, Holding] = {}  # those with an outcome that is not yet stored

    def add(self, holding: Holding) -> None:
        self.by_delivery[holding.delivery] = holding
        self.by_attempt[holding.attempt] = holding

    def ride_along(self, older: Holding, delivery: Delivery) -> None:
        older.also += (delivery,)
        self.by_delivery[delivery] = older

    def end(self, holding: Holding, outcome: Outcome) -> None:
        holding.outcome = outcome
        self.ended[holding.delivery] = holding

    def drop(self, holding: Holding) -> None:
        for delivery in (holding.delivery, *holding.also):
            self.by_delivery.pop(delivery, None)
        self.ended.pop(holding.delivery, None)
        if self.by_attempt.get(holding.attempt) is holding:
            del self.by_attempt[holding.attempt]

    def holdings(self) -> list[Holding]:
        return [one for name, one in self.by_delivery.items() if name == one.delivery]

    def held(self) -> tuple[Held, ...]:
        """Return all of it, for a hello."""
        return tuple(
            Held(one.attempt, name, one.began_at > 0 or one.outcome is not None)
            for name, one in self.by_delivery.items()
            if name == one.name
        )

    def spans(self, epoch: int) -> tuple[tuple[tuple[int, int], ...], tuple[Delivery, ...]]:
        """Return the held numbers of an epoch as spans, and the deliveries of other epochs."""
        names = [name for name, one in self.by_delivery.items() if name == one.name]
        numbers = sorted(name.number for name in names if name.epoch == epoch)
        older = tuple(sorted(name for name in names if name.epoch != epoch))
        return spans_of(numbers), older


def spans_of(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return rising numbers as [first, last] spans."""
    spans: list[tuple[int, int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return tuple(spans)
