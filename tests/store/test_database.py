"""The file: made, migrated, refused, filled up, copied, and checked against the log."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from penstock.events.types import decode_record
from penstock.lifecycle.compare import same
from penstock.store.batch import Batch, Collector, UnprojectedRunError
from penstock.store.check import check
from penstock.store.database import Database, connect_read_only, prepare, statements
from penstock.store.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreFullError,
    StoreReadOnlyError,
    StoreSchemaError,
    explained,
)
from penstock.store.queries import names, query, wide
from penstock.store.reading import Reading
from penstock.store.schema import migrations, version_of
from store.follower import Follower, folded
from store.stories import Logged, write_log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "penstock.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    database = await Database.open(path)
    yield database
    await database.close()


class Story:
    """A log, folded record by record."""

    def __init__(self, length: int = 40, seed: int = 7) -> None:
        self.log = write_log(Random(seed), length)

    def batch(self, follower: Follower, first: int, last: int) -> Batch:
        for logged in self.log[first:last]:
            follower.fold(logged)
        batch = follower.collector.take(follower.state)
        assert batch is not None
        return batch


@pytest.fixture
def aside(tmp_path: Path) -> Follower:
    """Folds beside the database under test, and makes its batches."""
    return Follower(tmp_path / "aside.db", leaves=False)


# ---------------------------------------------------------------- the schema


@pytest.mark.parametrize("name", names())
def test_every_query_can_be_prepared(path: Path, name: str) -> None:
    prepare(path)
    connection = sqlite3.connect(path)
    text = query(name)
    fields = dict.fromkeys(("run", "task", "name", "dag_id", "state", "before", "limit"))
    has_names = any(f":{field}" in text for field in fields)
    connection.execute(f"EXPLAIN {text}", fields if has_names else (None,) * text.count("?"))
    connection.close()


def test_migrations_are_numbered_from_one_without_a_gap(path: Path) -> None:
    numbers = [number for number, _, _ in migrations()]
    assert numbers == list(range(1, len(numbers) + 1))
    prepare(path)
    prepare(path)  # a second time there is nothing to do
    with sqlite3.connect(path) as connection:
        assert version_of(connection, path) == numbers[-1]


async def test_the_file_of_a_newer_penstock_is_refused_and_left_alone(path: Path) -> None:
    prepare(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(StoreSchemaError, match=r"schema version 99.*knows up to.*newer one"):
        await Database.open(path)
    with pytest.raises(StoreSchemaError, match="schema version 99"):
        Reading(path)
    assert path.read_bytes() == before


async def test_the_file_of_another_program_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE cats (name)")
    with pytest.raises(StoreSchemaError, match=r"not Penstock's.*--home DIR"):
        await Database.open(path)


async def test_a_file_that_is_no_database_is_said_so(path: Path) -> None:
    path.write_bytes(b"a letter to my aunt, " * 100)
    with pytest.raises(StoreDamagedError, match=r"penstock\.db.*rebuilt from the log"):
        await Database.open(path)


async def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreReadOnlyError, match="cannot be opened or made"):
        await Database.open(tmp_path / "nowhere" / "penstock.db")


def test_a_file_that_may_only_be_read_is_said_so(path: Path) -> None:
    prepare(path)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("DELETE FROM pool")
    found = explained(path, caught.value)
    assert isinstance(found, StoreReadOnlyError)
    assert "cannot be written. Give this user the right" in str(found)


async def test_a_second_writer_is_told_of_the_first(
    database: Database, path: Path, aside: Follower
) -> None:
    await database.connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    batch = Story().batch(aside, 0, 5)
    with pytest.raises(StoreBusyError, match="Only one coordinator"):
        await database.commit(batch)
    other.execute("ROLLBACK")
    await database.commit(batch)
    assert Reading(path).position() == batch.sequence


# ---------------------------------------------------------------- batches


async def test_what_a_full_disk_refuses_is_committed_when_there_is_room(
    database: Database, aside: Follower
) -> None:
    story = Story()
    first, second = story.batch(aside, 0, 20), story.batch(aside, 20, 40)
    await database.commit(first)
    pages = (await (await database.connection.execute("PRAGMA page_count")).fetchone() or (0,))[0]
    await database.connection.execute(f"PRAGMA max_page_count = {pages}")
    second.outbox_added = [(40, "n1", "event.run", b"x" * 100_000)]
    with pytest.raises(StoreFullError, match="Make room"):
        await database.commit(second)
    assert Reading(database.path).position() == first.sequence
    await database.connection.execute("PRAGMA max_page_count = 1000000")
    await database.commit(second)
    state, position = await database.load()
    assert position.sequence == second.sequence
    assert same(folded(story.log), state) == []


async def test_a_batch_committed_twice_is_committed_once(
    database: Database, aside: Follower
) -> None:
    batch = Story().batch(aside, 0, 40)
    await database.commit(batch)
    tables = ("event", "xcom", "task_instance", "run", "tail")
    once = [await everything(database, table) for table in tables]
    await database.commit(batch)
    assert [await everything(database, table) for table in tables] == once


async def test_a_cancelled_commit_leaves_the_writer_usable(
    database: Database, aside: Follower
) -> None:
    batch = Story().batch(aside, 0, 40)
    commit = asyncio.create_task(database.commit(batch))
    await asyncio.sleep(0)
    commit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await commit
    await database.commit(batch)
    assert Reading(database.path).position() == batch.sequence


async def everything(database: Database, table: str) -> list[object]:
    found = await database.connection.execute(f"SELECT * FROM {table}")
    return [tuple(row) for row in await found.fetchall()]


async def test_what_is_not_confirmed_is_owed_until_it_is(
    database: Database, aside: Follower
) -> None:
    story = Story()
    batch = story.batch(aside, 0, 10)
    batch.outbox_added = [(3, "b", "event.b", b"B"), (3, "a", "event.a", b"A"), (9, "c", "c", b"")]
    await database.commit(batch)
    assert [owed.id for owed in await database.load_outbox()] == ["b", "a", "c"]
    batch = story.batch(aside, 10, 20)
    batch.outbox_removed = ["b"]
    batch.outbox_added = [(12, "d", "d", b"")]
    await database.commit(batch)
    owed = await database.load_outbox()
    assert owed[0] == (3, "a", "event.a", b"A")
    assert [each.id for each in owed] == ["a", "c", "d"]


async def test_the_tail_keeps_the_newest_records_as_they_were_read(
    database: Database, tmp_path: Path
) -> None:
    follower = Follower(tmp_path / "few.db", tail_records=5)
    story = Story()
    await database.commit(story.batch(follower, 0, 3))
    assert [row[0] for row in await database.load_tail()] == [2, 4, 6]
    await database.commit(story.batch(follower, 3, 20))
    tail = await database.load_tail()
    assert [(sequence, payload) for sequence, _, payload in tail] == story.log[15:20]
    assert [row[0] for row in await database.load_tail(36)] == [38, 40]
    assert tail[-1][1] == decode_record(story.log[19].payload).id


def test_the_newest_record_is_kept_however_large_it_is(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "small.db", tail_bytes=1)
    follower.follow(Story().log, 3)
    assert [row[0] for row in follower.rows()["tail"]] == [80]


def test_a_run_that_left_too_early_is_reported(aside: Follower) -> None:
    log = Story().log
    aside.fold(log[0])
    aside.state.runs.clear()
    with pytest.raises(UnprojectedRunError, match="left the memory before it was projected"):
        aside.collector.take(aside.state)


def test_nothing_noted_is_no_batch(aside: Follower) -> None:
    assert aside.collector.take(aside.state) is None


def test_a_run_may_leave_with_the_batch_that_has_its_end(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "x.db", leaves=False)
    over: list[str] = []
    for logged in write_log(Random(3), 60):
        follower.fold(logged)
        batch = follower.project()
        over += batch.over if batch else ()
    assert over
    assert len(over) == len(set(over))
    assert all(follower.state.runs[key].ended_at is not None for key in over)


def test_rows_are_written_many_at_once_and_in_order() -> None:
    rows = [(n, "r", b"p") for n in range(1000)]
    (many, chunked), (single, rest) = statements("write_tail", rows)
    assert many == wide("write_tail", 682)
    assert many.count("(?, ?, ?)") == 682
    assert single == query("write_tail")
    flat = [value for chunk in chunked for value in chunk] + [v for row in rest for v in row]
    assert flat == [value for row in rows for value in row]
    with pytest.raises(ValueError, match="needs one"):
        wide("drop_tail", 2)


# ---------------------------------------------------------------- snapshots, the check


async def test_a_snapshot_is_a_whole_database_of_one_moment(
    database: Database, aside: Follower, tmp_path: Path
) -> None:
    story = Story()
    await database.commit(story.batch(aside, 0, 20))
    target = tmp_path / "snapshot.db"
    target.write_text("an older one")
    await database.vacuum_into(target)
    assert [file.name for file in tmp_path.glob("snapshot.db*")] == ["snapshot.db"]
    await database.commit(story.batch(aside, 20, 40))
    copy = await Database.open(target)
    state, position = await copy.load()
    await copy.close()
    assert position.sequence == 40
    assert same(folded(story.log[:20]), state) == []


def test_a_true_projection_passes_the_check(path: Path) -> None:
    log = Story(60).log
    Follower(path).follow(log[:50], 7)
    assert check(path, log) == []


def test_the_check_tells_of_a_row_that_does_not_follow_from_the_log(path: Path) -> None:
    log = Story(60).log
    follower = Follower(path)
    follower.follow(log, 7)
    follower.connection.execute("UPDATE run SET counter = counter + 1 WHERE live")
    found = check(path, log)
    assert any("counter is" in text and "in the projection and" in text for text in found)
    assert any(text.startswith("table run: (") for text in found)


def test_the_check_tells_of_another_log_and_of_a_lost_end(path: Path) -> None:
    log = Story(60).log
    Follower(path).follow(log, 7)
    assert any("its end was lost" in text for text in check(path, log[:-1]))
    other = [*log[:-1], Logged(log[-1].sequence, log[-2].payload)]
    found = check(path, other)
    assert any("is not the one that the projection kept" in text for text in found)
    assert any("is not the one that the projection ends with" in text for text in found)


async def test_a_run_that_left_the_memory_can_be_fetched(
    database: Database, aside: Follower
) -> None:
    story = Story(60, seed=3)
    batch = story.batch(aside, 0, 60)
    await database.commit(batch)
    state, _ = await database.load()
    key = batch.over[0]
    assert key not in state.runs
    run = await database.load_run(state, key)
    assert run is not None
    from penstock.lifecycle.compare import run_differences

    assert list(run_differences(aside.state.runs[key], run)) == []
    assert await database.load_run(state, "d0/nobody") is None


def test_an_empty_database_loads_as_a_new_state(path: Path) -> None:
    prepare(path)
    from penstock.lifecycle.state import State
    from penstock.store import loading

    connection = connect_read_only(path)
    state, position = loading.load(connection)
    assert same(state, State()) == []
    assert position == type(position)()
    assert Collector(position).take(state) is None
