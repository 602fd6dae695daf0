"""Answers of the coordinator: a document, or a sentence and whose fault it is; never nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from penstock.coordinator import api
from penstock.coordinator.api import LARGE, READS, answer, pack, unpack
from penstock.errors import PenstockError, UsageError
from penstock.events.types import Event, PoolSet
from penstock.lifecycle.state import State


class Coordinator:
    """What handlers need, without a log: facts are collected."""

    def __init__(self) -> None:
        self.state = State()
        self.proposed: list[Event] = []
        self.reading = object()
        self.waited: list[int | None] = []

    async def propose(self, event: Event) -> int:
        self.proposed.append(event)
        return len(self.proposed)

    async def caught_up(self, sequence: int | None = None) -> None:
        self.waited.append(sequence)


async def ask(coordinator: Any, verb: str, **args: Any) -> Any:
    return unpack(await answer(coordinator, verb, msgspec.json.encode(args)))


async def test_a_change_is_a_fact() -> None:
    coordinator = Coordinator()
    said = await ask(coordinator, "pool_set", name="gpu", slots=2, by="ada")
    assert said == {"ok": {"name": "gpu", "slots": 2}}
    assert coordinator.proposed == [PoolSet(name="gpu", slots=2, by="ada")]


@pytest.mark.parametrize(
    ("verb", "args", "sentence"),
    [
        ("frobnicate", {}, "has no verb 'frobnicate'"),
        ("pool_set", {}, "arguments are not as they should be"),
        ("pool_set", {"name": "gpu", "slots": "two"}, "arguments are not as they should be"),
        ("pool_set", {"name": "gpu", "slots": -2}, "not -2"),
        ("pool_set", {"name": " ", "slots": 2}, "A pool needs a name"),
        ("variable_set", {"key": "a\nb", "value": ""}, "A variable needs a name"),
        ("register", {"dags": [{"no": "dag"}]}, "arguments are not as they should be"),
    ],
)
async def test_a_wrong_question_is_the_asker_s_fault(
    verb: str, args: dict[str, Any], sentence: str
) -> None:
    said = await ask(Coordinator(), verb, **args)
    assert said["code"] == 2
    assert sentence in said["error"]


async def test_what_is_no_json_is_answered_all_the_same() -> None:
    said = unpack(await answer(Coordinator(), "status", b"\xff{"))  # type: ignore[arg-type]
    assert said["code"] == 2


@pytest.mark.parametrize(
    ("error", "code"), [(UsageError("no"), 2), (PenstockError("no"), 1), (OSError("no"), 1)]
)
async def test_a_handler_that_raises_is_answered(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setitem(api.HANDLERS, "status", fail)
    said = await ask(Coordinator(), "status")
    assert said["code"] == code
    assert "no" in said["error"]


async def test_a_read_waits_for_the_projection(monkeypatch: pytest.MonkeyPatch) -> None:
    coordinator = Coordinator()
    monkeypatch.setitem(READS, "dags_list", lambda reading, args: [reading is coordinator.reading])
    assert await ask(coordinator, "dags_list", wait_seq=7) == {"ok": [True]}
    assert coordinator.waited == [7]


def test_a_large_answer_is_deflated_and_comes_back_whole() -> None:
    document = {"ok": [{"task_id": "each", "map_index": index} for index in range(20_000)]}
    packed = pack(document)
    assert len(msgspec.json.encode(document)) > LARGE > len(packed)
    assert unpack(packed) == document
    assert unpack(pack({"ok": None})) == {"ok": None}
