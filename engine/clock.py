"""What time it is, as an argument: who needs a date is handed a `Clock`, never asks the system.

Spans and deadlines are measured by the event loop's own `time()`, which never jumps; a `Clock`
tells the date that people read.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time of day. It may jump, forwards and backwards, as the system's clock does."""

    def now(self) -> int:
        """Return microseconds since 1970, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1000
