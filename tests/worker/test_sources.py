"""What mapped instances are mapped over is read once a child, however many instances there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.worker import xcom
from penstock.worker.sources import elements_of
from penstock.worker.xcom import BlobFolder, XcomError


class Reads:
    """The blobs of a folder; counts how often one was looked up."""

    def __init__(self, folder: Path) -> None:
        self.blobs, self.count = BlobFolder(str(folder)), 0

    def path(self, digest: str) -> str:
        self.count += 1
        return self.blobs.place(digest)


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    return Reads(tmp_path)


VALUES: list[Any] = [
    list(range(50_000)),
    {f"key {number}": [number] for number in range(20_000)},
    tuple({"at": number} for number in range(20_000)),
    [1, "two", None],
    {"a": 1},
    (1, 2),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__}-{len(value)}")
def test_every_element_comes_of_one_reading(reads: Reads, value: Any) -> None:
    found = xcom.encode("return_value", value, reads.blobs)
    elements = elements_of(found, reads.path)
    there = list(value.items() if isinstance(value, dict) else value)
    assert [elements[place] for place in range(len(elements))] == there
    assert elements[1:3] == there[1:3]
    assert reads.count == (1 if found.blob else 0)


@pytest.mark.parametrize("kind", [list, tuple])
def test_an_instance_that_changes_its_element_changes_nobody_else_s(
    reads: Reads, kind: type[Any]
) -> None:
    found = xcom.encode("return_value", kind([[1], [2]]), reads.blobs)
    elements = elements_of(found, reads.path)
    elements[0].append("mine")
    assert elements[0] == [1]


def test_a_damaged_file_is_told_before_any_element_is_taken(reads: Reads) -> None:
    found = xcom.encode("return_value", list(range(50_000)), reads.blobs)
    place = Path(reads.blobs.place(found.blob or ""))
    place.chmod(0o644)
    place.write_bytes(b"[1, 2]")
    with pytest.raises(XcomError, match="is damaged"):
        elements_of(found, reads.path)
