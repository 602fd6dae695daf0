"""What the coordinator keeps of variables and connections, and what it answers of them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from penstock.coordinator.api import answer, unpack
from penstock.coordinator.questions import Questions
from penstock.errors import PenstockError
from penstock.events import questions as q
from penstock.events import types as t
from penstock.lifecycle.state import State
from penstock.store.vault import Vault, is_sealed, new_key

SECRET = "hunter2-s3cret"


class Coordinator:
    """What handlers and questions need: facts are taken into the state, and read from there."""

    def __init__(self, folder: Path, named: str | None = None) -> None:
        self.state = State()
        self.facts: list[t.Event] = []
        self.reading = SimpleNamespace(
            vault=Vault(folder / "secret.key", named),
            variables=lambda: self.state.variables,
            connections=lambda: self.state.connections,
        )

    async def propose(self, event: t.Event) -> int:
        self.facts.append(event)
        if isinstance(event, t.VariableSet):
            kept, name, value = self.state.variables, event.key, event.value
        else:
            assert isinstance(event, t.ConnectionSet)
            kept, name, value = self.state.connections, event.conn_id, event.value
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = value
        return len(self.facts)

    async def caught_up(self, sequence: int | None = None) -> None: ...

    async def ask(self, verb: str, **args: Any) -> Any:
        """Return the document, or the sentence why there is none."""
        told: Any = self
        said = unpack(await answer(told, verb, msgspec.json.encode(args)))
        return said["ok"] if "ok" in said else said["error"]

    async def told(self, question: q.Question) -> Any:
        """Return what a task is answered."""
        itself: Any = self
        return await Questions(itself).answer(question)


@pytest.fixture
def one(tmp_path: Path) -> Coordinator:
    return Coordinator(tmp_path)


LAKE = {"conn_type": "postgres", "host": "h", "password": SECRET, "extra": {"token": "tok-abc"}}


async def test_no_fact_has_a_plain_value(one: Coordinator) -> None:
    await one.ask("variable_set", key="region", value="europe-west", description="where")
    await one.ask("connection_set", conn_id="lake", fields=LAKE)
    text = b"".join(map(t.encode, one.facts)).decode()
    assert not any(word in text for word in ("europe-west", "where", SECRET, "tok-abc", "postgres"))
    assert all(map(is_sealed, (*one.state.variables.values(), *one.state.connections.values())))


async def test_secrets_are_masked_unless_they_are_to_be_shown(one: Coordinator) -> None:
    await one.ask("variable_set", key="region", value="eu")
    await one.ask("variable_set", key="db_password", value=SECRET)
    await one.ask("variable_set", key="cfg", value='{"token": "abc", "n": 1}')
    await one.ask("connection_set", conn_id="lake", fields=LAKE)
    assert await one.ask("variable_list") == [
        {"key": "cfg", "value": '{"token": "***", "n": 1}'},
        {"key": "db_password", "value": "***"},
        {"key": "region", "value": "eu"},
    ]
    hidden = {"key": "db_password", "value": "***", "masked": True}
    assert await one.ask("variable_get", key="db_password") == hidden
    shown = {"key": "db_password", "value": SECRET, "masked": False}
    assert await one.ask("variable_get", key="db_password", show=True) == shown
    masked = {"conn_id": "lake", "conn_type": "postgres", "host": "h", "password": "***"}
    masked["extra"] = '{"token": "***"}'
    assert await one.ask("connection_list") == [masked]
    assert await one.ask("connection_get", conn_id="lake") == masked
    whole = await one.ask("connection_get", conn_id="lake", show=True)
    assert (whole["password"], whole["extra"]) == (SECRET, '{"token": "tok-abc"}')


async def test_an_extra_that_is_no_json_is_masked_whole(one: Coordinator) -> None:
    await one.ask("connection_set", conn_id="odd", fields={"conn_type": "x", "extra": SECRET})
    assert (await one.ask("connection_get", conn_id="odd"))["extra"] == "***"


async def test_tasks_are_answered_plainly(one: Coordinator) -> None:
    await one.ask("variable_set", key="db_password", value=SECRET)
    await one.ask("connection_set", conn_id="lake", fields=LAKE)
    assert (await one.told(q.AskVariable(key="db_password"))).value == SECRET
    assert (await one.told(q.AskVariable(key="absent"))).value is None
    found = (await one.told(q.AskConnection(conn_id="lake"))).fields
    assert found == {**LAKE, "extra": '{"token": "tok-abc"}'}
    assert (await one.told(q.AskConnection(conn_id="absent"))).fields is None
    assert (await one.told(q.AskKeys(prefix="db"))).keys == ("db_password",)
    assert (await one.told(q.AskKeys(prefix="x"))).keys == ()


async def test_a_task_s_changes_are_sealed_too_and_may_come_twice(one: Coordinator) -> None:
    for _ in range(2):
        await one.told(q.ChangeVariable(key="k", value=SECRET, description="d"))
    assert is_sealed(one.state.variables["k"])
    assert (await one.ask("variable_get", key="k"))["description"] == "d"
    for _ in range(2):
        await one.told(q.ChangeVariable(key="k", value=None))
    assert one.state.variables == {}
    with pytest.raises(PenstockError, match="needs a name"):
        await one.told(q.ChangeVariable(key="a\nb", value="x"))


async def test_a_variable_from_before_values_were_sealed_is_read(one: Coordinator) -> None:
    one.state.variables["old"] = "plain"
    assert (await one.told(q.AskVariable(key="old"))).value == "plain"
    assert await one.ask("variable_list") == [{"key": "old", "value": "plain"}]


@pytest.mark.parametrize(
    ("verb", "args", "sentence"),
    [
        ("variable_set", {"key": "", "value": "x"}, "A variable needs a name"),
        ("variable_set", {"key": "k" * 251, "value": "x"}, "A variable needs a name"),
        ("variable_set", {"key": "k", "value": 3}, "has to be a text"),
        ("variable_set", {"key": "k", "value": "x" * 1024 * 1024}, "1,048,576 are the most"),
        ("variable_delete", {"key": "k"}, "There is no variable 'k'"),
        ("connection_set", {"conn_id": "c", "fields": []}, "have to be a JSON object"),
        ("connection_set", {"conn_id": "c", "fields": {"passwd": SECRET}}, "no field 'passwd'"),
        ("connection_set", {"conn_id": " ", "fields": LAKE}, "A connection needs a name"),
        ("connection_delete", {"conn_id": "c"}, "There is no connection 'c'. Set it: penstock con"),
        ("connection_get", {"conn_id": "c"}, "There is no connection 'c'"),
        ("variables_import", {"variables": {}, "existing": "ask"}, "overwrite, fail, skip"),
        ("variables_import", {"variables": {"k": SECRET}}, "arguments are not as they should be"),
    ],
)
async def test_what_is_wrong_is_told_and_changes_nothing(
    one: Coordinator, verb: str, args: dict[str, Any], sentence: str
) -> None:
    said = await one.ask(verb, **args)
    assert sentence in said
    assert SECRET not in said
    assert one.facts == []


async def test_an_import_overwrites_skips_or_refuses_what_is_there(one: Coordinator) -> None:
    await one.ask("variable_set", key="a", value="old")
    new = {key: {"value": "new"} for key in "ab"}
    said = await one.ask("variables_import", variables=new, existing="fail")
    assert said == "Nothing was imported: there is already variable 'a'."
    assert len(one.facts) == 1
    said = await one.ask("variables_import", variables=new, existing="skip")
    assert said == {"set": ["b"], "skipped": ["a"]}
    assert (await one.ask("variable_get", key="a"))["value"] == "old"
    said = await one.ask("variables_import", variables=new)
    assert said == {"set": ["a", "b"], "skipped": []}
    assert (await one.ask("variable_get", key="a"))["value"] == "new"


async def test_an_import_with_one_bad_thing_sets_nothing(one: Coordinator) -> None:
    bad = {"a": LAKE, "b": {"conn_type": "x", "port": "no"}}
    assert "`port`" in await one.ask("connections_import", connections=bad)
    assert one.facts == []


async def test_exports_are_whole(one: Coordinator) -> None:
    await one.ask("variable_set", key="db_password", value=SECRET, description="d")
    await one.ask("connection_set", conn_id="lake", fields=LAKE)
    assert await one.ask("variable_export") == {
        "db_password": {"value": SECRET, "description": "d"}
    }
    assert (await one.ask("connection_export"))["lake"]["password"] == SECRET


async def test_after_a_rotation_the_new_key_opens_everything(tmp_path: Path) -> None:
    one = Coordinator(tmp_path)
    one.state.variables["old"] = "plain"
    await one.ask("variable_set", key="k", value=SECRET, description="d")
    await one.ask("connection_set", conn_id="lake", fields=LAKE)
    said = await one.ask("secrets_rotate")
    assert said == {"variables": 2, "connections": 1}
    newest = Vault(tmp_path / "absent", (tmp_path / "secret.key").read_text().split()[0])
    kept = one.state
    assert json.loads(newest.open(kept.variables["k"], "k")) == {
        "value": SECRET,
        "description": "d",
    }
    assert json.loads(newest.open(kept.variables["old"], "old")) == {"value": "plain"}
    assert json.loads(newest.open(kept.connections["lake"], "lake"))["password"] == SECRET


async def test_a_named_key_rotates_without_a_file(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    before = Coordinator(tmp_path, old)
    await before.ask("variable_set", key="k", value=SECRET)
    after = Coordinator(tmp_path, f"{new},{old}")
    after.state = before.state
    await after.ask("secrets_rotate")
    assert SECRET in Vault(tmp_path / "absent", new).open(after.state.variables["k"], "k")
    assert not (tmp_path / "secret.key").exists()


async def test_without_the_key_lists_go_on_and_the_value_says_why(tmp_path: Path) -> None:
    one = Coordinator(tmp_path, new_key())
    await one.ask("variable_set", key="k", value=SECRET)
    await one.ask("connection_set", conn_id="lake", fields=LAKE)
    other = Coordinator(tmp_path, new_key())
    other.state = one.state
    (listed,) = await other.ask("variable_list")
    assert (listed["value"], "key that is not here" in listed["error"]) == (None, True)
    assert "key that is not here" in (await other.ask("connection_list"))[0]["error"]
    assert "variable 'k' was sealed" in await other.ask("variable_get", key="k")
    with pytest.raises(PenstockError, match="connection 'lake' was sealed"):
        await other.told(q.AskConnection(conn_id="lake"))
    assert "key that is not here" in await other.ask("secrets_rotate")
    assert other.facts == []
