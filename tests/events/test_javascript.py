"""The example of another service in JavaScript, against the real server; the leader is played."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from penstock.events.access import add_user
from penstock.events.nats_bus import NatsBus
from penstock.events.server import Server
from penstock.events.subjects import Subjects

EXAMPLES = Path(__file__).parents[2] / "examples"
SUBJECTS = Subjects()
pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(
        shutil.which("node") is None or not (EXAMPLES / "node_modules").exists(),
        reason="needs Node.js and `npm install` in examples/",
    ),
]


async def notify(leader: NatsBus, trigger: dict[str, object], number: int, state: str) -> None:
    notice = {
        "id": f"{trigger['runid']}/{state}",
        "type": f"penstock.run.{state}",
        "specversion": "1.0",
        "source": "penstock",
        "sequence": number,
        "data": {"dag_id": "a.b", "run_id": trigger["runid"], "state": state},
    }
    await leader.store(SUBJECTS.run_event("a.b", state), json.dumps(notice).encode())


@pytest.mark.parametrize(("end", "code"), [("success", 0), ("failed", 1)])
async def test_it_triggers_a_run_and_hears_it_to_its_end(
    server: Server, leader: NatsBus, end: str, code: int
) -> None:
    added = add_user(server.home, "javascript", "both")
    process = await asyncio.create_subprocess_exec(
        "node",
        str(EXAMPLES / "other_service.mjs"),
        "a.b",
        '{"rows": 3}',
        env={**os.environ, "PENSTOCK_NATS": added.url, "PENSTOCK_NKEY_SEED": added.nkey_seed},
        stdout=asyncio.subprocess.PIPE,
    )
    pulled = await anext(leader.pull("TRIGGERS", "leader"))
    await pulled.ack()
    trigger = json.loads(pulled.stored.payload)
    assert pulled.stored.subject == SUBJECTS.trigger("a.b")
    assert trigger["data"] == {"rows": 3}
    await notify(leader, {"runid": "somebody else's"}, 1, end)
    for number, state in (1, "queued"), (2, "running"), (2, "running"), (3, end):
        await notify(leader, trigger, number, state)
    said, _ = await process.communicate()
    assert process.returncode == code
    assert [json.loads(line)["data"]["state"] for line in said.splitlines()] == [
        "queued",
        "running",
        end,
    ]


async def test_what_it_missed_while_nats_was_away_comes_in_its_place(
    server: Server, leader: NatsBus
) -> None:
    added = add_user(server.home, "javascript", "both")
    process = await asyncio.create_subprocess_exec(
        "node",
        str(EXAMPLES / "other_service.mjs"),
        "a.b",
        env={**os.environ, "PENSTOCK_NATS": added.url, "PENSTOCK_NKEY_SEED": added.nkey_seed},
        stdout=asyncio.subprocess.PIPE,
    )
    pulled = await anext(leader.pull("TRIGGERS", "leader"))
    trigger = json.loads(pulled.stored.payload)
    await notify(leader, trigger, 1, "queued")
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline())["sequence"] == 1
    back = asyncio.Event()
    leader.on_reconnect(back.set)
    async with server.paused():
        pass
    await back.wait()  # sooner than the service, which tries every 250 ms
    await notify(leader, trigger, 2, "running")
    await notify(leader, trigger, 3, "success")
    said, _ = await process.communicate()
    assert process.returncode == 0
    assert [json.loads(line)["sequence"] for line in said.splitlines()] == [2, 3]
