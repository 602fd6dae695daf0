"""Whatever comes in, a request is read or refused with a reason, and the coordinator goes on."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.coordinator.intake import (
    MalformedTriggerError,
    TriggerRefusedError,
    check_run_id,
    read_request,
    write_conf,
)
from penstock.coordinator.triggers import Triggers
from penstock.events.bus import BusError, FencedError, Message, Pulled, Stored
from penstock.events.client import Client

from .conftest import Daemon

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("specversion", "id", "source", "type", "data", "data_base64", "runid", "logicaldate")
EVENTS = st.fixed_dictionaries(
    {"specversion": st.just("1.0") | JSON},
    optional={name: st.text() | JSON for name in NAMES if name != "specversion"},
)
HEADERS = st.dictionaries(
    st.sampled_from([f"ce-{name}" for name in NAMES] + ["Nats-Msg-Id", "CE-ID"]), st.text()
)


def read(payload: bytes, headers: dict[str, str] | None = None) -> str:
    """Read it as the coordinator does, up to what it would append; return the reason why not."""
    try:
        request = read_request("d", Message("penstock.trigger.d", payload, "", headers), "fallback")
        check_run_id(str(request.run_id))
        assert msgspec.json.decode(write_conf(request.conf)) == request.conf
    except (MalformedTriggerError, TriggerRefusedError) as error:
        return str(error)
    return ""


@given(payload=st.binary(), headers=st.none() | HEADERS)
def test_any_bytes_are_read_or_refused(payload: bytes, headers: dict[str, str] | None) -> None:
    read(payload, headers)


@given(event=EVENTS | JSON, headers=st.none() | HEADERS)
def test_any_event_is_read_or_refused(event: Any, headers: dict[str, str] | None) -> None:
    try:
        payload = msgspec.json.encode(event)
    except OverflowError:
        return
    read(payload, headers)


NASTY = {
    "nested": b"[" * 100_000,
    "nested objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "huge number": b'{"x": 1' + b"0" * 400 + b"}",
    "number over 64 bits": b'{"x": 123456789012345678901234567890}',
    "lone surrogate": b'{"x": "\\ud800"}',
    "bad UTF-8": b'{"x": "\xff\xfe"}',
    "zero bytes": b"\0" * 1000,
    "date before the first year": b'{"specversion":"1.0","id":"1","source":"s",'
    b'"logicaldate":"0001-01-01T00:00:00+23:59"}',
    "date after the last": b'{"specversion":"1.0","id":"1","source":"s",'
    b'"logicaldate":"9999-12-31T23:59:59-23:59"}',
}


@pytest.mark.parametrize("case", NASTY)
def test_what_is_nasty_is_read_or_refused(case: str) -> None:
    read(NASTY[case])


async def test_a_daemon_takes_it_all_and_goes_on(daemon: Daemon, client: Client, wire: Any) -> None:
    def coordinator() -> int:
        found = daemon.document("status")["processes"]
        return next(int(one["pid"]) for one in found if one["role"] == "coordinator")

    before = await asyncio.to_thread(coordinator)
    for payload in NASTY.values():
        await wire.request("penstock.trigger.quick", payload, timeout=10)
        answer = await wire.request("penstock.rpc.trigger.quick", payload, timeout=10)
        assert b'"error"' in answer.data or b'"run_id"' in answer.data
    assert (await client.request_run("quick"))["dag_id"] == "quick"
    assert await asyncio.to_thread(coordinator) == before


# ---------------------------------------------------------------- when the trouble is ours


class Coordinator(SimpleNamespace):
    """As much of one as a request meets. error: what carrying it out raises."""

    def __init__(self, error: Exception | None, *, buries: bool = True) -> None:
        self.buried: list[str] = []
        super().__init__(error=error, buries=buries, hearing=self)

    async def bury(self, kind: str, message: Message, reason: str) -> bool:
        self.buried.append(reason)
        return bool(self.buries)


async def taken(coordinator: Coordinator) -> bool:
    """Take a request; say if it was acked."""
    acks = []

    async def ack() -> None:
        acks.append(1)

    class Played(Triggers):
        async def carry_out(self, request: Any) -> tuple[str, str]:
            if coordinator.error:
                raise coordinator.error
            return "d/r", "queued"

    triggers = Played(coordinator)  # type: ignore[arg-type]
    await triggers.take(Pulled(Stored(1, "penstock.trigger.d", b"{}"), None, ack))
    return bool(acks)


async def test_a_request_is_acked_once_it_is_a_fact_or_a_dead_letter() -> None:
    assert await taken(Coordinator(None))
    refused = Coordinator(TriggerRefusedError("no"))
    assert await taken(refused)
    assert refused.buried == ["no"]
    assert not await taken(Coordinator(TriggerRefusedError("no"), buries=False))


@pytest.mark.parametrize("error", [FencedError("another leads"), BusError("away")])
async def test_a_request_comes_again_when_it_could_not_be_dealt_with(error: Exception) -> None:
    coordinator = Coordinator(error)
    assert not await taken(coordinator)
    assert coordinator.buried == []


async def test_a_bug_of_ours_buries_the_request_and_nothing_else() -> None:
    coordinator = Coordinator(ZeroDivisionError("division by zero"))
    assert await taken(coordinator)
    assert coordinator.buried == ["a bug of Penstock's own: ZeroDivisionError: division by zero"]
