"""How long a failed try waits for the next one."""

from __future__ import annotations

import hashlib
import math

from penstock.authoring.serialized import SerializedTask

SECOND = 1_000_000
LONGEST = 24 * 3600.0
"""Seconds that an exponential delay never exceeds, as Airflow's MAX_RETRY_DELAY."""
CENTURY = 100 * 365 * 24 * 3600.0


def delay(task: SerializedTask, try_number: int, name: str) -> int:
    """Return the microseconds between the end of try `try_number` (from 1) and the next try.

    With exponential backoff the delay doubles with each try, and a jitter of up to the delay itself
    is added so that tasks that failed together do not come back together: Airflow's formula
    (`TaskInstance.next_retry_datetime`). The jitter is a hash of `name`, so the fold stays pure.
    """
    seconds = task.retry_delay
    if task.retry_exponential_backoff:
        least = max(1, math.ceil(min(seconds * 2.0 ** min(try_number - 1, 40), LONGEST)))
        chance = int(hashlib.sha1(f"{name}#{try_number}".encode()).hexdigest(), 16)
        seconds = min(least + chance % least, LONGEST)
        if task.max_retry_delay is not None:
            seconds = min(seconds, task.max_retry_delay)
    return micros(seconds)


def micros(seconds: float) -> int:
    """Return a duration in microseconds. No moment is so far that 64 bits cannot hold it."""
    return round(min(seconds, CENTURY) * SECOND)
