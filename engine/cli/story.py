"""`penstock story`: every event of a run, with what it followed from and why."""

from __future__ import annotations

import click

from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.output import emit, json_option, table


@click.command("story")
@click.argument("run")
@place_options
@json_option
def command(place: Place, run: str, as_json: bool) -> None:
    """Print every event of RUN, the oldest first, with its cause, and its reason if it has one."""
    found = ask(place, "story", run=run)
    rows = [
        (
            event["id"],
            event["at"],
            event["kind"],
            event["task_id"] or "",
            "" if event["map_index"] is None or event["map_index"] < 0 else event["map_index"],
            event["caused_by"] or "",
            event["event"].get("reason") or event["event"].get("error") or "",
        )
        for event in found["events"]
    ]
    heads = ("id", "at", "event", "task", "index", "caused by", "reason")
    emit(found, as_json, lambda: table(heads, rows))
