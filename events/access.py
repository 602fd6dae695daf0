"""Who else may talk to this Penstock: outside services, by name, each with a key and a role.

The state folder keeps their public keys (access.json); a service's seed is shown once, when it is
added. The running server reads its file again on SIGHUP; nobody is disconnected but who was
removed (unless the spare accounts are used up: then it restarts, and all reconnect by themselves).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from penstock.errors import UsageError
from penstock.events.keys import new_key, sign
from penstock.events.lock import holder
from penstock.events.replacing import replace_file
from penstock.events.server_config import EdgeUser, Role, ServerSettings, free_slot, render

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Added(Struct, kw_only=True):
    """What a new service needs to connect. url: "" while no server has run in this folder."""

    url: str
    nkey_seed: str


def add_user(home: Path | str, name: str, role: Role) -> Added:
    """Let a service in: keep its new public key, tell the running server, return the seed once.

    Returns when the server accepts it; blocks for up to 5 s, so call it in a thread of its own
    where the server's supervisor runs in the same process.
    Raises UsageError for a name that is taken or malformed, or a role that is none.
    """
    home = Path(home)
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a service: letters, digits, `_` and `-`, up to 64 of them."
        )
    if role not in get_args(Role):
        raise UsageError(f"{role!r} is no role: choose one of {', '.join(get_args(Role))}.")
    pair = new_key()
    with _alone(home):
        users = read_users(home)
        if any(user.name == name for user in users):
            raise UsageError(
                f"{name!r} has access already. Remove it first: penstock access remove {name}"
            )
        user = EdgeUser(name=name, role=role, key=pair.public, slot=free_slot(users, role))
        running = _keep(home, [*users, user])
    added = Added(url=_url(home), nkey_seed=pair.seed)
    if running and not _let_in(added, patience=5.0):
        raise UsageError(
            f"{name!r} was added, but the running server does not accept it yet: see "
            f"{home / 'nats' / 'nats.log'}. It will after a restart."
        )
    return added


def remove_user(home: Path | str, name: str) -> None:
    """Shut a service out, at once where the server runs. Raises UsageError if there is none."""
    home = Path(home)
    with _alone(home):
        users = read_users(home)
        left = [user for user in users if user.name != name]
        if len(left) == len(users):
            known = ", ".join(user.name for user in users) or "none"
            raise UsageError(f"No service {name!r} has access (known: {known}).")
        _keep(home, left)


def read_users(home: Path | str) -> list[EdgeUser]:
    """Return the services that have access, in the order in which they were added."""
    try:
        text = (Path(home) / "access.json").read_bytes()
    except FileNotFoundError:
        return []
    return msgspec.json.decode(text, type=list[EdgeUser])


def write_config(folder: Path, settings: ServerSettings, users: Sequence[EdgeUser]) -> None:
    """Write nats.conf, and beside it what it was made of, for `reload` in another process."""
    replace_file(folder / "settings.json", msgspec.json.encode(settings))
    replace_file(folder / "nats.conf", render(settings, folder, users).encode())


def reload(home: Path | str) -> bool:
    """Have the running server take the users as they are now; False if none runs.

    Where it has too few accounts for them it is ended, for its supervision to start it anew.
    """
    home = Path(home)
    folder = home / "nats"
    if holder(home) is None:
        return False
    try:
        settings = msgspec.json.decode((folder / "settings.json").read_bytes(), type=ServerSettings)
        pid = int((folder / "nats.pid").read_text())
        users = read_users(home)
        if settings.has_room(users):
            write_config(folder, settings, users)
            os.kill(pid, signal.SIGHUP)
        else:
            os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return False  # between two starts: the next one reads the users anyway
    return True


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two commands at once must not each write the list without the other's service."""
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "access.lock", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _keep(home: Path, users: Sequence[EdgeUser]) -> bool:
    replace_file(home / "access.json", msgspec.json.encode(users))
    return reload(home)


def _url(home: Path) -> str:
    try:
        found = msgspec.json.decode((home / "credentials.json").read_bytes())
    except FileNotFoundError:
        return ""
    return str(found["url"])


def _let_in(added: Added, *, patience: float) -> bool:
    """Try the new key until the server takes it; a reload gives no other sign of its end."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            if _accepts(added):
                return True
        except (OSError, msgspec.DecodeError):
            pass  # between two starts, or just ending
        time.sleep(0.01)
    return False


def _accepts(added: Added) -> bool:
    """Shake hands as a client would: INFO with a nonce, CONNECT with its signature, PING, PONG."""
    place = urlsplit(added.url)
    with (
        socket.create_connection((place.hostname, place.port), timeout=2.0) as wire,
        wire.makefile("rb") as said,
    ):
        info = msgspec.json.decode(said.readline().removeprefix(b"INFO "))
        public, signature = sign(added.nkey_seed, info["nonce"].encode())
        hello = {"verbose": False, "pedantic": False, "lang": "python", "version": "0"}
        hello |= {"nkey": public, "sig": signature, "protocol": 1}
        wire.sendall(b"CONNECT " + msgspec.json.encode(hello) + b"\r\nPING\r\n")
        return said.readline().startswith(b"PONG")
