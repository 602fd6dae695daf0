"""`penstock trigger`: ask the daemon for a run, and hear of its end if that is wanted."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import click

from penstock.cli.asking import read_conf, read_logical_date, request_options
from penstock.cli.daemon import Daemon, Place, place_options, reach
from penstock.cli.interrupts import interruptible
from penstock.cli.output import emit, json_option


@click.command("trigger")
@click.argument("dag_id")
@request_options
@click.option("--wait", is_flag=True, help="Wait for the run's end; its state is the exit code.")
@place_options
@json_option
def command(
    place: Place,
    dag_id: str,
    conf: str | None,
    params: tuple[str, ...],
    logical_date: str | None,
    run_id: str | None,
    wait: bool,
    as_json: bool,
) -> None:
    """Start a run of DAG_ID on the daemon."""
    asked = {
        "dag_id": dag_id,
        "conf": read_conf(conf, params),
        "run_id": run_id,
        "logical_date": read_logical_date(logical_date, default=time.time_ns() // 1000),
        "by": "penstock trigger",
    }
    found = interruptible(_trigger(place, asked, wait=wait, as_json=as_json))
    document = found.pop("document", None)

    def show() -> None:
        from penstock.cli.report import print_run

        if document:
            print_run(document)
        else:
            click.echo(f"{found['dag_id']}/{found['run_id']}  {found['state']}")

    emit(found, as_json, show)
    if wait and found["state"] != "success":
        click.get_current_context().exit(1)


async def _trigger(
    place: Place, asked: dict[str, Any], *, wait: bool, as_json: bool
) -> dict[str, Any]:
    url, seed = place.key()
    async with reach(url, seed) as daemon:
        if wait:
            return await _and_wait(daemon, asked, as_json=as_json)
        return dict(await daemon.ask_with("trigger", asked, patience=5.0))


async def _and_wait(daemon: Daemon, asked: dict[str, Any], *, as_json: bool) -> dict[str, Any]:
    from penstock.cli.progress import choose, say_waits
    from penstock.cli.watching import Watch

    progress = choose((), as_json=as_json)
    listen, tell = (progress.heard, progress.waits) if progress else (None, say_waits)
    async with Watch(daemon, asked["dag_id"], listen, tell=tell) as watch:
        found = dict(await daemon.ask_with("trigger", asked, patience=5.0))
        key = f"{found['dag_id']}/{found['run_id']}"
        if progress:
            progress.open(key)
        try:
            found["state"] = await watch.until_over(found["run_id"])
        except asyncio.CancelledError:
            click.echo(f"{key} goes on. To stop it: penstock runs cancel {key}", err=True)
            raise
        finally:
            if progress:
                progress.close()
    if not as_json:
        found["document"] = await daemon.ask("runs_show", run=key)
    return found
