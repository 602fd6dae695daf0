"""`penstock status`: every process, how it is, and what the coordinator says of itself."""

from __future__ import annotations

from typing import Any

import click

from penstock.cli.daemon import Daemon, DaemonError, Place, place_options, with_daemon
from penstock.cli.output import emit, fields, json_option, table
from penstock.cli.times import span


@click.command("status")
@place_options
@json_option
def command(place: Place, as_json: bool) -> None:
    """List every process with role, pid, state, memory and uptime."""
    found = look(place)
    emit(found, as_json, lambda: show(found))
    if not found["running"]:
        click.get_current_context().exit(1)


def look(place: Place) -> dict[str, Any]:
    """Return the document of `status --json`."""
    listed: list[Any] = []
    if place.is_local:
        from penstock.supervisor.roster import processes

        listed = list(processes(place.home.processes))

    async def asking(daemon: Daemon) -> Any:
        return await daemon.ask("status")

    said, problem = {}, None
    try:
        said = with_daemon(place, asking)
    except DaemonError as error:
        problem = str(error)
    return {
        "home": str(place.home) if place.is_local else None,
        "running": problem is None,
        "problem": problem,
        "processes": listed,
        "coordinator": said,
    }


def show(found: dict[str, Any]) -> None:
    table(
        ("role", "pid", "state", "memory", "uptime", "restarts"),
        [
            (
                process.role,
                process.pid,
                process.state,
                f"{process.rss_bytes / 1e6:.0f} MB",
                span(process.uptime_s),
                process.restarts,
            )
            for process in found["processes"]
        ],
    )
    if found["problem"]:
        click.echo(found["problem"], err=True)
        return
    said = dict(found["coordinator"])
    workers = said.pop("workers", [])
    if found["processes"]:
        click.echo()
    fields((name.replace("_", " "), value) for name, value in said.items())
    if workers:
        click.echo()
        heads = ("worker", "host", "pid", "state", "held", "slots", "queues")
        table(heads, [[worker.get(head) for head in heads] for worker in workers])
