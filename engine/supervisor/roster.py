"""Who runs here: the supervisor writes down its processes, anybody may read how they are.

The file (processes.json) says who was started; whether they live, since when, and how much memory
they have, is asked of the system at the moment of reading. A pid is believed only if its process
started when the roster says: the system uses pids again.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from penstock.errors import PenstockError
from penstock.events.replacing import replace_file


class RosterError(PenstockError):
    """The list of processes cannot be read."""


class Listed(Struct, kw_only=True):
    """A process that the supervisor started. started_at: UTC microseconds. mark: see `mark_of`."""

    role: str
    pid: int
    started_at: int
    state: str = "running"
    restarts: int = 0
    mark: str = ""


class Process(Struct, kw_only=True):
    """A process now. state: as listed, or `dead`. uptime_s: seconds."""

    role: str
    pid: int
    state: str
    rss_bytes: int
    uptime_s: float
    restarts: int = 0


class _Seen(NamedTuple):
    """One row of the system's table of processes."""

    parent: int
    mark: str
    rss_bytes: int


def write_roster(path: Path, listed: Iterable[Listed]) -> None:
    """Replace the roster, whole or not at all."""
    replace_file(path, msgspec.json.encode(list(listed)))


def read_roster(path: Path) -> list[Listed]:
    """Return what the supervisor wrote last, nothing if it never did. RosterError: it is torn."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Listed])
    except FileNotFoundError:
        return []
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RosterError(
            f"{path}: this file is damaged ({error}), so nobody can say which processes there "
            "are. Stop Penstock (SIGTERM to its supervisor) and start it again."
        ) from error


def processes(path: Path) -> list[Process]:
    """Return every process of the roster as it is now, and what the workers have started."""
    listed = read_roster(path)
    table = _table()
    found: list[Process] = []
    now = time.time_ns() // 1000
    for one in listed:
        seen = table.get(one.pid)
        lives = seen is not None and (not one.mark or seen.mark == one.mark)
        found.append(
            Process(
                role=one.role,
                pid=one.pid,
                state=one.state if lives else "dead",
                rss_bytes=seen.rss_bytes if seen and lives else 0,
                uptime_s=round((now - one.started_at) / 1e6, 3) if lives else 0.0,
                restarts=one.restarts,
            )
        )
        if lives and one.role == "worker":
            found += _descendants(table, one.pid)
    return found


def mark_of(pid: int) -> str:
    """Return what tells this process from another of the same pid: the moment of its start."""
    seen = _linux_row(pid) if sys.platform == "linux" else _table().get(pid)
    return seen.mark if seen else ""


def _descendants(table: dict[int, _Seen], root: int) -> list[Process]:
    """What a worker started: the template first, then the children that it forked."""
    below: dict[int, list[int]] = {}
    for pid, seen in table.items():
        below.setdefault(seen.parent, []).append(pid)
    found: list[Process] = []
    left = [(pid, "template") for pid in below.get(root, ())]
    while left:
        pid, role = left.pop(0)
        left += [(child, "child") for child in below.get(pid, ())]
        found.append(
            Process(
                role=role,
                pid=pid,
                state="running",
                rss_bytes=table[pid].rss_bytes,
                uptime_s=_uptime(table[pid].mark),
            )
        )
    return found


def _uptime(mark: str) -> float:
    if not mark.isdigit():
        return 0.0
    with contextlib.suppress(OSError, ValueError):
        since_boot = float(Path("/proc/uptime").read_text().split()[0])
        return round(since_boot - int(mark) / os.sysconf("SC_CLK_TCK"), 3)
    return 0.0


def _table() -> dict[int, _Seen]:
    if sys.platform != "linux":
        return _ps()
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return {pid: row for pid in pids if (row := _linux_row(pid))}


def _linux_row(pid: int) -> _Seen | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name stands in brackets and may hold anything, brackets too.
    fields = text.rpartition(")")[2].split()
    if fields[0] == "Z":
        return None
    return _Seen(int(fields[1]), fields[19], int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))


def _ps() -> dict[int, _Seen]:
    said = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,rss=,lstart="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 3) for line in said.splitlines())
    return {int(row[0]): _Seen(int(row[1]), row[3], int(row[2]) * 1024) for row in rows}
