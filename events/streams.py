"""Every stream with its limits, in one table; `NatsBus` creates what is missing, `MemoryBus` too.

LOG is the truth: no max_age, nothing is discarded, each message synced before its ack (the server's
`sync_interval: always`). What can be derived again (NOTICES, LOGS) is written asynchronously.
"""

from __future__ import annotations

from typing import NamedTuple

MIB = 1024 * 1024
DAY = 24 * 3600.0

ACK_WAIT = 30.0
"""Seconds after which an unacked message of a work stream comes again."""


class Stream(NamedTuple):
    """name: as NATS knows it. subjects: below the prefix. max_age: seconds, 0 for ever.

    discard: `new` refuses when full, `old` forgets the oldest. synced: an ack means on disk.
    work: each message is for one `pull` and gone once acked. latest: of each subject the last
    message is kept.
    """

    name: str
    subjects: str
    max_bytes: int
    max_age: float = 0.0
    discard: str = "old"
    synced: bool = True
    work: bool = False
    latest: bool = False


STREAMS = (
    Stream("LOG", "log.>", 16 * 1024 * MIB, discard="new"),
    Stream("TRIGGERS", "trigger.>", 1024 * MIB, discard="new", work=True),
    Stream("NOTICES", "event.>", 4 * 1024 * MIB, max_age=14 * DAY, synced=False),
    Stream("LOGS", "work.logs.>", 16 * 1024 * MIB, max_age=30 * DAY, synced=False),
    Stream("DEAD", "dead.>", 256 * MIB, max_age=30 * DAY),
    Stream("BLOBS", "blob.>", 64 * 1024 * MIB, discard="new", latest=True),
)
