"""About how many bytes of JSON a fact is: what bounds a message, without encoding it twice.

It need not be exact; but whatever in a fact can be large has to count, or a message that gathers
many of them becomes more than the server takes, and is never stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from penstock.events.types import (
    AttemptFailed,
    AttemptInterrupted,
    AttemptPaused,
    AttemptSkipped,
    AttemptSucceeded,
    ConnectionSet,
    DagRegistered,
    Event,
    FileBroken,
    RunTriggered,
    VariableSet,
    WorkerLost,
    Xcom,
)

PLAIN = 400
"""What a fact is without its large parts."""


def weight(event: Event) -> int:
    """Return about how many bytes the fact is in a message."""
    large = LARGE.get(type(event))
    return PLAIN if large is None else PLAIN + large(event)


def of_xcoms(xcoms: Iterable[Xcom]) -> int:
    size = 0
    for xcom in xcoms:
        size += 200 + memoryview(xcom.value).nbytes + memoryview(xcom.preview).nbytes
        size += len(xcom.inline or "")
    return size


LARGE: dict[type[Event], Callable[[Any], int]] = {
    DagRegistered: lambda it: memoryview(it.dag).nbytes,
    FileBroken: lambda it: len(it.error),
    VariableSet: lambda it: len(it.value or ""),
    ConnectionSet: lambda it: len(it.value or ""),
    RunTriggered: lambda it: memoryview(it.conf).nbytes,
    WorkerLost: lambda it: sum(
        60 + len(one.attempt.run) + len(one.attempt.task) for one in it.held
    ),
    AttemptSucceeded: lambda it: of_xcoms(it.xcoms) + sum(map(len, it.skip)),
    AttemptFailed: lambda it: of_xcoms(it.xcoms) + len(it.reason),
    AttemptSkipped: lambda it: of_xcoms(it.xcoms) + len(it.reason),
    AttemptPaused: lambda it: of_xcoms(it.pause.carried),
    AttemptInterrupted: lambda it: len(it.reason),
}
