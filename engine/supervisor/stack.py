"""All roles of one machine in one hand: nats-server, a coordinator, a worker; one folder, one lock.

They start at the same moment, since each spends most of its start on imports: whoever needs NATS is
told where it is once it answers. They end in the order of what they owe each other: the worker
first, which still has outcomes to tell; then the coordinator, which still has them to store; then
nats-server. What dies in between is started again (`penstock.supervisor.role`).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from msgspec import Struct

from penstock.events.lock import FolderLock
from penstock.events.server import Credentials, Server
from penstock.home import KEYS, Home
from penstock.supervisor.disk import DiskWatch
from penstock.supervisor.role import Key, Role, RoleError
from penstock.supervisor.roster import Listed, mark_of, write_roster

T = TypeVar("T")
MARGIN_SECONDS = 10.0
"""What a role may take to end beyond what its tasks may."""

LAST_WORDS_SECONDS = 3.0
"""What somebody who waited for a stack that broke may take to end."""

OUTAGE_SECONDS = 300.0
"""How long a run of one file waits for a nats-server that does not start again."""

LOG_LIMIT = 16 * 1024 * 1024
"""Bytes of a role's log after which a start puts it aside as `<role>.log.1`."""


class StackSettings(Struct, kw_only=True):
    """What the roles of a machine are given.

    slots: of the worker; 0 for no worker. dags: the folder to watch, None for none. host, port:
    where NATS listens; -1: any free port. quiet: the roles' own logs go to the folder's logs/, not
    to our stderr. stubborn: see `Role`. drain: seconds that running tasks get to end. memory_limit:
    bytes that one task may have resident; 0: none.
    """

    slots: int = 1
    queues: tuple[str, ...] = ("default",)
    dags: Path | None = None
    schedules: bool = True
    host: str = "127.0.0.1"
    port: int = -1
    quiet: bool = True
    stubborn: bool = False
    drain: float = 30.0
    memory_limit: int = 0


class Stack:
    """`async with Stack(home, settings) as stack:`; it drains at the end.

    Entering locks the folder (FolderLockedError, HomeError) and starts everything without waiting
    for it: `credentials` and `ready` wait. report: told a sentence about what died.
    """

    def __init__(
        self,
        home: Home,
        settings: StackSettings,
        *,
        report: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.home, self.settings, self.report = home, settings, report
        self.lock = FolderLock(home.folder)
        self.started_at = time.time_ns() // 1000
        self.roles: list[Role] = []
        self.server: Server | None = None
        self._server_since = 0
        self._credentials: asyncio.Future[Credentials]
        self._broken: asyncio.Future[None]
        self._tasks: list[asyncio.Task[None]] = []
        self._is_over = False

    async def start(self) -> Stack:
        """Lock the folder and start everything; who does not use `async with` drains or kills."""
        self.home.prepare()
        self.lock.acquire()
        loop = asyncio.get_running_loop()
        self._credentials, self._broken = loop.create_future(), loop.create_future()
        keys = {"coordinator": Key(), "worker": Key()}
        self.roles = [self._coordinator(keys["coordinator"])]
        if self.settings.slots:
            self.roles.append(self._worker(keys["worker"]))
        self._start(self._serve(keys))
        for role in self.roles:
            self._start(role.supervise())
        return self

    async def __aenter__(self) -> Stack:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.drain()

    async def credentials(self) -> Credentials:
        """Return how to reach NATS, once it answers. Raises RoleError, ServerError."""
        return await self.unless_broken(asyncio.shield(self._credentials))

    async def ready(self) -> None:
        """Return when every role does its work. Raises RoleError, ServerError."""
        for role in self.roles:
            await self.unless_broken(role.ready.wait())

    async def unless_broken(self, doing: Awaitable[T]) -> T:
        """Return what `doing` returns; raise what broke the stack if that comes first."""
        task = asyncio.ensure_future(doing)
        either: set[asyncio.Future[Any]] = {task, self._broken}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self._broken.result()
            return await task
        finally:
            # It ends first: what it talks to must not be ended under it.
            if not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=LAST_WORDS_SECONDS)

    async def drain(self, *, patience: float | None = None) -> None:
        """End everything in order. patience: seconds that a role may take; else as the settings."""
        if self._is_over or self.lock.fd < 0:  # never begun: what is there is another's
            return
        self._is_over = True
        for role in reversed(self.roles):
            drain = self.settings.drain + MARGIN_SECONDS
            await role.stop(patience=drain if patience is None else patience)
        if self.server:
            await self.server.stop()
        await self._end()

    async def kill(self) -> None:
        """End everything at once; for a state folder that nobody will read again."""
        if self._is_over or self.lock.fd < 0:  # never begun: what is there is another's
            return
        self._is_over = True
        for role in self.roles:
            role.kill()
        if self.server:
            await self.server.stop(patience=0.0)
        await asyncio.gather(*(role.gone() for role in self.roles))
        await self._end()

    # ------------------------------------------------------------ inside

    async def _serve(self, keys: dict[str, Key]) -> None:
        server = self.server = Server(
            self.home.folder,
            host=self.settings.host,
            port=self.settings.port,
            lock_fd=self.lock.fd,
            outage=math.inf if self.settings.stubborn else OUTAGE_SECONDS,
            on_restart=self._server_restarted,
            on_trouble=self._server_in_trouble,
        )
        credentials = await server.start()
        self._server_since = time.time_ns() // 1000
        for name, key in keys.items():
            key.give(credentials.url, getattr(credentials, name))
        self._credentials.set_result(credentials)
        self._write()
        self._start(DiskWatch(self.home, server, report=self.report).run())
        await server.wait()

    def _server_restarted(self, sentence: str) -> None:
        self._server_since = time.time_ns() // 1000
        self.report(sentence)
        self._write()

    def _server_in_trouble(self, sentence: str) -> None:
        self.report(sentence)
        self._write()

    def _coordinator(self, key: Key) -> Role:
        arguments = ["--home", str(self.home)]
        if self.settings.dags is not None:
            arguments += ["--dags", str(self.settings.dags)]
        if not self.settings.schedules:
            arguments.append("--no-schedules")
        # Law: the folder is free when its last user is dead, so the lock is inherited.
        return self._role("coordinator", arguments, key, pass_fds=[self.lock.fd])

    def _worker(self, key: Key) -> Role:
        arguments = ["--home", str(self.home), "--slots", str(self.settings.slots)]
        arguments += ["--drain", str(self.settings.drain)]
        arguments += ["--memory-limit", str(self.settings.memory_limit)]
        for queue in self.settings.queues:
            arguments += ["--queue", queue]
        return self._role("worker", arguments, key)

    def _role(
        self, name: str, arguments: list[str], key: Key, *, pass_fds: Sequence[int] = ()
    ) -> Role:
        log = self.home.logs / f"{name}.log" if self.settings.quiet else None
        if log and log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        return Role(
            name,
            # -P: a click.py in the user's folder is not ours to import.
            [sys.executable, "-P", "-m", "penstock.cli", name, *arguments],
            key,
            pass_fds=pass_fds,
            without=() if name == "coordinator" else KEYS,
            log=log,
            report=self.report,
            changed=self._write,
            stubborn=self.settings.stubborn,
        )

    def _start(self, doing: Awaitable[None]) -> None:
        async def watched() -> None:
            try:
                await doing
            except asyncio.CancelledError:
                raise
            except Exception as error:
                if not self._broken.done():
                    self._broken.set_exception(error)
                    self._broken.exception()  # it may be that nobody waits just now

        self._tasks.append(asyncio.create_task(watched()))

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(OSError):
            self.home.processes.unlink(missing_ok=True)
        self.lock.release()

    def _write(self) -> None:
        """Write the roster. That it cannot be written (a full disk) must not end the roles."""
        rows = [("supervisor", os.getpid(), self.started_at, "running", 0)]
        if self.server and self._server_since:
            state = "running" if self.server.pid else "restarting"
            rows.append(("nats", self.server.pid, self._server_since, state, self.server.restarts))
        rows += [
            (role.name, role.pid, role.started_at, role.state, role.restarts)
            for role in self.roles
            if role.started_at
        ]
        listed = [
            Listed(
                role=role, pid=pid, started_at=at, state=state, restarts=restarts, mark=mark_of(pid)
            )
            for role, pid, at, state, restarts in rows
        ]
        try:
            write_roster(self.home.processes, listed)
        except OSError as error:
            self.report(f"{self.home.processes}: not written: {error.strerror}")


__all__ = ["RoleError", "Stack", "StackSettings"]
