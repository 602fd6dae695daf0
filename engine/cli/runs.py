"""`penstock runs`: which runs there are, what became of one, and the end of one."""

from __future__ import annotations

import click

from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.output import emit, json_option, table
from penstock.cli.report import print_run
from penstock.cli.times import seconds_between, short, span

STATES = ("queued", "running", "success", "failed", "quarantined")


@click.group("runs")
def command() -> None:
    """List, show and cancel runs."""


@command.command("list")
@click.argument("dag_id", required=False)
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=25, show_default=True)
@place_options
@json_option
def list_(place: Place, dag_id: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """List runs, of DAG_ID or of all, the newest first."""
    found = ask(place, "runs_list", dag_id=dag_id, state=state, limit=limit)
    rows = [
        (
            run["dag_id"],
            run["run_id"],
            run["state"],
            short(run["started_at"]) or "",
            span(seconds_between(run["started_at"], run["ended_at"])),
        )
        for run in found
    ]
    heads = ("DAG", "run", "state", "started (UTC)", "took")
    emit(found, as_json, lambda: table(heads, rows, empty="There are no such runs."))


@command.command("show")
@click.argument("run")
@click.option("--xcoms", is_flag=True, help="Print the XComs, too.")
@place_options
@json_option
def show(place: Place, run: str, xcoms: bool, as_json: bool) -> None:
    """Show RUN and its tasks, as `penstock run` prints them."""
    found = ask(place, "runs_show", run=run, xcoms=xcoms)
    emit(found, as_json, lambda: print_run(found))


@command.command("cancel")
@click.argument("run")
@place_options
@json_option
def cancel(place: Place, run: str, as_json: bool) -> None:
    """Stop RUN: what runs is killed, what waits is skipped. A run that is over stays as it is."""
    found = ask(place, "runs_cancel", run=run, by="penstock runs cancel")
    emit(found, as_json, lambda: print_run(found))
