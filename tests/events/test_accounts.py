"""Nobody but a coordinator writes the log, and no service speaks for another.

Each test is an attack by somebody with a valid key. What is stored is counted before and after, and
the attacker's own later message, which does arrive, shows that the attack had its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest

from penstock.events.access import add_user, remove_user
from penstock.events.bus import BusError, Message, UnknownSubjectError
from penstock.events.nats_bus import NatsBus
from penstock.events.nats_connection import NatsConnection
from penstock.events.server import Server
from penstock.events.server_config import Role
from penstock.events.subjects import Subjects

SUBJECTS = Subjects()
Connect = Callable[[Role], Awaitable[NatsConnection]]


@pytest.fixture
async def outside(server: Server) -> AsyncIterator[Connect]:
    """Connects a new outside service of that role."""
    made: list[NatsConnection] = []

    async def connect(role: Role) -> NatsConnection:
        added = add_user(server.home, f"{role}{len(made)}", role)
        made.append(await NatsConnection.open(added.url, seed=added.nkey_seed))
        return made[-1]

    yield connect
    for connection in made:
        await connection.close()


@pytest.fixture
async def worker(server: Server) -> AsyncIterator[NatsConnection]:
    connection = await NatsConnection.open(server.url, seed=server.credentials.worker)
    yield connection
    await connection.close()


async def stored(leader: NatsBus, stream: str) -> int:
    found = await leader.connection.api(f"STREAM.INFO.{stream}")
    return int(found["state"]["last_seq"])


async def heard(bus: NatsBus, subject: str) -> asyncio.Queue[Message]:
    words: asyncio.Queue[Message] = asyncio.Queue()
    await bus.subscribe(subject, words.put_nowait)
    await bus.connection.flush()
    return words


FORGED = b'{"forged": true}'
PUSH_INTO_THE_LOG = msgspec.json.encode(
    {
        "stream_name": "NOTICES",
        "config": {"deliver_subject": SUBJECTS.log_facts, "ack_policy": "none"},
    }
)
GET_FIRST = b'{"seq": 1}'
ATTACKS = [
    (SUBJECTS.log_facts, FORGED, ""),
    (SUBJECTS.log_leader, FORGED, ""),
    ("$JS.API.STREAM.DELETE.LOG", b"", "_INBOX.x"),
    ("$JS.API.STREAM.PURGE.LOG", b"", "_INBOX.x"),
    ("$JS.API.CONSUMER.CREATE.NOTICES", PUSH_INTO_THE_LOG, "_INBOX.x"),
    ("$JS.API.DIRECT.GET.NOTICES", GET_FIRST, SUBJECTS.log_facts),
    ("$JS.API.DIRECT.GET.BLOBS", GET_FIRST, SUBJECTS.log_facts),
    (SUBJECTS.ask, FORGED, SUBJECTS.log_facts),
    (SUBJECTS.rpc_trigger("d"), FORGED, SUBJECTS.log_facts),
    (SUBJECTS.trigger("d"), FORGED, SUBJECTS.log_facts),
    (SUBJECTS.up("w"), FORGED, SUBJECTS.log_facts),
    (SUBJECTS.blob("0" * 64, 0), FORGED, SUBJECTS.log_facts),
]


async def fill(leader: NatsBus) -> None:
    """Something to be misdirected in each stream that outsiders may read, and one who answers."""
    await leader.append(b"leader", after=0, fence=0, lead=True)
    await leader.store(SUBJECTS.run_event("d", "queued"), b"{}")
    await leader.store(SUBJECTS.blob("1" * 64, 0), b"blob")
    answers: set[asyncio.Task[None]] = set()

    def answer(message: Message) -> None:
        if message.reply:
            answers.add(asyncio.ensure_future(leader.publish(message.reply, b"answer")))

    for subject in (SUBJECTS.ask, SUBJECTS.rpc_triggers, SUBJECTS.all_up):
        await leader.subscribe(subject, answer)
    await leader.connection.flush()


async def attack(attacker: NatsConnection, leader: NatsBus) -> None:
    await fill(leader)
    for subject, payload, reply in ATTACKS:
        await attacker.publish(subject, payload, reply=reply)
        trace = {"Nats-Trace-Dest": SUBJECTS.log_facts}
        await attacker.publish(subject, payload, reply=reply, headers=trace)
    await attacker.flush()
    for _ in range(5):  # every answer that the server or the leader gave has gone its way
        await leader.connection.flush()
        await leader.last()
    assert (await stored(leader, "LOG"), await stored(leader, "NOTICES")) == (1, 1)


async def test_a_worker_cannot_write_the_log(worker: NatsConnection, leader: NatsBus) -> None:
    await attack(worker, leader)


@pytest.mark.parametrize("role", ["publisher", "subscriber", "both", "admin"])
async def test_no_outside_service_can_write_the_log(
    outside: Connect, leader: NatsBus, role: Role
) -> None:
    await attack(await outside(role), leader)


async def test_a_workers_words_and_logs_and_questions_arrive(
    worker: NatsConnection, leader: NatsBus
) -> None:
    await fill(leader)
    words = await heard(leader, SUBJECTS.all_up)
    await worker.publish(SUBJECTS.up("w"), b"hello")
    assert (await words.get()).payload == b"hello"
    assert (await worker.call(SUBJECTS.ask, b"?")).data == b"answer"
    ack = await worker.call("penstock.work.logs.d.r.t.-1.1", b"line")
    assert msgspec.json.decode(ack.data)["seq"] == 1
    got: asyncio.Queue[Message] = asyncio.Queue()
    await worker.subscribe(SUBJECTS.down("w"), got.put_nowait)
    await worker.flush()
    await leader.publish(SUBJECTS.down("w"), b"work")
    assert (await got.get()).payload == b"work"


async def test_the_answer_to_a_workers_word_cannot_be_aimed(
    worker: NatsConnection, leader: NatsBus
) -> None:
    words = await heard(leader, SUBJECTS.all_up)
    await worker.publish(SUBJECTS.up("w"), b"hello", reply=SUBJECTS.log_facts)
    assert (await words.get()).reply == ""


async def test_a_publisher_triggers_and_is_acked_but_hears_nothing(
    outside: Connect, leader: NatsBus
) -> None:
    service = await outside("publisher")
    await fill(leader)
    ack = await service.call(SUBJECTS.trigger("d.é%"), b"{}")
    assert msgspec.json.decode(ack.data) == {"stream": "TRIGGERS", "seq": 1}
    assert (await service.call(SUBJECTS.rpc_trigger("d"), b"{}")).data == b"answer"
    words: list[Message] = []
    await service.subscribe(SUBJECTS.events, words.append)
    await service.flush()
    await leader.store(SUBJECTS.run_event("d", "success"), b"{}")
    assert (await service.call(SUBJECTS.rpc_trigger("d"), b"{}")).data == b"answer"
    assert words == []
    with pytest.raises(UnknownSubjectError):
        await service.call("$JS.API.DIRECT.GET.NOTICES", GET_FIRST)


async def test_a_subscriber_hears_and_replays_but_triggers_nothing(
    outside: Connect, leader: NatsBus
) -> None:
    service = await outside("subscriber")
    await fill(leader)
    words: asyncio.Queue[Message] = asyncio.Queue()
    await service.subscribe(SUBJECTS.events, words.put_nowait)
    await service.flush()
    await leader.store(SUBJECTS.run_event("d", "success"), b"{}")
    assert (await words.get()).subject == SUBJECTS.run_event("d", "success")
    assert (await service.call("$JS.API.DIRECT.GET.NOTICES", GET_FIRST)).data == b"{}"
    for subject in (SUBJECTS.trigger("d"), SUBJECTS.rpc_trigger("d"), SUBJECTS.api("cancel")):
        with pytest.raises(UnknownSubjectError):
            await service.call(subject, b"{}")
    # The answer to what it may ask does not become a trigger either.
    await service.publish("$JS.API.DIRECT.GET.NOTICES", GET_FIRST, reply=SUBJECTS.trigger("d"))
    await service.call("$JS.API.DIRECT.GET.NOTICES", GET_FIRST)
    assert await stored(leader, "TRIGGERS") == 0


async def test_one_service_cannot_forge_what_another_hears(
    outside: Connect, leader: NatsBus
) -> None:
    forger, listener = await outside("both"), await outside("both")
    words: asyncio.Queue[Message] = asyncio.Queue()
    await listener.subscribe(SUBJECTS.events, words.put_nowait)
    await listener.flush()
    await forger.publish(SUBJECTS.run_event("d", "success"), FORGED)
    await forger.flush()
    await leader.store(SUBJECTS.run_event("d", "success"), b"true")
    assert (await words.get()).payload == b"true"


async def test_only_the_admin_reaches_the_api(outside: Connect, leader: NatsBus) -> None:
    words = await heard(leader, SUBJECTS.all_api)
    service, admin = await outside("both"), await outside("admin")
    with pytest.raises(UnknownSubjectError):
        await service.call(SUBJECTS.api("cancel"), b"{}")
    await admin.publish(SUBJECTS.api("cancel"), b"{}")
    assert (await words.get()).subject == SUBJECTS.api("cancel")


async def test_a_strange_key_is_not_let_in(server: Server, outside: Connect) -> None:
    for seed in (None, "SUAPNCXYIRI47FFUVJGMV2H3SQCXZJFAEPUTF22J5B74JHCTT66UHP2SJE"):
        with pytest.raises(BusError, match="let us in"):
            await NatsConnection.open(server.url, seed=seed, timeout=0.3)


async def test_a_service_that_is_removed_is_shut_out_and_nobody_else(
    server: Server, leader: NatsBus
) -> None:
    added = add_user(server.home, "billing", "both")
    service = await NatsConnection.open(added.url, seed=added.nkey_seed)
    other = add_user(server.home, "shipping", "both")
    lost = asyncio.Event()
    service.on_lost(lost.set)
    remove_user(server.home, "billing")
    await lost.wait()
    await service.close()
    with pytest.raises(BusError, match="let us in"):
        await NatsConnection.open(added.url, seed=added.nkey_seed, timeout=0.3)
    await (await NatsConnection.open(other.url, seed=other.nkey_seed)).close()
    assert leader.connection.generation == 0
