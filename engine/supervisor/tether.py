"""The line between the supervisor and a role that it started: one socket, a JSON line at a time.

Down it go the role's credentials, so that no key is ever on a command line, in an environment or in
a file that the role must wait for: a role can import while nats-server is still starting. Up it
come "ready", and the sentence that a role ends with. A role whose supervisor died ends at once: the
kernel sees to it on Linux, the closed socket elsewhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import sys
import threading
from typing import Any

from penstock.errors import PenstockError

_PR_SET_PDEATHSIG = 1


class TetherError(PenstockError):
    """The supervisor is gone, or never spoke."""


class Tether:
    """The role's end. Made once, first thing in the process; see `arm`."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(True)
        os.set_inheritable(fd, False)
        self._lines = self._socket.makefile("rb")

    def arm(self) -> None:
        """Have this process killed when its supervisor ends, however that ends."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def credentials(self) -> tuple[str, str]:
        """Return (url, nkey seed), once nats-server answers. Blocks. Raises TetherError."""
        said = self._next()
        # What died before `arm` was called has left us to another parent.
        if said is None or said["parent"] != os.getppid():
            raise TetherError("the supervisor ended before it had said where NATS is")
        if sys.platform != "linux":
            threading.Thread(target=self._end_with_supervisor, daemon=True).start()
        return said["url"], said["seed"]

    def ready(self) -> None:
        """Say that this role does its work from now on."""
        self._say({"say": "ready"})

    def failed(self, sentence: str, *, passing: bool) -> None:
        """Say what this process is about to end with. passing: it may go better the next time."""
        self._say({"say": "failed", "why": sentence, "passing": passing})

    def _say(self, what: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # nobody is left to hear it; `arm` does the rest
            self._socket.sendall(json.dumps(what).encode() + b"\n")

    def _next(self) -> dict[str, Any] | None:
        line = self._lines.readline()
        return dict(json.loads(line)) if line.endswith(b"\n") else None

    def _end_with_supervisor(self) -> None:
        while self._next() is not None:
            pass
        os.kill(os.getpid(), signal.SIGKILL)


_held: list[Tether] = []


def hold(fd: int) -> Tether:
    """Take hold of the tether that this process was started with; the first thing that it does."""
    tether = Tether(fd)
    tether.arm()
    _held.append(tether)
    return tether


def held() -> Tether | None:
    """Return this process's tether, None if nobody supervises it."""
    return _held[-1] if _held else None
