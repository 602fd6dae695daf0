"""`penstock nats`: the embedded nats-server alone, for coordinators and workers started by hand."""

from __future__ import annotations

import asyncio

import click

from penstock.cli.daemon import home_option
from penstock.cli.interrupts import until_signal
from penstock.home import Home


@click.command("nats")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(-1, 65535), default=-1, help="Else any free one.")
@home_option
def command(home: Home, host: str, port: int) -> None:
    """Run the embedded nats-server on the state folder until it is told to end."""
    asyncio.run(serve(home, host, port))


async def serve(home: Home, host: str, port: int) -> None:
    from penstock.events.lock import FolderLock
    from penstock.events.server import Server

    home.prepare()
    lock = FolderLock(home.folder).acquire()
    server = Server(
        home.folder,
        host=host,
        port=port or -1,
        lock_fd=lock.fd,
        on_restart=lambda sentence: click.echo(f"penstock: {sentence}", err=True),
    )
    with lock:
        async with server, until_signal() as told:
            click.echo(f"nats-server listens at {server.url}; its keys: {home.credentials}")
            click.echo("Stop it with Ctrl-C or SIGTERM.", err=True)
            waiting = asyncio.ensure_future(server.wait())
            stopping = asyncio.ensure_future(told.wait())
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if waiting.done():
                waiting.result()
            waiting.cancel()
