"""Where a reader goes on when the stream may be another than the one that it read.

A server that lost the end of a stream uses its sequences again: a reader that went on from its own
would leave out what is stored on them by then. So it looks back, message by message, for the last
one that is still as it was read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable


class Trail:
    """The last messages that a reader has yielded: more than a killed server was seen to lose."""

    LENGTH = 1024

    def __init__(self) -> None:
        self.marks: deque[tuple[int, int]] = deque(maxlen=self.LENGTH)

    def append(self, sequence: int, payload: bytes) -> None:
        self.marks.append((sequence, hash(payload)))

    async def last_kept(
        self, cursor: int, end: int, payload_of: Callable[[int], Awaitable[bytes | None]]
    ) -> int:
        """Return the cursor, or where it has to go back to; what is not there any more is let go.

        end: the stream's last sequence. payload_of: None for what is gone by age, say.
        """
        while self.marks:
            sequence, mark = self.marks[-1]
            if sequence <= end:
                payload = await payload_of(sequence)
                if payload is None or hash(payload) == mark:
                    break
            self.marks.pop()
            cursor = sequence - 1
        return min(cursor, end)
