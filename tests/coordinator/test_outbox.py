"""What is owed to others at a start comes before all that follows from what is folded then."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from penstock.coordinator.projector import Projector
from penstock.coordinator.relay import Relay
from penstock.events.bus import Bus
from penstock.events.subjects import Subjects
from penstock.lifecycle.commands import NotifyRun
from penstock.lifecycle.state import State
from penstock.store.batch import Batch, Collector, Position
from penstock.store.database import Database


def told(sequence: int) -> NotifyRun:
    return NotifyRun("d/r", "running", sequence, 0, "")


async def test_an_outbox_is_told_again_in_order_and_from_where_it_stood(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "penstock.db")
    relays = [Relay(cast(Bus, None), Subjects(), "/penstock") for _ in range(2)]
    before, after = relays
    before.tell(3, told(1))
    before.tell(5, told(2))
    rows = list(before.open())
    await database.commit(Batch(sequence=5, writes=[], outbox_added=rows))

    projector = Projector(database, Collector(Position()), State(), after, lambda batch: None)
    await projector.take_outbox()
    after.tell(6, told(3))
    assert list(after.open())[:2] == rows
    assert after.noticed == 2  # what a standby hears of: nothing from record 3 on is confirmed
    after.forget_up_to(5)
    assert [row[1] for row in after.open()] == ["d/r#3"]
    await database.close()
