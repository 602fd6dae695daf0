"""What the verbs that play one role share: whose key, which loop, how they log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import click

from penstock.cli.daemon import DaemonError, Place, seed_of


def _hold(ctx: click.Context, param: click.Parameter, fd: int | None) -> int | None:
    """Hold the tether before anything of the role is imported: that may fail, too."""
    if fd is not None:
        from penstock.supervisor.tether import hold

        hold(fd)
    return fd


supervised_option = click.option(
    "--supervised", type=int, hidden=True, metavar="FD", callback=_hold, is_eager=True
)
"""The descriptor of the tether, for a role that the supervisor started."""

redeliveries_option = click.option(
    "--redeliveries",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    envvar="PENSTOCK_REDELIVERIES",
    show_envvar=True,
    metavar="N",
    help="How often a try may be lost by its worker's death, having begun, before it fails.",
)
"""What a leader says in its first event; it holds until the next leader's."""


def key_for(role: str, place: Place) -> tuple[str, str | None]:
    """Return (url, seed) for a role: told by the supervisor, or found as the options say.

    Blocks until nats-server answers where a supervisor starts it just now; so import first.
    """
    from penstock.supervisor.tether import held

    tether = held()
    if tether is not None:
        return tether.credentials()
    if place.url is not None:
        return place.url, seed_of(place.key_file, role)
    from penstock.events.lock import holder
    from penstock.events.server import read_credentials

    found = read_credentials(place.home.folder) if holder(place.home.folder) is not None else None
    if found is None:
        raise DaemonError(
            f"No nats-server runs in {place.home}. Start one (penstock up, penstock nats), or name "
            "another's address with --nats."
        )
    return found.url, str(getattr(found, role))


def say_ready() -> None:
    """Tell the supervisor, if there is one, that this role does its work from now on."""
    from penstock.supervisor.tether import held

    tether = held()
    if tether:
        tether.ready()


def log_to_stderr(role: str) -> None:
    """Write this process's own log: one line a record, its role in it."""
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(levelname)s {role}: %(message)s")


def run_role(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a role to its end, on uvloop where that is installed."""
    run: Callable[[Coroutine[Any, Any, None]], None]
    try:
        from uvloop import run
    except ImportError:
        run = asyncio.run
    run(coroutine)
