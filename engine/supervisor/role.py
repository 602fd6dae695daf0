"""One role under supervision: a child process that is started again whenever it ends.

What dies after a life of some seconds is started again at once. What dies sooner waits longer each
time; what has *never* been ready and ends with a sentence is a start that failed, and the sentence
is for the person who started it. A role that dies early again and again, by its own doing, is given
up unless it is stubborn: a command that waits for one run must not wait for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from penstock.errors import PenstockError

DEATHS, SPAN = 5, 10.0
"""So many early deaths within so many seconds: reported, and retried slower."""

EARLY = 2.0
"""Seconds of life below which a death is an early one, ready or not."""

HURRY = 2.0
"""Seconds between the second request to end and SIGKILL."""

SLOW = 5.0
"""Seconds between the starts of a role that does not get ready."""


class RoleError(PenstockError):
    """A role could not be started."""


class Key:
    """What one role needs to reach NATS, given once the server has it."""

    def __init__(self) -> None:
        self._known: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()

    def give(self, url: str, seed: str) -> None:
        self._known.set_result((url, seed))

    async def get(self) -> tuple[str, str]:
        return await asyncio.shield(self._known)


def pause_after(deaths: Sequence[float], now: float) -> float:
    """Return the seconds to wait, given the moments of the early deaths in a row."""
    recent = sum(now - death <= SPAN for death in deaths)
    return SLOW if recent >= DEATHS else 0.02 * 2.0 ** max(0, recent - 1)


class Role:
    """`command` is what plays it; `--supervised FD` is put after it (`penstock.supervisor.tether`).

    without: environment variables that it does not get.
    log: the file that takes what it prints, None for our own stderr. report: told a sentence
    whenever it died. changed: called when `pid` or `state` did. stubborn: go on, slower, with
    what dies early each time; else RoleError.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        key: Key,
        *,
        pass_fds: Sequence[int] = (),
        without: Sequence[str] = (),
        log: Path | None = None,
        report: Callable[[str], None] = lambda sentence: None,
        changed: Callable[[], None] = lambda: None,
        stubborn: bool = False,
    ) -> None:
        self.name, self.command, self.key = name, list(command), key
        self.pass_fds, self.without, self.log = list(pass_fds), without, log
        self.report, self.changed, self.stubborn = report, changed, stubborn
        self.state = "starting"
        self.started_at = 0
        self.restarts = 0
        self.ready = asyncio.Event()
        self._stopping = False
        self._why = ""
        self._is_passing = False
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process now, 0 if none runs."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    async def supervise(self) -> None:
        """Keep it running; return after `stop` or `kill`. Raises RoleError for a failed start."""
        deaths: deque[float] = deque(maxlen=DEATHS)
        loop = asyncio.get_running_loop()
        was_ready = False
        while not self._stopping:
            self.ready.clear()
            born = loop.time()
            code = await self._live()
            if self._stopping:
                break
            was_ready = was_ready or self.ready.is_set()
            if loop.time() - born >= EARLY and self.ready.is_set():
                deaths.clear()
            deaths.append(loop.time())
            self._judge(code, was_ready, len(deaths))
            self.restarts += 1
            self._set("restarting")
            await asyncio.sleep(pause_after(deaths, loop.time()))

    async def stop(self, *, patience: float) -> None:
        """Ask it to end (SIGTERM), after `patience` seconds again, then kill it.

        A role that is asked twice leaves its work where it is. It is not started again.
        """
        self._stopping = True
        if not self.pid:
            return
        self._set("draining")
        for wait in (patience, HURRY):
            self._terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.gone(), wait)
                return
        self.report(f"{self.name} did not end when it was told to, and was killed")
        self.kill()
        await self.gone()

    def kill(self) -> None:
        """End it now. It is not started again."""
        self._stopping = True
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def gone(self) -> None:
        """Return when its process has ended."""
        if self._process:
            await self._process.wait()

    def _terminate(self) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def _judge(self, code: int, was_ready: bool, deaths: int) -> None:
        how = f"was killed by {_signal(-code)}" if code < 0 else f"ended with code {code}"
        is_final = bool(self._why) and not self._is_passing
        # SIGKILL is somebody else's doing, and an outage of NATS is waited out.
        is_own = code != -signal.SIGKILL and not (was_ready and self._is_passing)
        gives_up = deaths >= DEATHS and is_own and not self.stubborn
        if gives_up or (is_final and not was_ready):
            what = "does not stay up" if was_ready else "does not start"
            raise RoleError(self._why or f"{self.name} {what}: it {how}. {self._said()}")
        if deaths >= DEATHS:
            self.report(
                f"{self.name} {how}, the {deaths}th early death in a row; it is tried again "
                f"every {SLOW:g} s. {self._why or self._said()}"
            )
        else:
            self.report(f"{self.name} {how} and is started again. {self._why}".rstrip())

    async def _live(self) -> int:
        """Run it once; return its exit code, negative for a signal."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._why = ""
        with ours:
            with theirs, contextlib.ExitStack() as stack:
                out = stack.enter_context(open(self.log, "ab")) if self.log else sys.stderr  # noqa: ASYNC230
                self._process = await asyncio.create_subprocess_exec(
                    *self.command,
                    "--supervised",
                    str(theirs.fileno()),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    pass_fds=[theirs.fileno(), *self.pass_fds],
                    env={k: v for k, v in os.environ.items() if k not in self.without},
                    # A Ctrl-C in a terminal is for the supervisor, which drains in order.
                    start_new_session=True,
                )
            self.started_at = time.time_ns() // 1000
            self._set("starting")
            if self._stopping:  # told to stop while it was being started
                self.kill()
            tending = asyncio.create_task(self._tend(ours))
            try:
                code = await self._process.wait()
                # What it said last may still lie in the socket. Its end closed the other side,
                # unless it gave that to a process of its own.
                await asyncio.wait({tending}, timeout=1.0)
            except asyncio.CancelledError:
                self.kill()
                raise
            finally:
                tending.cancel()
        return code

    async def _tend(self, ours: socket.socket) -> None:
        """Tell it its key, hear what it says, until it closes its end."""
        loop = asyncio.get_running_loop()
        telling = asyncio.create_task(self._tell(ours))
        said = b""
        try:
            with contextlib.suppress(OSError):
                while data := await loop.sock_recv(ours, 65536):
                    *lines, said = (said + data).split(b"\n")
                    for line in lines:
                        self._heard(json.loads(line))
        finally:
            telling.cancel()

    async def _tell(self, ours: socket.socket) -> None:
        url, seed = await self.key.get()
        words = {"parent": os.getpid(), "url": url, "seed": seed}
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(ours, json.dumps(words).encode() + b"\n")

    def _heard(self, what: dict[str, Any]) -> None:
        if what["say"] == "ready":
            self.ready.set()
            self._set("running")
        else:
            self._why, self._is_passing = what["why"], what["passing"]

    def _set(self, state: str) -> None:
        self.state = state
        self.changed()

    def _said(self) -> str:
        """The last lines of its log, for an error."""
        if self.log is None:
            return "What it said stands above."
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return f"It said: {' / '.join(lines[-3:]) or 'nothing'}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
