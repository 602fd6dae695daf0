"""Requests for runs that cannot be: each is refused with a sentence, and the next one is taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.events.nats_bus import NatsBus
from tests.cli.shell import Shell

from .daemon import Daemon, daemon

PARAMS = """
    from penstock import DAG, Param, task
    with DAG("asks", schedule=None, params={
        "n": Param(1, type="integer", maximum=9),
        "day": Param("2026-01-01", type="string", format="date"),
    }):
        @task
        def it(params=None):
            return params["n"]
        it()
    with DAG("d.o.t", schedule=None):
        @task(task_id="t." + "x" * 248)
        def dots():
            print("said by a task with a long name")
        dots()
    with DAG("\\u6570" * 250, schedule=None):
        @task(task_id="\\u6570" * 250)
        def wide():
            print("said by a task in another script")
        wide()
"""
LONG = "\u6570" * 250


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    shell = Shell(tmp_path_factory.mktemp("requests"))
    shell.write("dags/asks.py", PARAMS)
    with daemon(shell) as up:
        up.until_known("asks", "d.o.t", LONG)
        yield up


@pytest.mark.parametrize(
    ("conf", "sentence"),
    [
        (b"{", "is no JSON"),
        (b"[1]", "has to be a JSON object"),
        (b"\xff\xfe", "the file cannot be read: it is no text"),
        (b'{"n": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"n": "\\ud800"}', "has half a character, '\\ud800'"),
        (b'{"n": NaN}', "NaN is no JSON"),
        (b'{"n": ' + b"9" * 5000 + b"}", "is no JSON"),
        (b'{"n": 10}', "10 is greater than the maximum of 9"),
        (b'{"n": "x"}', "'x' is not of type 'integer'"),
        (b'{"n": null}', "None is not of type 'integer'"),
        (b'{"day": "2026-02-30"}', "'2026-02-30' is not a 'date'"),
    ],
)
def test_conf_that_cannot_be_is_refused(up: Daemon, conf: bytes, sentence: str) -> None:
    (up.shell.folder / "conf.json").write_bytes(conf)
    done = up("trigger", "asks", "--conf", "@conf.json")
    assert done.code == 2, done.err
    assert sentence in done.err
    assert done.out == ""


def test_conf_that_is_too_large_for_a_message_is_said_so(up: Daemon) -> None:
    (up.shell.folder / "conf.json").write_text(json.dumps({"n": 1, "x": "y" * 20_000_000}))
    done = up("trigger", "asks", "--conf", "@conf.json")
    assert done.code == 1
    assert "more than the server takes in one message" in done.err
    up.goes_on()


@pytest.mark.parametrize("run_id", ["a/b c", "a b", "/", "..", "x" * 250, "\u2603 *>.", "~", "%20"])
def test_a_run_id_with_anything_printable_is_found_again(up: Daemon, run_id: str) -> None:
    done = up("trigger", "d.o.t", "--run-id", run_id, "--wait", "--json")
    assert done.code == 0, done.err
    for run in (run_id, f"d.o.t/{run_id}"):
        assert up("runs", "show", run, "--json").document["run_id"] == run_id
        assert up("explain", run).code == 0
        assert up("explain", run, "t." + "x" * 248).code == 0
        assert up("story", run).code == 0
        assert "said by a task with a long name" in up("logs", run, "t." + "x" * 248).out


@pytest.mark.parametrize("run_id", ["", "a\nb", "\x1b[31m", "x" * 251])
def test_a_run_id_that_cannot_be_typed_is_refused(up: Daemon, run_id: str) -> None:
    done = up("trigger", "d.o.t", "--run-id", run_id)
    assert done.code == 2, done.out + done.err
    assert "cannot be a run's id: it has to have 1 to 250 characters" in done.err


def test_ids_of_250_letters_of_another_script_run_and_are_heard(up: Daemon) -> None:
    done = up("trigger", LONG, "--run-id", LONG, "--wait", "--json")
    assert done.code == 0, done.err
    assert "said by a task in another script" in up("logs", LONG, LONG).out
    up.goes_on()


def test_an_id_that_is_taken_is_refused(up: Daemon) -> None:
    assert up("trigger", "asks", "--run-id", "once").code == 0
    again = up("trigger", "asks", "--run-id", "once")
    assert again.code == 2
    assert "DAG 'asks' has a run 'once' already" in again.err


async def as_coordinator(up: Daemon, *requests: tuple[str, bytes]) -> list[Any]:
    """Make requests at one moment; return the answers."""
    keys = json.loads((up.home / "credentials.json").read_text())
    bus = await NatsBus.connect(keys["url"], seed=keys["coordinator"], name="test")
    try:
        asked = [bus.request(subject, payload, timeout=20) for subject, payload in requests]
        return [json.loads(answer) for answer in await asyncio.gather(*asked)]
    finally:
        await bus.close()


async def test_of_two_that_ask_for_one_id_at_once_one_is_refused(up: Daemon) -> None:
    request = json.dumps({"dag_id": "asks", "run_id": "twice"}).encode()
    answers = await as_coordinator(up, *[("penstock.api.trigger", request)] * 8)
    assert sum("ok" in answer for answer in answers) == 1
    refused = [answer["error"] for answer in answers if "error" in answer]
    assert all("has a run 'twice' already" in error for error in refused)
    runs = up("runs", "list", "asks", "--json").document
    assert sum(run["run_id"] == "twice" for run in runs) == 1


POISON = [
    (b"[" * 100_000, "nested too deeply"),
    (b'{"n": "\xff"}', "it is no JSON"),
    (b"no json", "it is no JSON"),
    (b'"text"', "the conf must be a JSON object, not a string"),
    (b'{"specversion": "1.0"}', "a CloudEvent needs an `id` and a `source`"),
    (b'{"specversion": "1.0", "id": "1", "source": "s", "logicaldate": "soon"}', "is no date"),
    (b'{"specversion": "1.0", "id": "1", "source": "s", "runid": "a\\nb"}', "cannot be a run's id"),
    (b'{"n": 10}', "10 is greater than the maximum of 9"),
]


async def test_requests_that_nobody_can_read_are_answered(up: Daemon) -> None:
    asked = [("penstock.rpc.trigger.asks", payload) for payload, _ in POISON]
    answers = await as_coordinator(up, *asked, ("penstock.rpc.trigger.nope", b"{}"))
    for (_, sentence), answer in zip(POISON, answers, strict=False):
        assert sentence in answer["error"]
    assert "there is no DAG 'nope'" in answers[-1]["error"]
    up.goes_on()


async def test_published_requests_that_nobody_can_read_become_dead_letters(up: Daemon) -> None:
    before = coordinator_of(up)
    keys = json.loads((up.home / "credentials.json").read_text())
    bus = await NatsBus.connect(keys["url"], seed=keys["coordinator"], name="test")
    reasons = []
    try:
        for payload, _ in POISON:
            await bus.store("penstock.trigger.asks", payload)
        async for stored in bus.replay("DEAD", "penstock.dead.>", live=True):
            reasons.append(json.loads(stored.payload)["reason"])
            if len(reasons) == len(POISON):
                break
    finally:
        await bus.close()
    for _, sentence in POISON:
        assert any(sentence in reason for reason in reasons)
    up.goes_on()
    assert coordinator_of(up) == before


def coordinator_of(up: Daemon) -> int:
    found = up("status", "--json").document["processes"]
    return next(one["pid"] for one in found if one["role"] == "coordinator")


def test_the_dag_of_a_schema_that_is_none_is_said_so(up: Daemon, tmp_path: Path) -> None:
    up.shell.write(
        "dags/schema.py",
        """
        from penstock import DAG, Param, task
        with DAG("schema", schedule=None, params={"n": Param("x", pattern="(")}):
            @task
            def it():
                pass
            it()
        """,
    )

    def outcome() -> str:
        errors = [one["error"] for one in up("dags", "errors", "--json").document]
        return errors[0] if errors else up("trigger", "schema").err.replace("no DAG 'schema'", "")

    assert up.until(lambda: "pattern" in (said := outcome()) and said)
    up.goes_on()
