"""What the system says of a tree of processes: memory, its peak, time on a core. Linux only."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from penstock.errors import PenstockError

PROC = Path("/proc")


class NoProcError(PenstockError):
    """This system does not tell what is asked."""


def check() -> None:
    """Raise NoProcError where processes cannot be looked at."""
    if sys.platform != "linux":
        raise NoProcError("memory and time of processes are read from /proc, which is Linux's")


def tree(root: int) -> list[int]:
    """Return the pids of a process and of all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir(PROC):
        if entry.isdigit():
            stat = _read(int(entry), "stat").rpartition(")")[2].split()
            if stat:
                children.setdefault(int(stat[1]), []).append(int(entry))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def pss_bytes(pid: int) -> int:
    """Return a process's memory; what it shares with n others counts as an n-th."""
    return _kilobytes(_read(pid, "smaps_rollup"), "Pss:")


def peak_bytes(pid: int) -> int:
    """Return the most memory that was resident at once since the start, or `forget_peak`."""
    return _kilobytes(_read(pid, "status"), "VmHWM:")


def forget_peak(pid: int) -> None:
    (PROC / str(pid) / "clear_refs").write_text("5")


def cpu_seconds(pid: int) -> float:
    """Return the time that the threads of a process were on a core."""
    total = 0
    try:
        threads = os.listdir(PROC / str(pid) / "task")
    except OSError:
        return 0.0
    for thread in threads:
        text = _read(pid, f"task/{thread}/schedstat")
        total += int(text.split()[0]) if text else 0
    return total / 1e9


def _read(pid: int, name: str) -> str:
    try:
        return (PROC / str(pid) / name).read_text()
    except OSError:
        return ""  # it has ended meanwhile


def _kilobytes(text: str, name: str) -> int:
    for line in text.splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0
