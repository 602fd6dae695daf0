"""Asking for runs from outside: each form of a request, each once, each refusal with its reason."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from uuid import uuid4

import pytest
from nats.aio.client import Client as Nats
from nats.errors import NoRespondersError

from penstock.errors import PenstockError
from penstock.events import Client, TriggerRefusedError
from penstock.events.bus import UnknownSubjectError

from .conftest import Daemon


def event(**attributes: Any) -> dict[str, Any]:
    """A CloudEvent that asks for a run."""
    return {"specversion": "1.0", "type": "ask", "source": "shop", "id": "1"} | attributes


async def publish(
    wire: Nats, dag_id: str, payload: Any, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Publish a request and return JetStream's ack."""
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    answer = await wire.request(f"penstock.trigger.{dag_id}", text, headers=headers)
    return dict(json.loads(answer.data))


async def ask(wire: Nats, dag_id: str, payload: Any) -> dict[str, Any]:
    """Request a run and return the answer."""
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    answer = await wire.request(f"penstock.rpc.trigger.{dag_id}", text, timeout=10)
    return dict(json.loads(answer.data))


async def runs_until_settled(client: Client, dag_id: str, place: int) -> list[str]:
    """Return the ids of the runs of a DAG since `place`, in the order in which they were queued.

    What was published before is dealt with: a request of our own, made last, has ended.
    """
    last = await client.trigger(dag_id, run_id=f"last-{uuid4()}")
    assert last
    found = []
    async for notice in client.notices(f"event.run.{dag_id}.*", after=place):
        run_id = notice["data"]["run_id"]
        if notice["data"]["state"] == "queued" and not run_id.startswith("last-"):
            found.append(run_id)
        if run_id.startswith("last-") and notice["data"]["state"] == "success":
            return found
    raise AssertionError("notices ended")


async def conf_of(daemon: Daemon, run: str) -> Any:
    found = await asyncio.to_thread(daemon.document, "story", run)
    return next(one for one in found["events"] if one["kind"] == "run.triggered")["event"]["conf"]


# ---------------------------------------------------------------- the forms of a request


@pytest.mark.parametrize("form", ["structured", "base64", "binary", "bare", "empty"])
async def test_every_form_of_a_request_starts_a_run_with_its_conf(
    daemon: Daemon, client: Client, wire: Nats, form: str
) -> None:
    place, name = await client.position(), f"{form}-{uuid4()}"
    conf: dict[str, Any] = {"rows": 7, "name": "Zoë"}
    headers = {"ce-specversion": "1.0", "ce-type": "ask", "ce-source": "/caf%C3%A9", "ce-id": name}
    match form:
        case "structured":
            ack = await publish(wire, "picky", event(id=name, data=conf))
        case "base64":
            text = base64.b64encode(json.dumps(conf).encode()).decode()
            ack = await publish(wire, "picky", event(id=name, data_base64=text))
        case "binary":
            ack = await publish(wire, "picky", conf, headers)
        case "bare":
            ack = await publish(wire, "picky", conf)
        case _:
            ack, conf = await publish(wire, "picky", b""), {}
    assert ack["stream"] == "TRIGGERS"
    [run_id] = await runs_until_settled(client, "picky", place)
    assert await conf_of(daemon, f"picky/{run_id}") == conf


async def test_the_same_id_from_the_same_source_starts_one_run(client: Client, wire: Nats) -> None:
    place, name = await client.position(), str(uuid4())
    for _ in range(5):
        await publish(wire, "quick", event(id=name))
    first = await ask(wire, "quick", event(id=name))
    assert await ask(wire, "quick", event(id=name)) | {"state": ""} == first | {"state": ""}
    assert await runs_until_settled(client, "quick", place) == [first["run_id"]]


async def test_the_same_id_in_both_modes_is_the_same_event(client: Client, wire: Nats) -> None:
    place, name = await client.position(), str(uuid4())
    headers = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "/caf%C3%A9", "ce-id": name}
    await publish(wire, "quick", {}, headers)
    await publish(wire, "quick", event(id=name, source="/café"))
    assert len(await runs_until_settled(client, "quick", place)) == 1


async def test_the_same_id_from_two_sources_or_for_two_dags_starts_two_runs(
    client: Client, wire: Nats
) -> None:
    place, name = await client.position(), str(uuid4())
    await publish(wire, "quick", event(id=name, source="shop"))
    await publish(wire, "quick", event(id=name, source="lab"))
    await publish(wire, "picky", event(id=name, source="lab"))
    assert len(await runs_until_settled(client, "quick", place)) == 2
    assert len(await runs_until_settled(client, "picky", place)) == 1


async def test_without_a_cloud_event_the_nats_msg_id_is_the_identity(
    client: Client, wire: Nats
) -> None:
    place, headers = await client.position(), {"Nats-Msg-Id": str(uuid4())}
    await publish(wire, "quick", {"n": 1}, headers)
    await runs_until_settled(client, "quick", place)
    # The stream itself remembers an id for 0.1 s, whoever sent it: then it says `duplicate`.
    while (await publish(wire, "quick", {"n": 2}, headers)).get("duplicate"):
        pass
    assert len(await runs_until_settled(client, "quick", place)) == 1


async def test_a_cloud_events_identity_stands_above_a_nats_msg_id(
    client: Client, wire: Nats
) -> None:
    """Message 42 of two teams: apart in time, or the stream takes it for one (and says so)."""
    place, name = await client.position(), str(uuid4())
    headers = {"Nats-Msg-Id": name}
    await publish(wire, "quick", event(id="42", source=f"shop-{name}"), headers)
    lab = event(id="42", source=f"lab-{name}")
    while (await publish(wire, "quick", lab, headers)).get("duplicate"):
        pass
    assert len(await runs_until_settled(client, "quick", place)) == 2


async def test_bare_objects_without_an_id_start_a_run_each(client: Client, wire: Nats) -> None:
    place = await client.position()
    for _ in range(3):
        await publish(wire, "quick", {"the": "same"})
    assert len(set(await runs_until_settled(client, "quick", place))) == 3


async def test_a_dag_id_with_a_dot_is_percent_encoded(client: Client) -> None:
    place = await client.position()
    await client.trigger("dotted.id", run_id="dots.in.here")
    seen = []
    async for notice in client.notices("event.*.dotted%2Eid.>", after=place):
        seen.append((notice["data"].get("task_id"), notice["data"]["state"]))
        if notice["type"] == "penstock.run.success":
            break
    assert ("with.dots", "success") in seen


# ---------------------------------------------------------------- answers and refusals

REFUSED = {
    "unknown DAG": ("nothing", event(), "there is no DAG 'nothing'"),
    "no JSON": ("quick", b"{rows: 1", "it is no JSON"),
    "no object": ("quick", [1, 2], "must be a JSON object, not a list"),
    "data is text": ("quick", event(data="rows"), "must be a JSON object, not a string"),
    "no source": ("quick", {"specversion": "1.0", "id": "1"}, "needs an `id` and a `source`"),
    "another version": ("quick", event(specversion="0.3"), "specversion '0.3'; 1.0 is understood"),
    "bad base64": ("quick", event(data_base64="%%"), "is no base64"),
    "bad date": ("quick", event(logicaldate="soon"), "'soon' is no date"),
    "bad run id": ("quick", event(runid="a\nb"), "cannot be a run's id"),
    "long run id": ("quick", event(runid="r" * 251), "1 to 250 characters"),
    "conf against the schema": ("picky", event(data={"rows": 0}), "param 'rows' of DAG 'picky'"),
    "large conf": ("quick", event(data={"x": "y" * 300_000}), "put what is large in a file"),
}
"""case: (DAG, message, what the reason says)."""


@pytest.mark.parametrize("case", REFUSED)
async def test_a_request_that_is_refused_says_why(wire: Nats, case: str) -> None:
    dag_id, message, reason = REFUSED[case]
    assert reason in (await ask(wire, dag_id, message))["error"]


async def test_what_was_published_and_refused_is_kept_with_the_reason(
    daemon: Daemon, client: Client, wire: Nats
) -> None:
    before = await asyncio.to_thread(daemon.document, "dead", "list")
    place = await client.position()
    for dag_id, message, _ in REFUSED.values():
        await publish(wire, dag_id, message, {"X-Trace": "abc"})
    assert await runs_until_settled(client, "quick", place) == []
    letters: list[dict[str, Any]] = []
    while len(letters) < len(REFUSED):  # they are dealt with side by side
        found = await asyncio.to_thread(daemon.document, "dead", "list")
        letters = found[len(before) :]
    for dag_id, message, reason in REFUSED.values():
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        [letter] = [one for one in letters if one["payload"] == text[: 64 * 1024].decode()]
        assert reason in letter["reason"]
        assert letter["subject"] == f"penstock.trigger.{dag_id}"
        assert letter["kind"] == "trigger"
        assert letter["headers"] == {"X-Trace": "abc"}
        assert letter["size"] == len(text)
    shown = (await asyncio.to_thread(daemon, "dead", "list", "--kind", "trigger")).out
    assert "there is no DAG 'nothing'" in shown


async def test_a_chosen_run_id_belongs_to_who_asked_for_it(client: Client) -> None:
    name = f"mine-{uuid4()}"
    first = await client.request_run("quick", run_id=name, source="shop")
    again = await client.request_run("quick", run_id=name, source="shop")
    assert first["run_id"] == again["run_id"] == name
    with pytest.raises(TriggerRefusedError, match="already, which 'shop' asked for"):
        await client.request_run("quick", run_id=name, source="lab")


async def test_a_request_is_answered_with_the_run(client: Client) -> None:
    answer = await client.request_run("picky", {"rows": 3}, id=str(uuid4()))
    assert answer["dag_id"] == "picky"
    assert answer["run_id"].startswith("event__")
    assert answer["state"] in ("queued", "running", "success")


# ---------------------------------------------------------------- who may do what


async def test_a_publisher_hears_nothing(daemon: Daemon) -> None:
    key = await asyncio.to_thread(daemon.key, "till", "publisher")
    async with Client.connect(key["url"], nkey_seed=key["nkey_seed"]) as client:
        run = await client.request_run("quick")
        assert run["dag_id"] == "quick"
        with pytest.raises(PenstockError, match="no access"):
            await anext(client.notices(after=0))


async def test_a_publisher_that_listens_anyway_hears_nothing(
    daemon: Daemon, both: dict[str, str]
) -> None:
    key = await asyncio.to_thread(daemon.key, "eavesdropper", "publisher")
    spy = Nats()
    await spy.connect(key["url"], nkeys_seed_str=key["nkey_seed"])
    heard = await spy.subscribe(">")
    await spy.flush()
    async with Client.connect(both["url"], nkey_seed=both["nkey_seed"]) as client:
        notices = client.notices("event.run.quick.success")
        waiting = asyncio.ensure_future(anext(notices))
        while not waiting.done():
            await client.trigger("quick")
            await asyncio.wait({waiting}, timeout=0.2)
    await spy.flush()
    assert heard.pending_msgs == 0
    await spy.close()


async def test_a_subscriber_may_not_trigger(daemon: Daemon, client: Client) -> None:
    place = await client.position()
    key = await asyncio.to_thread(daemon.key, "board", "subscriber")
    spy = Nats()
    await spy.connect(key["url"], nkeys_seed_str=key["nkey_seed"])
    with pytest.raises(NoRespondersError):
        await publish(spy, "quick", {})
    with pytest.raises(NoRespondersError):
        await ask(spy, "quick", {})
    await spy.close()
    async with Client.connect(key["url"], nkey_seed=key["nkey_seed"]) as board:
        with pytest.raises(UnknownSubjectError, match="may not trigger"):
            await board.trigger("quick")
        assert await board.position() >= place
    assert await runs_until_settled(client, "quick", place) == []


async def test_a_service_that_is_removed_is_shut_out(daemon: Daemon) -> None:
    key = await asyncio.to_thread(daemon.key, "fired", "both")
    async with Client.connect(key["url"], nkey_seed=key["nkey_seed"]) as client:
        assert await client.position() >= 0
        assert (await asyncio.to_thread(daemon, "access", "remove", "fired")).code == 0
    with pytest.raises(PenstockError, match="no NATS server let us in"):
        async with Client.connect(key["url"], nkey_seed=key["nkey_seed"], timeout=1.0):
            pass
