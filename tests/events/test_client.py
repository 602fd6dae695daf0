"""What other services do with Penstock, against the real nats-server; the leader is played."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest

from penstock.errors import PenstockError
from penstock.events import Client, TriggerRefusedError
from penstock.events.access import Added, add_user
from penstock.events.bus import BusError, Message, UnknownSubjectError
from penstock.events.nats_bus import NatsBus
from penstock.events.server import Server
from penstock.events.subjects import Subjects

SUBJECTS = Subjects()


@pytest.fixture
def added(server: Server) -> Added:
    return add_user(server.home, "billing", "both")


@pytest.fixture
async def client(added: Added) -> AsyncIterator[Client]:
    async with Client.connect(added.url, nkey_seed=added.nkey_seed) as connected:
        yield connected


async def notify(leader: NatsBus, number: int, dag_id: str = "nightly") -> None:
    event = {"id": f"{dag_id}-{number}", "data": {"dag_id": dag_id, "state": "running"}}
    await leader.store(SUBJECTS.run_event(dag_id, "running"), msgspec.json.encode(event))


async def test_a_trigger_is_kept_as_a_cloud_event(client: Client, leader: NatsBus) -> None:
    date = datetime(2026, 1, 2, tzinfo=UTC)
    given = await client.trigger("a.b", {"rows": 1}, id="42", run_id="r", logical_date=date)
    assert given == "42"
    pulled = await anext(leader.pull("TRIGGERS", "leader"))
    assert pulled.stored.subject == "penstock.trigger.a%2Eb"
    assert msgspec.json.decode(pulled.stored.payload) == {
        "specversion": "1.0",
        "id": "42",
        "source": "penstock.client",
        "type": "penstock.trigger",
        "subject": "a.b",
        "datacontenttype": "application/json",
        "data": {"rows": 1},
        "runid": "r",
        "logicaldate": "2026-01-02T00:00:00+00:00",
    }


async def test_each_trigger_has_an_id_of_its_own(client: Client) -> None:
    assert await client.trigger("d") != await client.trigger("d")


async def test_a_trigger_waits_for_a_server_that_is_away(server: Server, client: Client) -> None:
    async with server.paused():
        trigger = asyncio.ensure_future(client.trigger("d", id="1"))
        with pytest.raises(BusError, match="not acked within"):
            await client.trigger("d", timeout=0.2)
    assert await trigger == "1"


async def test_a_requested_run_is_answered_or_refused_with_the_reason(
    client: Client, leader: NatsBus
) -> None:
    tasks: set[asyncio.Task[None]] = set()

    def answer(message: Message) -> None:
        conf = msgspec.json.decode(message.payload)["data"]
        said = conf["answer"]
        tasks.add(asyncio.ensure_future(leader.publish(message.reply, msgspec.json.encode(said))))

    with pytest.raises(UnknownSubjectError, match="no Penstock listens now"):
        await client.request_run("d")
    await leader.subscribe(SUBJECTS.rpc_triggers, answer)
    await leader.connection.flush()
    run = {"dag_id": "d", "run_id": "r", "state": "queued"}
    assert await client.request_run("d", {"answer": run}) == run
    with pytest.raises(TriggerRefusedError, match="No DAG"):
        await client.request_run("d", {"answer": {"error": "No DAG 'd' is known."}})


async def test_notices_are_replayed_and_then_heard_live_over_a_crash(
    server: Server, client: Client, leader: NatsBus
) -> None:
    await notify(leader, 0)
    notices = client.notices(after=0)
    heard = [(await anext(notices))["id"]]
    for number in range(1, 60):
        await notify(leader, number)
        if number % 10 == 0:
            heard += [(await anext(notices))["id"] for _ in range(10)]
        if number == 30:
            await crash_after_the_flush(server, leader)
    heard += [(await anext(notices))["id"] for _ in range(9)]
    assert heard == [f"nightly-{number}" for number in range(60)]


async def crash_after_the_flush(server: Server, leader: NatsBus) -> None:
    back = asyncio.Event()
    leader.on_reconnect(back.set)
    # NOTICES is written asynchronously: a crash right after an ack may cost its last message.
    await asyncio.sleep(0.3)
    os.kill(server.pid, signal.SIGKILL)
    await back.wait()


async def test_notices_can_be_asked_for_by_pattern_place_and_moment(
    client: Client, leader: NatsBus
) -> None:
    assert await client.position() == 0
    await notify(leader, 1)
    await notify(leader, 2, "hourly")
    moment = datetime.now(UTC)
    assert [one async for one in client.notices(after=moment, live=False)] == []
    place = await client.position()
    await notify(leader, 3)

    async def ids(**how: object) -> list[str]:
        return [one["id"] async for one in client.notices(live=False, **how)]  # type: ignore[arg-type]

    assert await ids(after=0) == ["nightly-1", "hourly-2", "nightly-3"]
    assert await ids(after=0, pattern="event.run.hourly.*") == ["hourly-2"]
    assert await ids(after=place) == ["nightly-3"]
    assert await ids(after=moment) == ["nightly-3"]
    assert await ids() == []
    assert [one.position async for one in client.notices(after=0, live=False)] == [1, 2, 3]


async def test_without_a_place_only_what_comes_is_heard(client: Client, leader: NatsBus) -> None:
    await notify(leader, 1)
    notices = client.notices()
    waiting = asyncio.ensure_future(anext(notices))
    await asyncio.sleep(0.05)  # it has looked where the end is
    await notify(leader, 2)
    assert (await waiting)["id"] == "nightly-2"


async def test_a_burst_is_heard_whole_and_in_order(client: Client, leader: NatsBus) -> None:
    notices = client.notices(after=0)
    for number in range(2000):
        event = {"id": str(number)}
        await leader.store(
            SUBJECTS.task_event("d", "t", "success"), msgspec.json.encode(event), wait=False
        )
        if number % 50 == 0:
            await asyncio.sleep(0)
    assert [int((await anext(notices))["id"]) for _ in range(2000)] == list(range(2000))


async def test_a_publisher_that_wants_notices_is_told_it_may_not(server: Server) -> None:
    added = add_user(server.home, "shipping", "publisher")
    async with Client.connect(added.url, nkey_seed=added.nkey_seed) as client:
        with pytest.raises(PenstockError, match="no access"):
            await anext(client.notices(after=0))


def test_a_moment_without_a_time_zone_is_refused() -> None:
    from penstock.events.client import _rfc3339

    with pytest.raises(ValueError, match="time zone"):
        _rfc3339(datetime(2026, 1, 1))


def test_the_client_needs_nothing_of_penstocks_base_install_but_nats_and_msgspec() -> None:
    code = (
        "import sys; from penstock.events import Client;"
        "found = {name.partition('.')[0] for name in sys.modules};"
        "print(found & {'anyio', 'aiosqlite', 'click', 'rich', 'jinja2', 'pendulum', 'uvloop'})"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
