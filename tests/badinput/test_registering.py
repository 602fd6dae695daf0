"""A DAG that Penstock itself cannot take is one file's trouble, not the coordinator's."""

from __future__ import annotations

import pytest

from penstock.authoring.serialized import ParsedFile, SerializedDag
from penstock.coordinator import files
from penstock.coordinator.files import DagFiles
from penstock.events.types import DagRegistered, Event, FileBroken
from penstock.lifecycle.plan import Plan
from penstock.lifecycle.state import State


async def test_a_bug_of_ours_costs_the_file_that_meets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = files.plan_of

    def plan_of(version: str, text: object) -> Plan:
        if b"odd" in bytes(text):  # type: ignore[call-overload]
            raise AttributeError("no keel")
        return real(version, text)  # type: ignore[arg-type]

    async def parse(file: str, seconds: float) -> ParsedFile:
        return ParsedFile(file=file, dags=(SerializedDag(dag_id=file, tasks=(), file=file),))

    asked: list[Event] = []

    async def ask(event: Event) -> int:
        asked.append(event)
        return len(asked)

    monkeypatch.setattr(files, "plan_of", plan_of)
    await DagFiles(State(), ask, parse).parse_all(["odd", "even"])
    broken = next(event for event in asked if isinstance(event, FileBroken))
    assert broken.file == "odd"
    assert "a bug of Penstock's own: AttributeError: no keel" in broken.error
    assert [event.dag_id for event in asked if isinstance(event, DagRegistered)] == ["even"]
