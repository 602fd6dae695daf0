"""`penstock db`: the projection, held against the log that it was made of."""

from __future__ import annotations

import asyncio
from functools import partial

import click

from penstock.cli.daemon import DaemonError, home_option
from penstock.cli.output import emit, json_option
from penstock.home import Home


@click.group("db")
def command() -> None:
    """Look after the database."""


@command.command("check")
@home_option
@json_option
def check(home: Home, as_json: bool) -> None:
    """Fold the log from zero and compare it with the database. Exit code 1 if they differ."""
    records, differences = asyncio.run(_check(home))
    found = {"ok": not differences, "records": records, "differences": differences}

    def render() -> None:
        for sentence in differences:
            click.echo(sentence)
        if not differences:
            click.echo(f"{home.database}: agrees with the {records} records of the log.")

    emit(found, as_json, render)
    if differences:
        click.get_current_context().exit(1)


async def _check(home: Home) -> tuple[int, list[str]]:
    """Read the log, from the server that runs or one that runs for this, and compare."""
    from penstock.events.lock import FolderLock, holder
    from penstock.events.server import Server, read_credentials

    home.check()
    if not home.database.exists():
        raise DaemonError(f"{home}: there is no database, so nothing has run there.")
    if holder(home.folder) is not None:
        found = read_credentials(home.folder)
        if found is None:
            raise DaemonError(f"{home}: its nats-server is starting. Ask again in a moment.")
        return await _compare(home, found.url, found.coordinator)
    with FolderLock(home.folder).acquire() as lock:
        async with Server(home.folder, lock_fd=lock.fd) as server:
            return await _compare(home, server.url, server.credentials.coordinator)


async def _compare(home: Home, url: str, seed: str) -> tuple[int, list[str]]:
    from penstock.events.nats_bus import NatsBus
    from penstock.store.check import check as compare

    async with await NatsBus.connect(url, seed=seed, name="penstock db check") as bus:
        records = [
            (stored.sequence, stored.payload)
            async for stored in bus.replay("LOG", bus.subjects.log)
        ]
    compared = partial(compare, home.database, records)
    return len(records), await asyncio.to_thread(compared)
