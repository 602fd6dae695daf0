"""Where the daemon is, and how it is asked.

On its own machine it is found by its state folder, elsewhere by NATS' address and a key. A question
that only reads is answered from the folder's database when no daemon runs there, so that a run can
be looked at after everything has been stopped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from penstock.errors import PenstockError, UsageError
from penstock.home import NKEY_SEED, Home, default_home

if TYPE_CHECKING:
    from penstock.events.nats_bus import NatsBus

T = TypeVar("T")

CONNECT_SECONDS = 3.0

ANSWER_SECONDS = 30.0
"""How long an answer may take: a run of 100,000 instances is read and packed in a few."""


class DaemonError(PenstockError):
    """The daemon cannot be reached, or could not do what was asked."""


class RefusedError(UsageError):
    """The daemon says that the question itself was wrong."""


class Place:
    """Where to look for the daemon: `url` if given, else the state folder."""

    def __init__(self, home: Home, url: str | None = None, key_file: str | None = None) -> None:
        self.home, self.url, self.key_file = home, url, key_file

    @property
    def is_local(self) -> bool:
        return self.url is None

    def key(self) -> tuple[str, str | None]:
        """Return (url, seed). Raises DaemonError if nothing runs in the folder."""
        if self.url is not None:
            return self.url, seed_of(self.key_file, "admin")
        from penstock.events.lock import holder
        from penstock.events.server import read_credentials

        self.home.check()
        found = read_credentials(self.home.folder) if holder(self.home.folder) is not None else None
        if found is None:
            raise DaemonError(
                f"No Penstock runs in {self.home}. Start one: penstock up --home {self.home} "
                "(or name another folder with --home, another machine with --nats)"
            )
        return found.url, found.admin


def seed_of(key_file: str | None, role: str) -> str | None:
    """Return the nkey seed for `role`: PENSTOCK_NKEY_SEED, else the credentials file's.

    Such a file holds a bare seed, or JSON as `penstock access add --json` prints it or as the
    state folder's credentials.json is. Raises UsageError if it cannot be read.
    """
    named = os.environ.get(NKEY_SEED)
    if named or not key_file:
        return named or None
    import msgspec

    try:
        text = Path(key_file).read_bytes().strip()
        if not text.startswith(b"{"):
            return text.decode()
        found = msgspec.json.decode(text, type=dict[str, str])
        return found.get("nkey_seed") or found[role]
    except OSError as error:
        raise UsageError(f"{key_file}: the key cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError) as error:
        raise UsageError(f"{key_file}: this file has no key for a {role}: {error}") from error


class Daemon:
    """A coordinator that answers, by way of NATS."""

    def __init__(self, bus: NatsBus) -> None:
        self.bus, self.subjects = bus, bus.subjects

    async def ask(self, verb: str, **args: Any) -> Any:
        """Return the answer's document. Raises RefusedError or DaemonError with the reason."""
        return await self.ask_with(verb, args)

    async def ask_with(self, verb: str, args: dict[str, Any], *, patience: float = 0.0) -> Any:
        """Ask; while nobody listens yet, ask again for `patience` seconds."""
        import msgspec

        from penstock.coordinator.api import unpack
        from penstock.events.bus import BusError, UnknownSubjectError

        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while True:
            try:
                said = await self.bus.request(
                    self.subjects.api(verb), msgspec.json.encode(args), timeout=ANSWER_SECONDS
                )
                break
            except UnknownSubjectError:
                if loop.time() >= until:
                    raise DaemonError(
                        "NATS answers, but no coordinator does: it is starting, or it is gone, or "
                        "this key is a service's, which may not ask it. See: penstock status"
                    ) from None
                await asyncio.sleep(0.02)
            except BusError as error:
                raise DaemonError(f"The coordinator did not answer: {error}") from error
        answer = unpack(said)
        if "error" in answer:
            kind = RefusedError if answer["code"] == 2 else DaemonError
            raise kind(answer["error"])
        return answer["ok"]


@asynccontextmanager
async def reach(url: str, seed: str | None) -> AsyncIterator[Daemon]:
    """Connect; raises DaemonError if nobody lets us in."""
    from penstock.events.bus import BusError
    from penstock.events.nats_bus import NatsBus

    try:
        bus = await NatsBus.connect(url, seed=seed, name="penstock cli", timeout=CONNECT_SECONDS)
    except BusError as error:
        why = str(error).removeprefix(f"{url}: ")
        raise DaemonError(
            f"No Penstock can be reached at {url}: {why}. Check the address (--nats) and the key "
            "(PENSTOCK_NKEY_SEED or --key)."
        ) from error
    try:
        yield Daemon(bus)
    finally:
        await bus.close()


def ask(place: Place, verb: str, **args: Any) -> Any:
    """Return the answer to one question; from the database if no daemon runs and it only reads."""

    async def asking(daemon: Daemon) -> Any:
        return await daemon.ask_with(verb, args, patience=2.0)

    try:
        return with_daemon(place, asking)
    except DaemonError as error:
        if not place.is_local or not place.home.database.exists():
            raise
        from penstock.coordinator.api import READS
        from penstock.events.lock import holder

        if verb not in READS:
            raise
        if holder(place.home.folder) is not None:
            click.echo(f"penstock: {error} (What follows may be out of date.)", err=True)
        return READS[verb](open_reading(place.home), args)


def with_daemon(place: Place, doing: Callable[[Daemon], Awaitable[T]]) -> T:
    """Connect, run `doing`, return what it returns."""

    async def connected() -> T:
        url, seed = place.key()
        async with reach(url, seed) as daemon:
            return await doing(daemon)

    return run_async(connected())


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end."""
    return asyncio.run(coroutine)


def open_reading(home: Home) -> Any:
    """Open the folder's database for reading."""
    from penstock.store.reading import Reading

    return Reading(home.database)


# ---------------------------------------------------------------- options


def home_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --home; the command gets a `home`."""
    return click.option(
        "--home",
        "home",
        metavar="DIR",
        envvar="PENSTOCK_HOME",
        default=None,
        callback=lambda ctx, param, value: Home(value or default_home()),
        help="State folder (PENSTOCK_HOME; else by the XDG rules).",
    )(function)


def place_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --home, --nats and --key; the command gets a `place`."""

    def placed(home: Home, nats: str | None, key_file: str | None, **rest: Any) -> Any:
        return function(place=Place(home, nats, key_file), **rest)

    placed.__doc__ = function.__doc__
    placed.__name__ = function.__name__
    placed.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    return home_option(
        click.option(
            "--nats",
            metavar="URL",
            envvar="PENSTOCK_NATS",
            default=None,
            help="Address of a daemon elsewhere (PENSTOCK_NATS).",
        )(
            click.option(
                "--key",
                "key_file",
                metavar="FILE",
                envvar="PENSTOCK_CREDENTIALS",
                default=None,
                help="File with the key for --nats (else PENSTOCK_NKEY_SEED).",
            )(placed)
        )
    )
