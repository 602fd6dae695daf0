"""Who has access is kept in the state folder, whether a server runs or not."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from penstock.errors import UsageError
from penstock.events.access import add_user, read_users, remove_user
from penstock.events.nats_connection import NatsConnection
from penstock.events.server import Server
from penstock.events.server_config import SPARE


def test_a_service_is_added_listed_and_removed(tmp_path: Path) -> None:
    added = add_user(tmp_path, "billing", "both")
    assert added.nkey_seed.startswith("SU")
    assert added.url == ""  # no server has run here yet
    add_user(tmp_path, "shipping", "subscriber")
    assert [(user.name, user.role) for user in read_users(tmp_path)] == [
        ("billing", "both"),
        ("shipping", "subscriber"),
    ]
    remove_user(tmp_path, "billing")
    assert [user.name for user in read_users(tmp_path)] == ["shipping"]


def test_the_folder_keeps_no_seed(tmp_path: Path) -> None:
    added = add_user(tmp_path, "billing", "both")
    kept = tmp_path / "access.json"
    assert added.nkey_seed not in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_name_is_given_once(tmp_path: Path) -> None:
    add_user(tmp_path, "billing", "both")
    with pytest.raises(UsageError, match="has access already"):
        add_user(tmp_path, "billing", "publisher")


@pytest.mark.parametrize("name", ["", "a b", "a.b", "-a", "x" * 65, "a}\n", 'a"'])
def test_a_name_that_could_upset_the_servers_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no name for a service"):
        add_user(tmp_path, name, "both")


def test_an_unknown_role_or_service_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="publisher, subscriber, both"):
        add_user(tmp_path, "billing", "boss")  # type: ignore[arg-type]
    add_user(tmp_path, "billing", "both")
    with pytest.raises(UsageError, match="known: billing"):
        remove_user(tmp_path, "shipping")


async def test_who_was_added_before_the_start_is_let_in(tmp_path: Path) -> None:
    added = add_user(tmp_path, "billing", "subscriber")
    async with Server(tmp_path) as server:
        await (await NatsConnection.open(server.url, seed=added.nkey_seed)).close()


async def test_who_was_added_while_it_runs_is_let_in_when_the_call_returns(server: Server) -> None:
    for number in range(2 * SPARE):  # more than it has accounts for: it restarts in between
        added = await asyncio.to_thread(add_user, server.home, f"service{number}", "both")
        assert added.url == server.url
        service = await NatsConnection.open(added.url, seed=added.nkey_seed, timeout=1.0)
        answer = await service.call("$JS.API.DIRECT.GET.NOTICES", b'{"seq": 1}')
        assert answer.headers == {"Status": "404", "Description": "Message Not Found"}
        await service.close()
