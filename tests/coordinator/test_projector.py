"""The projection leaves nothing out, also where its writer is told to end in mid-commit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from penstock.coordinator.projector import Projector
from penstock.store.batch import Batch


class Collected:
    """Batches that are there to be taken, one by one."""

    sequence = 0

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def take(self, _state: Any) -> Batch | None:
        return self.batches.pop(0) if self.batches else None


class SlowDatabase:
    """Its first commit takes until it is cut short."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.committed: list[int] = []

    async def commit(self, batch: Batch) -> None:
        if not self.begun.is_set():
            self.begun.set()
            await asyncio.get_running_loop().create_future()
        self.committed.append(batch.sequence)


class NoRelay:
    confirmed: Any = None

    async def settle(self, _position: int, *, timeout: float) -> None:
        del timeout

    def open(self) -> list[Any]:
        return []


async def test_a_batch_whose_commit_was_cut_short_is_committed_before_the_last_one() -> None:
    """It was left out, and the one after it was written: so a leader that was fenced off just then
    left a projection that had the position of facts that it had not got."""
    collected, database = Collected(), SlowDatabase()
    made: Any = Projector(database, collected, None, NoRelay(), lambda _: None)  # type: ignore[arg-type]
    collected.batches.append(Batch(sequence=7, writes=[]))
    projecting = asyncio.create_task(made.run())
    made.folded()
    await database.begun.wait()
    collected.batches.append(Batch(sequence=9, writes=[]))
    projecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await projecting
    assert database.committed == [7, 9]
