"""`penstock up` under attack: started, looked at as anybody could, killed a part at a time."""

from __future__ import annotations

import asyncio
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from penstock.events.access import add_user
from penstock.home import Home
from penstock.supervisor.roster import Process, processes

KINDS = ("coordinator", "worker", "child", "template", "nats", "supervisor")
"""What is killed. A worker's children go with it, and with the supervisor everything does."""

GONE_SECONDS = 15.0
"""How long what must end by itself may take."""


class Daemon:
    """The daemon in `folder`/home, its DAG files in `folder`/dags; `start` it, `stop` it.

    redeliveries: how often the infrastructure may lose a try.
    """

    def __init__(self, folder: Path, *, slots: int, redeliveries: int) -> None:
        self.folder, self.slots = folder, slots
        self.home = Home(folder / "home")
        self.port = free_port()
        self.seed = add_user(self.home.folder, "chaos", "both").nkey_seed
        named = {name: text for name, text in os.environ.items() if "PENSTOCK_" not in name}
        self.environment = named | {"PENSTOCK_REDELIVERIES": str(redeliveries)}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def start(self) -> None:
        """Start `penstock up`; what the supervisor says is appended to `folder`/up.log."""
        with open(self.folder / "up.log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "penstock.cli", "up", "--home", str(self.home)),
                    *("--dags", str(self.folder / "dags"), "--slots", str(self.slots)),
                    *("--nats-port", str(self.port)),
                ],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def stop(self) -> int:
        """Drain it; return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait)

    def kill(self) -> None:
        """End it at once; everything below goes with it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def living(self, role: str = "") -> list[Process]:
        """Return the processes that live now, as `penstock status` lists them."""
        return [
            one
            for one in processes(self.home.processes)
            if one.state != "dead" and one.pid and role in ("", one.role)
        ]

    async def strike(self, kind: str, chance: random.Random) -> int | None:
        """SIGKILL a process of this kind and return its pid, None if there is none now.

        Raises SurvivorError when what has to go with it does not.
        """
        found = self.living(kind)
        if not found:
            return None
        victim = chance.choice(found).pid
        mates = [] if kind in ("coordinator", "nats", "child") else self.going_with(kind)
        with Watched([victim, *mates]) as watched:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                return None
            if kind == "supervisor":
                assert self.process is not None
                await asyncio.to_thread(self.process.wait)
            left = await asyncio.to_thread(watched.left, GONE_SECONDS)
        if left:
            raise SurvivorError(
                f"processes {left} outlived the {kind} {victim} that they belong to"
            )
        if kind == "supervisor":
            self.start()
        return victim

    def going_with(self, kind: str) -> list[int]:
        below = {"template": ("child",), "worker": ("child", "template")}.get(kind)
        return [one.pid for one in self.living() if below is None or one.role in below]


class SurvivorError(AssertionError):
    """A process outlived the one that it must die with."""


class Watched:
    """Processes that are not our children, until they have ended."""

    def __init__(self, pids: Iterable[int]) -> None:
        self.open: dict[int, int] = {}
        for pid in pids:
            try:
                self.open[os.pidfd_open(pid)] = pid
            except ProcessLookupError:
                continue

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self.open:
            os.close(descriptor)

    def left(self, seconds: float) -> list[int]:
        """Wait until all have ended, so long at most; return the pids of those that have not."""
        alive = dict(self.open)
        until = time.monotonic() + seconds
        while alive and (rest := until - time.monotonic()) > 0:
            for descriptor in select.select(list(alive), [], [], rest)[0]:
                del alive[descriptor]
        return list(alive.values())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
