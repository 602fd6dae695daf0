"""`penstock explain`: why a run or a task is where it is, from recorded causes (law 12)."""

from __future__ import annotations

import click

from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.output import emit, json_option


@click.command("explain")
@click.argument("run")
@click.argument("task", required=False)
@place_options
@json_option
def command(place: Place, run: str, task: str | None, as_json: bool) -> None:
    """Say why RUN, or TASK in it, is in its state, and what it waits for.

    RUN is a run id, or DAG_ID/RUN_ID where several DAGs have one of that id.
    """
    found = ask(place, "explain", run=run, task=task)

    def show() -> None:
        for sentence in found["reasons"]:
            click.echo(sentence)

    emit(found, as_json, show)
