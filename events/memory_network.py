"""A network in memory that is as bad as a seed says, and the same each time for the same seed.

By default it is perfect and at once. Its knobs make it what real ones are: words and stream
operations late, each by its own measure; words lost, or heard twice; an append lost on its way
there, or its ack on the way back; connections cut and mended. Never broken, since NATS does not:
the order of one sender's words on one subject, and the order of one connection's stream operations.

It knows time only through the running loop (`call_soon`, `call_later`), so a loop with a simulated
clock drives it.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

Span = tuple[float, float]
"""Seconds: a delay is drawn evenly from [first, second]."""


@dataclass
class Network:
    """The knobs; they may be turned while it runs. Chances are from 0 to 1, for each message.

    word_delay, stream_delay: on one way. drop_word, repeat_word: of words (a word that is repeated
    follows itself, so order holds). lose_append: it never arrives; lose_ack: it is stored and the
    caller hears nothing. cut: the sender's connection is lost, for `outage` seconds.
    arrive_anyway: what was under way to the server when its sender's connection was cut.
    """

    seed: int | random.Random = 0
    word_delay: Span = (0.0, 0.0)
    stream_delay: Span = (0.0, 0.0)
    drop_word: float = 0.0
    repeat_word: float = 0.0
    lose_append: float = 0.0
    lose_ack: float = 0.0
    cut: float = 0.0
    outage: Span = (0.0, 0.0)
    arrive_anyway: float = 0.5
    _lanes: dict[Hashable, deque[Callable[[], None]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = (
            self.seed if isinstance(self.seed, random.Random) else random.Random(self.seed)
        )

    def chance(self, share: float) -> bool:
        """Draw: true in `share` of the cases. Draws nothing when it is 0, so stories stay equal."""
        return share > 0 and self.random.random() < share

    def delay(self, span: Span) -> float:
        return self.random.uniform(*span) if span[1] > 0 else 0.0

    def carry(self, lane: Hashable, span: Span, deliver: Callable[[], None]) -> None:
        """Call `deliver` after a delay; within a lane in the order in which they were given."""
        waiting = self._lanes.setdefault(lane, deque())
        waiting.append(deliver)
        loop, delay = asyncio.get_running_loop(), self.delay(span)

        def arrive() -> None:
            # The eldest of the lane, whichever of its timers this is.
            first = waiting.popleft()
            if not waiting and self._lanes.get(lane) is waiting:
                del self._lanes[lane]
            first()

        if delay > 0:
            loop.call_later(delay, arrive)
        else:
            loop.call_soon(arrive)
