"""What people and programs read of the projection, while a coordinator writes it or without one."""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from penstock.authoring.serialized import MappedOver, SerializedDag, SerializedTask, dump
from penstock.events.types import (
    Attempt,
    AttemptFailed,
    AttemptSkipped,
    AttemptStarted,
    AttemptSucceeded,
    DagRegistered,
    Delivery,
    Event,
    FileBroken,
    LeaderElected,
    Record,
    RunCancelled,
    RunTriggered,
    Xcom,
    encode,
)
from penstock.lifecycle.states import WORDS
from penstock.store.errors import StoreMissingError
from penstock.store.reading import Reading, UnknownRunError
from store.follower import Follower, folded
from store.stories import Logged, write_log
from store.test_projection_laws import followers, laws

AT = 1_795_363_200_000_000  # 2026-11-22 16:00 UTC


class Telling:
    """Writes records and has them projected at once."""

    def __init__(self, path: Path, *tasks: SerializedTask) -> None:
        self.follower = Follower(path)
        self.number = 0
        dag = SerializedDag(dag_id="d", tasks=tasks, file="/dags/d.py", tags=("ml",), line=7)
        self.version, text = dump(dag)
        registered = DagRegistered(dag_id="d", version=self.version, dag=text)
        self.tell(LeaderElected(epoch=1, leader="c1", rules=1), registered)

    def tell(self, *events: Event) -> None:
        self.number += 1
        record = Record(epoch=1, number=self.number, at=AT, events=events)  # type: ignore[arg-type]
        self.follower.follow([Logged(self.number, encode(record))], 1)

    def trigger(self, run_id: str = "r", logical_date: int | None = None) -> None:
        self.tell(
            RunTriggered(dag_id="d", run_id=run_id, version=self.version, logical_date=logical_date)
        )

    def succeed(self, task: str, *indexes: int, xcoms: tuple[Xcom, ...] = ()) -> None:
        self.tell(*(AttemptSucceeded(**said(task, index), xcoms=xcoms) for index in indexes))


def said(task: str, index: int = -1, try_number: int = 1) -> dict[str, object]:
    return {
        "attempt": Attempt("d/r", task, index, try_number),
        "delivery": Delivery(1, 100 * try_number + index),
        "worker": "w1",
        "started_at": AT + 250_000,
        "ended_at": AT + 750_001,
        "took": 0.5,
    }


def task(task_id: str, *upstream: str, over: int | str | None = None, **more: object):  # type: ignore[no-untyped-def]
    mapped: tuple[MappedOver, ...] = ()
    if isinstance(over, int):
        mapped = (MappedOver(argument="x", length=over),)
    elif over is not None:
        mapped = (MappedOver(argument="x", task=over),)
    return SerializedTask(
        task_id=task_id, operator="PythonOperator", upstream=upstream, mapped=mapped, **more
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "penstock.db"


def test_a_run_document_is_what_the_command_line_prints(path: Path) -> None:
    telling = Telling(path, task("z_first"), task("a_last", "z_first"))
    telling.trigger(logical_date=AT)
    values = (Xcom(value=Raw(b'{"rows": 3}')), Xcom(key="m", codec="pickle", preview=Raw(b'"<M>"')))
    telling.succeed("z_first", -1, xcoms=values)
    telling.tell(AttemptFailed(**said("a_last"), reason="it broke"))  # type: ignore[arg-type]
    assert Reading(path).run_document("d/r") == {
        "dag_id": "d",
        "run_id": "r",
        "state": "failed",
        "logical_date": "2026-11-22T16:00:00.000000Z",
        "started_at": "2026-11-22T16:00:00.000000Z",
        "ended_at": "2026-11-22T16:00:00.000000Z",
        "reason": "failed: 'a_last': it broke",
        "tasks": [
            {
                "task_id": "z_first",
                "map_index": -1,
                "state": "success",
                "try_number": 1,
                "started_at": "2026-11-22T16:00:00.250000Z",
                "ended_at": "2026-11-22T16:00:00.750001Z",
                "reason": "",
            },
            {
                "task_id": "a_last",
                "map_index": -1,
                "state": "failed",
                "try_number": 1,
                "started_at": "2026-11-22T16:00:00.250000Z",
                "ended_at": "2026-11-22T16:00:00.750001Z",
                "reason": "it broke",
            },
        ],
        "xcoms": [
            {"task_id": "z_first", "map_index": -1, "key": "m", "value": "<M>"},
            {"task_id": "z_first", "map_index": -1, "key": "return_value", "value": {"rows": 3}},
        ],
    }


def test_without_xcoms_and_without_a_reason_their_keys_are_left_out(path: Path) -> None:
    telling = Telling(path, task("a"))
    telling.trigger()
    telling.succeed("a", -1)
    document = Reading(path).run_document("d/r", xcoms=False)
    assert set(document) == {
        "dag_id", "run_id", "state", "logical_date", "started_at", "ended_at", "tasks",
    }  # fmt: skip
    assert document["logical_date"] is None


def test_instances_at_rest_are_in_the_document_though_they_have_no_row(path: Path) -> None:
    telling = Telling(path, task("m", over=5), task("after", "m"))
    telling.trigger()
    telling.succeed("m", 1, 3)
    reading = Reading(path)
    found = [(one["task_id"], one["map_index"], one["state"]) for one in tasks_of(reading)]
    assert found == [
        ("m", 0, "queued"),
        ("m", 1, "success"),
        ("m", 2, "queued"),
        ("m", 3, "success"),
        ("m", 4, "queued"),
        ("after", -1, "none"),
    ]
    assert reading.counts("d/r") == {"m": {"queued": 3, "success": 2}, "after": {"none": 1}}
    telling.tell(RunCancelled(run="d/r", by="ann"))
    skipped = tasks_of(reading)[4]
    assert skipped["state"] == "skipped"
    assert skipped["reason"] == "cancelled by ann"
    assert skipped["ended_at"] == "2026-11-22T16:00:00.000000Z"


def tasks_of(reading: Reading) -> list[dict[str, object]]:
    return reading.run_document("d/r")["tasks"]  # type: ignore[no-any-return]


def test_an_earlier_trys_times_are_not_shown_as_the_next_ones(path: Path) -> None:
    telling = Telling(path, task("a", retries=1, retry_delay=0.0))
    telling.trigger()
    telling.tell(AttemptFailed(**said("a"), reason="it broke"))  # type: ignore[arg-type]
    reading = Reading(path)
    (waits,) = reading.waiting("d/r")
    assert (waits["state"], waits["try_number"]) == ("up_for_retry", 1)
    assert waits["reason"] == "it broke"
    assert waits["due"] == "2026-11-22T16:00:00.000000Z"
    from penstock.events.types import TimerDue

    telling.tell(TimerDue(what="retry", due=AT, run="d/r", task="a"))
    (queued,) = tasks_of(reading)
    assert (queued["state"], queued["try_number"]) == ("queued", 2)
    assert (queued["started_at"], queued["ended_at"]) == (None, None)
    telling.tell(
        AttemptStarted(
            attempt=Attempt("d/r", "a", -1, 2), delivery=Delivery(1, 9), worker="w", started_at=AT
        )
    )
    (running,) = reading.instances("d/r", "a")
    assert running["started_at"] == "2026-11-22T16:00:00.000000Z"
    assert running["ended_at"] is None
    assert running["worker"] == "w"


def test_what_waits_is_told_in_spans(path: Path) -> None:
    telling = Telling(path, task("m", over=1000), task("after", "m"))
    telling.trigger()
    telling.succeed("m", 500)
    found = Reading(path).waiting("d/r")
    assert [(one["task_id"], one["map_index"], one["count"], one["state"]) for one in found] == [
        ("m", 0, 500, "queued"),
        ("m", 501, 499, "queued"),
        ("after", -1, 1, "none"),
    ]


def test_xcoms_come_as_named_and_by_index_and_only_of_the_try_that_won(path: Path) -> None:
    telling = Telling(path, task("m", over=200), task("one"))
    telling.trigger()
    for index in (7, 3, 150):
        telling.succeed("m", index, xcoms=(Xcom(value=Raw(str(index).encode())),))
    telling.tell(AttemptSkipped(**said("m", 3), xcoms=(Xcom(value=Raw(b"0")),)))  # type: ignore[arg-type]
    telling.succeed("one", -1, xcoms=(Xcom(value=Raw(b"1")),))
    reading = Reading(path)
    places = [(row.task, row.index) for row in reading.xcoms("d/r", ["one", "m"])]
    assert places == [("one", -1), ("m", 3), ("m", 7), ("m", 150)]
    few = reading.xcoms("d/r", ["m"], indexes=[150, 3, 4])
    assert [(row.index, bytes(row.xcom.value)) for row in few] == [(3, b"3"), (150, b"150")]
    many = reading.xcoms("d/r", ["m"], indexes=range(5, 200))
    assert [row.index for row in many] == [7, 150]
    assert reading.xcoms("d/r", ["m"], "other") == []
    assert reading.mapped("d/r", ["one", "m", "nobody"]) == ["m"]


def test_the_story_has_every_fact_with_its_cause(path: Path) -> None:
    telling = Telling(path, task("a"))
    telling.trigger()
    telling.succeed("a", -1, xcoms=(Xcom(value=Raw(b"1")),))
    telling.succeed("a", -1)  # told again: it changes nothing, and is in the story
    story = Reading(path).story("d/r")
    assert [(line["id"], line["kind"], line["task_id"]) for line in story] == [
        ("1-2.0", "run.triggered", None),
        ("1-3.0", "attempt.succeeded", "a"),
        ("1-4.0", "attempt.succeeded", "a"),
    ]
    assert story[1]["event"]["delivery"] == [1, 99]
    assert "xcoms" not in story[1]["event"]


def test_runs_are_found_by_key_and_by_run_id(path: Path) -> None:
    telling = Telling(path, task("a"))
    for name in ("one", "two", "three"):
        telling.trigger(name)
    reading = Reading(path)
    assert reading.find_runs("d/two") == ["d/two"]
    assert reading.find_runs("two") == ["d/two"]
    assert reading.find_runs("nobody") == []
    assert [run["run_id"] for run in reading.runs(limit=2)] == ["three", "two"]
    assert [run["run_id"] for run in reading.runs(before="d/two")] == ["one"]
    assert reading.runs("d", "success") == []
    assert reading.run_state("d/one") == "running"
    assert reading.run_state("d/nobody") is None
    assert reading.run_counts() == {"d": {"running": 3}}
    with pytest.raises(UnknownRunError, match=r"no run 'd/nobody'. See: penstock runs list"):
        reading.run_document("d/nobody")


def test_dags_and_broken_files(path: Path) -> None:
    telling = Telling(path, task("a"), task("b", "a", over="a"))
    telling.tell(FileBroken(file="/dags/x.py", error="SyntaxError: invalid syntax", line=3))
    reading = Reading(path)
    (dag,) = reading.dags()
    assert (dag["dag_id"], dag["tasks"], dag["tags"], dag["paused"]) == ("d", 2, ["ml"], False)
    details = reading.dag("d")
    assert details is not None
    assert [one["task_id"] for one in details["tasks"]] == ["a", "b"]
    assert details["tasks"][1]["mapped"] == [{"argument": "x", "task": "a"}]
    assert details["versions"] == [
        {"version": telling.version, "registered_at": "2026-11-22T16:00:00.000000Z"}
    ]
    assert reading.dag("nobody") is None
    assert reading.errors() == [
        {"file": "/dags/x.py", "line": 3, "error": "SyntaxError: invalid syntax"}
    ]
    assert reading.pools() == {"default_pool": 128}
    assert reading.position() == 2


@pytest.mark.parametrize("is_writer_there", [True, False])
def test_it_reads_beside_a_writer_and_without_one(path: Path, is_writer_there: bool) -> None:
    telling = Telling(path, task("a"))
    telling.trigger("before")
    telling.follower.connection.execute("PRAGMA journal_mode = WAL")
    if not is_writer_there:
        telling.follower.close()
        assert not Path(f"{path}-wal").exists()
    reading = Reading(path)
    assert reading.run_state("d/before") == "running"
    if is_writer_there:
        telling.follower.connection.execute("BEGIN IMMEDIATE")
        assert reading.run_state("d/before") == "running"
        telling.follower.connection.execute("ROLLBACK")
        telling.trigger("after")
        assert reading.run_state("d/after") == "running"


def test_no_database_is_said_so(path: Path) -> None:
    with pytest.raises(StoreMissingError, match=r"there is no database.*penstock up"):
        Reading(path)


def test_ten_thousand_instances_are_read_in_well_under_a_second(path: Path) -> None:
    telling = Telling(path, task("m", over=10_000), task("after", "m"))
    telling.trigger()
    telling.succeed("m", *range(0, 10_000, 2), xcoms=(Xcom(value=Raw(b"1")),))
    reading = Reading(path)
    began = time.process_time()
    document = reading.run_document("d/r")
    assert len(reading.xcoms("d/r", ["m"])) == 5000
    took = time.process_time() - began
    assert len(document["tasks"]) == 10_001
    assert took < 0.8, f"{took:.2f} s"


@laws
@given(seed=st.integers(0, 2**32), length=st.integers(1, 60))
def test_a_document_shows_every_instance_as_the_fold_has_it(seed: int, length: int) -> None:
    log = write_log(Random(seed), length)
    with followers(1) as (follower,):
        follower.follow(log, 7)
        with Reading(follower.path) as reading:
            for key, run in folded(log).runs.items():
                shown = [
                    (one["task_id"], one["map_index"], one["state"], one["try_number"])
                    for one in reading.run_document(key)["tasks"]
                ]
                assert shown == [
                    (
                        record.step.task.task_id,
                        record.index(place),
                        WORDS[code],
                        record.tries[place],
                    )
                    for record in run.tasks
                    for place, code in enumerate(record.states)
                ]


def test_a_database_in_a_folder_that_cannot_be_written_is_read(path: Path) -> None:
    telling = Telling(path, task("a"))
    telling.trigger()
    telling.follower.close()
    path.parent.chmod(0o500)
    try:
        assert Reading(path).run_state("d/r") == "running"
        assert not os.access(path.parent, os.W_OK) or os.geteuid() == 0
    finally:
        path.parent.chmod(0o700)
