"""Which raw records are kept beside the projection: the newest ones, by count and by bytes.

JetStream may lose an unsynced end of the log (law 9's rules); what it lost is appended again from
here. What is kept depends on the records alone, never on how they were batched.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from penstock.store.rows import Row

TAIL_RECORDS = 1000
TAIL_BYTES = 16 * 1024 * 1024


class Tail:
    """sizes: (sequence, bytes) of what is stored. records, limit: the most that is kept."""

    def __init__(self, sizes: Sequence[tuple[int, int]], records: int, limit: int) -> None:
        self.sizes = deque(sizes)
        self.total = sum(size for _, size in sizes)
        self.records, self.limit = records, limit
        self.fresh: deque[Row] = deque()
        self.dropped = 0  # stored records up to this sequence go with the next batch

    def add(self, sequence: int, record_id: str, payload: bytes) -> None:
        self.fresh.append((sequence, record_id, payload))
        self.sizes.append((sequence, len(payload)))
        self.total += len(payload)
        while len(self.sizes) > 1 and (len(self.sizes) > self.records or self.total > self.limit):
            self.dropped, size = self.sizes.popleft()
            self.total -= size
            if self.fresh[0][0] == self.dropped:
                self.fresh.popleft()

    def rewind(self, sequence: int) -> None:
        """Forget what came after `sequence`; of what is not taken yet nothing may come after it."""
        while self.sizes and self.sizes[-1][0] > sequence:
            self.total -= self.sizes.pop()[1]

    def take(self) -> tuple[list[Row], list[Row]]:
        """Return what to forget (up to a sequence) and what to keep, and begin anew."""
        dropped: list[Row] = [(self.dropped,)] if self.dropped else []
        kept = list(self.fresh)
        self.dropped = 0
        self.fresh.clear()
        return dropped, kept
