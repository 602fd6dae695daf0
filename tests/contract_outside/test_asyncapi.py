"""docs/asyncapi.yaml says what is true: all that goes over the wire is held to it."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from nats.aio.client import Client as Nats

from penstock.coordinator.intake import MOST_CONF, MOST_RUN_ID
from penstock.events import Client, contract
from penstock.events.client import _trigger
from penstock.events.server_config import _crossings
from penstock.events.streams import DAY, STREAMS
from penstock.events.subjects import Subjects, matches
from penstock.lifecycle.states import RUN_ENDS, RUN_QUEUED, RUN_RUNNING, WORDS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """What docs/asyncapi.yaml is made of; `make check` holds the file to it."""
    return dict(runpy.run_path(str(DOCS / "asyncapi.py"))["document"]("1"))


def errors(document: dict[str, Any], name: str, message: Any) -> list[str]:
    """What is wrong with a message of that name, by the document."""
    schema = {"$ref": f"#/components/messages/{name}/payload", "components": document["components"]}
    found = Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(message)
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in found]


def unsaid(document: dict[str, Any], schema: dict[str, Any], message: Any) -> Iterator[str]:
    """Which of a message's fields the document does not name."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, value in message.items():
        if name not in schema["properties"]:
            yield name
        elif "$ref" in schema["properties"][name]:
            yield from unsaid(document, schema["properties"][name], value)


def channel_of(document: dict[str, Any], subject: str) -> str:
    """The one channel whose address has that subject."""
    found = []
    for name, channel in document["channels"].items():
        if channel["address"]:
            pattern = re.sub(r"\\\{\w+\\\}", r"[^.]+", re.escape(channel["address"]))
            if re.fullmatch(pattern, subject):
                found.append(name)
    assert len(found) == 1, subject
    return found[0]


async def test_every_notice_is_as_the_document_says(
    document: dict[str, Any], client: Client, wire: Nats
) -> None:
    words = await wire.subscribe("penstock.event.>")
    await wire.flush()
    await client.trigger("moods", run_id="documented")
    states = set()
    while True:
        word = await words.next_msg(timeout=20)
        notice = json.loads(word.data)
        kind = "runNotice" if channel_of(document, word.subject) == "runReached" else "taskNotice"
        assert errors(document, kind, notice) == []
        payload = document["components"]["messages"][kind]["payload"]
        assert list(unsaid(document, payload, notice)) == []
        states.add(notice["type"])
        assert word.subject.endswith("." + notice["data"]["state"])
        if notice["data"]["run_id"] == "documented" and notice["type"] == "penstock.run.failed":
            break
    told = ["success", "failed", "skipped", "up_for_retry", "upstream_failed"]
    assert {f"penstock.task.{state}" for state in told} <= states


async def test_every_answer_is_as_the_document_says(document: dict[str, Any], wire: Nats) -> None:
    async def answer(subject: str, message: bytes, **headers: str) -> Any:
        assert channel_of(document, subject) in ("trigger", "requestRun")
        said = await wire.request(subject, message, timeout=10, headers=headers or None)
        return json.loads(said.data)

    name = str(uuid4())
    kept = await answer("penstock.trigger.quick", b"{}", **{"Nats-Msg-Id": name})
    again = await answer("penstock.trigger.quick", b"{}", **{"Nats-Msg-Id": name})
    assert again.get("duplicate", True)
    for one in (kept, again):
        assert errors(document, "kept", one) == []
    started = await answer("penstock.rpc.trigger.quick", b"{}")
    assert errors(document, "started", started) == []
    refused = await answer("penstock.rpc.trigger.nothing", b"{}")
    assert errors(document, "notStarted", refused) == []
    assert errors(document, "started", refused) != []


def test_a_trigger_of_our_client_is_as_the_document_says(document: dict[str, Any]) -> None:
    whole = _trigger("d", {"rows": 1}, "1", "r", datetime.now(UTC), "shop")
    assert errors(document, "trigger", whole) == []
    assert list(
        unsaid(document, document["components"]["messages"]["trigger"]["payload"], whole)
    ) == ["subject", "datacontenttype"]  # attributes of any CloudEvent, with no meaning here
    assert errors(document, "trigger", whole | {"id": ""}) != []
    assert errors(document, "trigger", whole | {"specversion": "0.3"}) != []
    assert errors(document, "conf", [1]) != []


def test_a_trigger_in_javascript_is_as_the_document_says(document: dict[str, Any]) -> None:
    text = (DOCS.parent / "examples" / "other_service.mjs").read_text()
    body = re.search(r"const trigger = \{(.*?)\n\};", text, re.DOTALL)
    assert body is not None
    names = set(re.findall(r"^  (\w+):", body.group(1), re.MULTILINE))
    known = document["components"]["schemas"]["Trigger"]
    assert set(known["required"]) <= names
    assert names <= set(known["properties"]) | {"datacontenttype"}


async def test_a_replay_is_asked_for_as_the_document_says(
    document: dict[str, Any], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Any]] = []
    publish = client._connection.publish

    async def spying(subject: str, payload: bytes, **how: Any) -> None:
        asked.append((subject, json.loads(payload)))
        await publish(subject, payload, **how)

    monkeypatch.setattr(client._connection, "publish", spying)
    notices = [one async for one in client.notices(after=0, live=False)]
    assert notices
    batches = [request for subject, request in asked if "batch" in request]
    assert batches
    assert {channel_of(document, subject) for subject, _ in asked} == {"replay"}
    for request in batches:
        assert errors(document, "replay", request) == []


# ---------------------------------------------------------------- what it takes from elsewhere


def test_the_states_are_the_engines() -> None:
    assert set(get_args(contract.RunState)) == RUN_ENDS | {RUN_QUEUED, RUN_RUNNING}
    assert set(get_args(contract.TaskState)) == set(WORDS) - {"none"}


def test_the_roles_are_the_servers() -> None:
    crossings = _crossings("penstock")
    for channel in contract.CHANNELS:
        subject = re.sub(r"\{(\w+)\}", "x", channel.subject.replace("{prefix}", "penstock"))
        may = {
            role
            for role in ("publisher", "subscriber", "both")
            if any(matches(one.subject, subject) for one in crossings[role])
        }
        assert may == set(channel.roles), channel.name


def test_the_subjects_are_the_table_s() -> None:
    subjects = Subjects("{prefix}")
    named = {one.name: one.subject for one in contract.CHANNELS}
    assert named["trigger"] == subjects.trigger("X").replace("X", "{dag_id}")
    assert named["requestRun"] == subjects.rpc_trigger("X").replace("X", "{dag_id}")
    run = subjects.run_event("X", "{run_state}").replace("X", "{dag_id}")
    task = subjects.task_event("X", "Y", "{task_state}")
    assert named["runReached"] == run
    assert named["taskReached"] == task.replace("X", "{dag_id}").replace("Y", "{task_id}")


def test_the_limits_are_the_coordinators(document: dict[str, Any]) -> None:
    properties = document["components"]["schemas"]["Trigger"]["properties"]
    assert properties["runid"]["maxLength"] == MOST_RUN_ID
    assert f"{MOST_CONF // 1024} KiB" in properties["data"]["description"]
    notices = next(stream for stream in STREAMS if stream.name == "NOTICES")
    assert f"{notices.max_age / DAY:g} days" in document["channels"]["runReached"]["description"]


def test_the_page_is_what_is_generated() -> None:
    made = runpy.run_path(str(DOCS / "asyncapi.py"))["page"]
    kept = (DOCS / "asyncapi.yaml").read_text()
    version = re.search(r"^  version: (.*)$", kept, re.MULTILINE)
    assert version is not None
    assert made(kept, version.group(1)) == kept, "run: make generated"
