"""A log that lost its tail: what is put back, what is said anew, who may not go on.

The whole of it, with crashes at any point, is in the stories of kind `lost` (tests/simulation).
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import Raw

from penstock.clock import SystemClock
from penstock.coordinator.hearing import Hearing
from penstock.coordinator.mending import Lost
from penstock.coordinator.sequencer import Sequencer
from penstock.events.bus import FencedError
from penstock.events.memory_bus import MemoryBus
from penstock.events.memory_server import MemoryServer
from penstock.events.types import (
    Attempt,
    AttemptSucceeded,
    DagRegistered,
    Delivery,
    Fact,
    LeaderElected,
    PoolSet,
    Record,
    RunTriggered,
    WorkerLost,
    encode,
)
from penstock.store.database import Database

FIRST = RunTriggered(dag_id="d", run_id="first", version="v1")
SECOND = RunTriggered(dag_id="d", run_id="second", version="v1")
OUTCOME = AttemptSucceeded(
    attempt=Attempt("d/first", "t", -1, 1),
    delivery=Delivery(1, 1),
    worker="w",
    started_at=1,
    ended_at=2,
    took=0.1,
)


def record(number: int, *events: Fact, epoch: int = 1, at: int = 0) -> bytes:
    return encode(Record(epoch=epoch, number=number, at=at or number, events=events))


def leader(epoch: int, *, at: int) -> bytes:
    return record(0, LeaderElected(epoch=epoch, leader="it", rules=1), epoch=epoch, at=at)


def compared(kept: list[bytes], found: list[bytes]) -> Lost:
    lost = Lost(kept)
    for payload in found:
        lost.compare(payload)
    return lost


KEPT = [record(1, FIRST), record(2, OUTCOME), record(3, SECOND)]


def test_what_a_mending_that_was_cut_short_has_put_back_is_not_put_back_again() -> None:
    lost = compared(KEPT, [leader(2, at=1), KEPT[0], leader(3, at=2), KEPT[1]])
    assert not lost.is_overtaken
    assert [one.payload for one in lost.rest] == KEPT[2:]
    lost.compare(KEPT[2])
    assert lost.is_all_there


def test_behind_a_leader_of_a_later_time_nothing_can_be_put_back_as_it_was() -> None:
    # The fold's clock would stand at 9 when it comes to what was stored at 1.
    assert compared(KEPT, [leader(2, at=9)]).is_overtaken
    assert not compared(KEPT, [*KEPT, leader(2, at=9)]).is_overtaken


def test_where_others_went_on_only_what_still_counts_is_said_anew() -> None:
    gone = WorkerLost(worker="w", reason="was silent")
    pools = record(4, PoolSet(name="a", slots=1), PoolSet(name="b", slots=1), gone)
    lost = compared(
        [*KEPT, pools],
        [leader(2, at=9), record(1, SECOND, PoolSet(name="b", slots=9), epoch=2)],
    )
    assert lost.is_overtaken
    assert lost.still_true() == [FIRST, OUTCOME, PoolSet(name="a", slots=1)]


def test_a_version_that_a_lost_run_is_pinned_to_comes_back_and_the_newer_one_stays_in_force() -> (
    None
):
    older = DagRegistered(dag_id="d", version="v1", dag=Raw(b"1"))
    newer = DagRegistered(dag_id="d", version="v2", dag=Raw(b"2"))
    lost = compared([record(1, older), record(2, FIRST)], [record(1, newer, epoch=2)])
    assert [event.version for event in lost.still_true() if isinstance(event, DagRegistered)] == [
        "v1",
        "v2",
    ]
    assert lost.still_true()[1] == FIRST


async def test_a_leader_tells_its_own_record_from_another_ones_at_the_same_sequence() -> None:
    async def folded(*_: object) -> None: ...

    server, ours = MemoryServer(), leader(1, at=1)
    bus = await MemoryBus.connect(server)
    sequencer = Sequencer(bus, SystemClock(), folded)
    sequencer.lead(1, await bus.append(ours, after=0, fence=0, lead=True), ours)
    server.crash(lost={"LOG": 1})
    other = sequencer.bus = await MemoryBus.connect(server)
    assert await other.append(leader(1, at=2), after=0, fence=0, lead=True) == sequencer.fence
    with pytest.raises(FencedError, match="another leader was elected"):
        await sequencer.confirm()


def test_a_delivery_of_our_epoch_that_we_have_not_sent_is_another_leaders() -> None:
    asked: list[int] = []

    def doubt(*, known: int) -> None:
        asked.append(known)

    sequencer = SimpleNamespace(epoch=2, doubt=doubt)
    coordinator = SimpleNamespace(sequencer=sequencer, dispatcher=SimpleNamespace(number=5))
    hearing = Hearing(cast(Any, coordinator))
    assert hearing.is_ours(2, [Delivery(1, 9), Delivery(2, 5)])
    assert asked == []
    assert not hearing.is_ours(2, [Delivery(2, 6)])
    assert asked == [3]  # stand again, for an epoch that is nobody else's


async def test_a_projection_that_is_set_aside_is_whole_and_out_of_the_way(tmp_path: Path) -> None:
    path = tmp_path / "penstock.db"
    names = []
    for _ in range(2):
        database = await Database.open(path)
        names.append(await database.set_aside())
        assert not path.exists()
        await database.close()
    assert [name.name for name in names] == ["penstock.db.aside-1", "penstock.db.aside-2"]
    for name in names:
        aside = await Database.open(name)
        assert (await aside.load())[1].sequence == 0
        await aside.close()
