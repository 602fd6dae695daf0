"""The file for the next worker."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from penstock.events.types import Attempt, AttemptSucceeded, Delivery
from penstock.worker.kept import REMEMBERED, FileKeep, KeepError
from penstock.worker.ledger import spans_of


def outcome(number: int) -> AttemptSucceeded:
    return AttemptSucceeded(
        attempt=Attempt("d/r", "t", number),
        delivery=Delivery(1, number),
        worker="one",
        started_at=1,
        ended_at=2,
    )


def test_a_living_workers_file_is_left_alone(tmp_path: Path) -> None:
    one, two = FileKeep(tmp_path, "one"), FileKeep(tmp_path, "two/odd name")
    one.add([outcome(1)])
    assert two.inherited() == ((), [])


def test_what_was_kept_and_not_confirmed_is_inherited_also_twice(tmp_path: Path) -> None:
    one = FileKeep(tmp_path, "one/odd name")
    one.add([outcome(1), outcome(2), outcome(3)])
    one.gone([Delivery(1, 2), Delivery(9, 9)])
    one._file.close()  # as its process's death does
    two = FileKeep(tmp_path, "two")
    assert two.inherited() == (("one/odd name",), [outcome(1), outcome(3)])
    two._file.close()
    three = FileKeep(tmp_path, "three")
    assert three.inherited() == (("one/odd name", "two"), [outcome(1), outcome(3)])


def test_a_worker_that_dies_before_it_could_name_its_predecessor_leaves_the_name(
    tmp_path: Path,
) -> None:
    FileKeep(tmp_path, "one")._file.close()
    two = FileKeep(tmp_path, "two")
    assert two.inherited() == (("one",), [])
    two.add([outcome(1)])
    two.gone([Delivery(1, 1)])
    two._file.close()
    assert FileKeep(tmp_path, "three").inherited() == (("one", "two"), [])


def test_of_a_long_line_of_predecessors_the_newest_are_named(tmp_path: Path) -> None:
    for number in range(100):
        keep = FileKeep(tmp_path, f"{number:03}")
        names, _ = keep.inherited()
        keep._file.close()
    assert names == tuple(f"{number:03}" for number in range(99 - REMEMBERED, 99))


def test_a_line_cut_off_by_the_death_costs_only_itself(tmp_path: Path) -> None:
    one = FileKeep(tmp_path, "one")
    one.add([outcome(1)])
    one._file.write(b'{"kept":[{"kind":"attempt.succ')
    one._file.close()
    assert FileKeep(tmp_path, "two").inherited()[1] == [outcome(1)]


def test_a_clean_end_leaves_nothing(tmp_path: Path) -> None:
    one = FileKeep(tmp_path, "one")
    one.add([outcome(1)])
    one.gone([Delivery(1, 1)])
    one.close()
    assert list(tmp_path.iterdir()) == []


def test_on_a_full_disk_what_was_kept_is_inherited_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = FileKeep(tmp_path, "one")
    one.add([outcome(1)])
    one._file.close()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    two = FileKeep(tmp_path, "two")
    with monkeypatch.context() as patched:
        patched.setattr(FileKeep, "_append", full)
        assert two.inherited() == (("one",), [outcome(1)])
    two._file.close()
    assert FileKeep(tmp_path, "three").inherited()[1] == [outcome(1)]


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeepError, match=r"one\.outcomes: .* cannot be made: Not a directory"):
        FileKeep(tmp_path / "file" / "workers", "one")


def test_a_dead_workers_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "one.outcomes").mkdir()
    with pytest.raises(KeepError, match=r"one\.outcomes: what a dead worker left cannot be read"):
        FileKeep(tmp_path, "two").inherited()


def test_spans() -> None:
    assert spans_of([1, 2, 3, 7, 9, 10]) == ((1, 3), (7, 7), (9, 10))
    assert spans_of([]) == ()
