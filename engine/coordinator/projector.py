"""Writes what was folded to SQLite, off the hot path, a batch at a time (law 4).

A batch is the state exactly as of its last record, and what the notices' stream had not confirmed
by then. If the disk refuses, the batch is kept and tried again; the fold goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from penstock.coordinator.relay import Relay
from penstock.lifecycle.state import State
from penstock.store.batch import Batch, Collector
from penstock.store.database import Database
from penstock.store.errors import StoreError

GATHER_SECONDS = 0.25
"""How long a batch may gather; nobody waits for it but readers, who ask for it at once."""

RETRY_SECONDS = 1.0

SETTLE_SECONDS = 0.3
"""How long a batch waits for open notices to arrive; what does not becomes rows of its outbox."""

log = logging.getLogger("penstock.projector")


class Projector:
    """projected: called with each batch that is on disk."""

    def __init__(
        self,
        database: Database,
        collector: Collector,
        state: State,
        relay: Relay,
        projected: Callable[[Batch], None],
    ) -> None:
        self.database, self.collector, self.state, self.relay = database, collector, state, relay
        self.projected = projected
        self.sequence = 0
        self.trouble = ""
        self.rows: set[str] = set()  # keys in the outbox
        self.arrived: list[str] = []  # keys of notices that are open no more
        relay.confirmed = self.arrived_at
        self.batch: Batch | None = None  # taken, and not known to be committed
        self.wake = asyncio.Event()
        self.hurry = asyncio.Event()
        self.moved = asyncio.Condition()

    def arrived_at(self, key: str) -> None:
        self.arrived.append(key)

    def folded(self) -> None:
        self.wake.set()

    async def caught_up(self, sequence: int) -> None:
        """Return when the projection has the log up to `sequence`."""
        self.hurry.set()
        async with self.moved:
            while self.sequence < sequence:
                self.hurry.set()
                await self.moved.wait()

    async def run(self) -> None:
        """Project whatever is folded, until cancelled; then once more."""
        try:
            while True:
                await self.wake.wait()
                self.wake.clear()
                try:
                    async with asyncio.timeout(GATHER_SECONDS):
                        await self.hurry.wait()
                except TimeoutError:
                    pass
                self.hurry.clear()
                await self.project()
        finally:
            if self.batch is not None:
                await asyncio.shield(self.project())
            await asyncio.shield(self.project())

    async def project(self) -> None:
        """Commit a batch: the one that a cancellation left in hand, else all that was folded."""
        if self.batch is None:
            await self.relay.settle(self.collector.sequence, timeout=SETTLE_SECONDS)
            self.batch = self.collector.take(self.state)
            if self.batch is None:
                return
            self.fill_outbox(self.batch)
        batch = self.batch
        while True:
            try:
                await self.database.commit(batch)
                break
            except StoreError as error:
                if not self.trouble:
                    log.error("the projection waits: %s", error)
                self.trouble = str(error)
                await asyncio.sleep(RETRY_SECONDS)
        self.batch = None
        if self.trouble:
            log.warning("the projection goes on")
            self.trouble = ""
        self.projected(batch)
        async with self.moved:
            self.sequence = batch.sequence
            self.moved.notify_all()

    def fill_outbox(self, batch: Batch) -> None:
        """Add the notices that are open at the batch's end, remove those that have arrived."""
        arrived, self.arrived = self.arrived, []
        batch.outbox_removed = [key for key in arrived if key in self.rows]
        self.rows.difference_update(arrived)
        for position, key, what, payload in self.relay.open():
            if key not in self.rows:
                self.rows.add(key)
                batch.outbox_added.append((position, key, what, payload))

    async def take_outbox(self) -> None:
        """Have sent again what an earlier coordinator on this disk had not heard arrive."""
        for owed in await self.database.load_outbox():
            self.rows.add(owed.id)
            self.relay.tell_again(owed.position, owed.subject, owed.payload)
