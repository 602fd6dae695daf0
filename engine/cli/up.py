"""`penstock up`: the daemon, every role of one machine under one supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.daemon import home_option
from penstock.cli.interrupts import until_signal
from penstock.cli.sizes import memory_option
from penstock.errors import PenstockError, UsageError
from penstock.home import Home

if TYPE_CHECKING:
    from penstock.supervisor.stack import Stack, StackSettings


@click.command("up")
@click.option("--dags", metavar="DIR", help="Folder of DAG files; else ./dags, or the home's.")
@click.option("--slots", type=click.IntRange(1, 4096), help="Tasks at once; else the CPUs.")
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="May be repeated.")
@click.option(
    "--nats-port", type=click.IntRange(1, 65535), help="Let other services in; else any free port."
)
@click.option("--nats-host", default="127.0.0.1", show_default=True, help="Where NATS listens.")
@click.option("--drain", type=float, default=30.0, show_default=True, metavar="SECONDS")
@memory_option
@home_option
def command(
    home: Home,
    dags: str | None,
    slots: int | None,
    queues: tuple[str, ...],
    nats_port: int | None,
    nats_host: str,
    drain: float,
    memory_limit: int,
) -> None:
    """Start Penstock here: nats-server, a coordinator and a worker, supervised.

    What dies is started again. SIGTERM or Ctrl-C drains: running tasks get --drain seconds to end,
    nothing new is begun; a second one ends everything at once. Nothing is lost either way.
    """
    from penstock.supervisor.stack import StackSettings

    folder = dags_folder(home, dags)
    settings = StackSettings(
        slots=slots or os.cpu_count() or 1,
        queues=queues or ("default",),
        dags=folder,
        host=nats_host,
        port=nats_port or -1,
        quiet=False,
        stubborn=True,
        drain=drain,
        memory_limit=memory_limit,
    )
    try:
        asyncio.run(stay_up(home, settings))
    except asyncio.CancelledError:
        raise click.Abort from None


def dags_folder(home: Home, named: str | None) -> Path:
    """Return the folder to watch: the one named, else ./dags, else the home's own."""
    if named is not None:
        folder = Path(named).absolute()
        if not folder.is_dir():
            raise UsageError(f"--dags {named}: there is no such folder.")
        return folder
    here = Path("dags").absolute()
    if here.is_dir():
        return here
    home.prepare().dags.mkdir(exist_ok=True)
    return home.dags


async def stay_up(home: Home, settings: StackSettings) -> None:
    from penstock.supervisor.stack import Stack

    stack = Stack(home, settings, report=_say)
    async with until_signal() as told:
        try:
            await stack.start()
            starting = asyncio.ensure_future(_until_up(stack, settings))
            await stack.unless_broken(told.wait())
            _say("draining: running tasks may end; once more to stop at once")
            starting.cancel()
            await stack.drain()
        finally:
            await stack.kill()
    _say("stopped")


async def _until_up(stack: Stack, settings: StackSettings) -> None:
    """Say how far the start is. What breaks it is said by whoever waits for the stack."""
    with contextlib.suppress(PenstockError):
        url = (await stack.credentials()).url
        _say(f"NATS listens at {url}; state in {stack.home}; DAG files in {settings.dags}")
        await stack.ready()
        _say("up. Stop it with Ctrl-C or SIGTERM; see it with: penstock status")


def _say(sentence: str) -> None:
    click.echo(f"penstock: {sentence}", err=True)
