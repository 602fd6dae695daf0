"""What is asked of the operating system beyond Python's own calls: deaths that nobody can put off.

- `die_with_parent`: the kernel sends a signal when the parent dies (PR_SET_PDEATHSIG).
- `DeathTimer`: a timer of the kernel that kills this process, stopped or busy in C all the same.
- `flush_native`: what C code printed leaves its buffers.

On systems that have no such thing (macOS) the calls do nothing and say so by their result; what is
left there is the end of file that a child reads from a dead worker's socket.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_CLOCK_BOOTTIME = 7
_TIMER_ABSTIME = 1
_LINUX = sys.platform.startswith("linux")
_libc = ctypes.CDLL(None, use_errno=True)


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class _SigEvent(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("padding", ctypes.c_char * 48),
    )


def die_with_parent(parent: int, by: signal.Signals) -> bool:
    """Have the kernel send `by` to this process when its parent dies; False where it cannot.

    parent: the parent's pid as it was known before. If it is another one by now, the parent has
    died already, and this process ends at once.
    """
    known = _LINUX and _libc.prctl(_PR_SET_PDEATHSIG, int(by), 0, 0, 0) == 0
    if os.getppid() != parent:
        os._exit(1)
    return bool(known)


def boot_time_ns() -> int:
    """Return the clock that death timers go by: it also counts while the machine sleeps."""
    import time

    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock)


class DeathTimer:
    """Kills this process (SIGKILL) at a moment that can be moved. `armed`: False where unknown."""

    def __init__(self) -> None:
        self._timer = ctypes.c_void_p()
        self.armed = False
        if _LINUX:
            event = _SigEvent(value=None, signo=int(signal.SIGKILL), notify=0)
            made = _libc.timer_create(
                _CLOCK_BOOTTIME, ctypes.byref(event), ctypes.byref(self._timer)
            )
            self.armed = made == 0

    def set(self, at_ns: int) -> None:
        """Move the end to `at_ns` on `boot_time_ns`'s clock."""
        if not self.armed:
            return
        value = _TimeSpec(at_ns // 1_000_000_000, at_ns % 1_000_000_000)
        spec = _TimerSpec(interval=_TimeSpec(0, 0), value=value)
        if _libc.timer_settime(self._timer, _TIMER_ABSTIME, ctypes.byref(spec), None) != 0:
            raise OSError(ctypes.get_errno(), "the kernel timer of an exclusive task was not set")


_HAS_WAITID = hasattr(os, "waitid")  # macOS has it from Python 3.13 on


def bury() -> tuple[int, int] | None:
    """Return (pid, status) of a child that has ended, None if there is none; its group is killed.

    Until it is buried its pid, and so the name of its process group, cannot be another's: so the
    group goes first, where the system allows to look without burying.
    """
    try:
        if _HAS_WAITID:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                return None
            kill_group(found.si_pid)
            return os.waitpid(found.si_pid, 0)
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    if not pid:
        return None
    kill_group(pid)
    return pid, status


def kill_group(pid: int) -> None:
    """Kill every process of a group that is there."""
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def has_children() -> bool:
    """Does this process have children, living or not yet buried?"""
    if not _HAS_WAITID:
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def flush_native() -> None:
    """Write out what C code left in its buffers of stdout, stderr and every other stream."""
    _libc.fflush(None)


def prefer_as_victim() -> None:
    """Let the kernel, short of memory, kill this process before the worker."""
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("600")
    except OSError:
        pass  # not Linux, or not allowed: the order of victims stays the kernel's


_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int | str = "self") -> int:
    """Return the resident memory of a process, 0 if it is gone or the system does not tell."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as statm:
            return int(statm.read().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0


def tree_bytes(pid: int) -> int:
    """Return the resident memory of a process and of all that descends from it."""
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        total += resident_bytes(one)
        try:
            with open(f"/proc/{one}/task/{one}/children", "rb") as children:
                waiting += [int(child) for child in children.read().split()]
        except (OSError, ValueError):
            pass
    return total
