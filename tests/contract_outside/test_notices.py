"""Hearing of runs from outside: every state once, numbered without a gap, replayed the same."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from nats.aio.client import Client as Nats

from penstock.events import Client

Key = tuple[str, str]


async def hear_run(client: Client, dag_id: str, run_id: str, place: int) -> list[dict[str, Any]]:
    """Return the notices of one run, to its end."""
    heard: list[dict[str, Any]] = []
    async for notice in client.notices(f"event.*.{dag_id}.>", after=place):
        if notice["data"]["run_id"] == run_id:
            heard.append(notice)
            if "task_id" not in notice["data"] and notice["data"]["state"] in ("success", "failed"):
                return heard
    raise AssertionError("notices ended")


def by_run(notices: list[dict[str, Any]]) -> dict[Key, list[dict[str, Any]]]:
    found: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for notice in notices:
        found[notice["data"]["dag_id"], notice["data"]["run_id"]].append(notice)
    return found


async def test_runs_side_by_side_are_each_numbered_without_a_gap(client: Client) -> None:
    place = await client.position()
    names = [f"side-{number}" for number in range(12)]
    await asyncio.gather(*(client.trigger("moods", run_id=name) for name in names))
    await asyncio.gather(*(hear_run(client, "moods", name, place) for name in names))
    told = by_run([one async for one in client.notices(after=place, live=False)])
    for name in names:
        notices = told["moods", name]
        assert [one["sequence"] for one in notices] == list(range(1, len(notices) + 1))
        assert len({one["id"] for one in notices}) == len(notices)


async def test_every_state_of_runs_and_tasks_is_told(client: Client) -> None:
    place = await client.position()
    await client.trigger("moods", run_id="all")
    notices = await hear_run(client, "moods", "all", place)
    states = defaultdict(list)
    for notice in notices:
        data = notice["data"]
        name = (data.get("task_id"), data.get("map_index"), data.get("try_number"))
        if data["state"] not in ("queued", "running"):
            states[name].append(data["state"])
        assert (
            notice["type"] == f"penstock.{'task' if 'task_id' in data else 'run'}.{data['state']}"
        )
        assert notice["source"] == "/penstock"
        assert notice["causedby"]
        assert datetime.fromisoformat(notice["time"]).tzinfo
    assert dict(states) == {
        ("each", 0, 1): ["success"],
        ("each", 1, 1): ["skipped"],
        ("each", 2, 1): ["success"],
        ("second_time", -1, 1): ["up_for_retry"],
        ("second_time", -1, 2): ["success"],
        ("never", -1, 1): ["failed"],
        ("after", -1, 0): ["upstream_failed"],
        (None, None, None): ["failed"],
    }
    [failed] = [one for one in notices if one["type"] == "penstock.task.failed"]
    assert "the lake is empty" in failed["data"]["reason"]


async def test_what_was_heard_live_is_replayed_the_same(client: Client) -> None:
    place, moment = await client.position(), datetime.now(UTC)
    await client.trigger("moods", run_id="again")
    heard = await hear_run(client, "moods", "again", place)

    async def replayed(**how: Any) -> list[dict[str, Any]]:
        found = [one async for one in client.notices(live=False, **how)]
        return by_run(found)["moods", "again"]

    assert await replayed(after=place) == heard
    assert await replayed(after=moment) == heard
    assert await replayed(after=0) == heard
    assert await replayed(after=place, pattern="event.task.moods.never.*") == [
        one for one in heard if one["data"].get("task_id") == "never"
    ]
    middle = heard[len(heard) // 2]
    assert await replayed(after=middle.position) == heard[len(heard) // 2 + 1 :]  # type: ignore[attr-defined]


async def test_a_plain_subscription_hears_the_same_in_order(client: Client, wire: Nats) -> None:
    place = await client.position()
    words = await wire.subscribe("penstock.event.*.moods.>")
    await wire.flush()
    await client.trigger("moods", run_id="plain")
    heard = await hear_run(client, "moods", "plain", place)
    raw = [await words.next_msg(timeout=5) for _ in heard]
    kept = [message.data async for message in _payloads(wire, place)]
    assert [message.data for message in raw] == kept[: len(raw)]
    assert raw[0].subject == "penstock.event.run.moods.queued"


async def _payloads(wire: Nats, place: int) -> Any:
    """A direct get, as any NATS client can make it: no consumer, no access to the stream's API."""
    inbox = wire.new_inbox()
    answers = await wire.subscribe(inbox)
    asked = b'{"seq": %d, "batch": 1000, "next_by_subj": "penstock.event.*.moods.>"}' % (place + 1)
    await wire.publish("$JS.API.DIRECT.GET.NOTICES", asked, reply=inbox)
    while True:
        message = await answers.next_msg(timeout=5)
        if (message.headers or {}).get("Status"):
            return
        yield message
