"""`penstock dags`: which DAGs there are, when they run, what is wrong with their files."""

from __future__ import annotations

from typing import Any

import click

from penstock.cli import dagcheck, dagtest
from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.output import emit, fields, json_option, table
from penstock.cli.times import short


@click.group("dags")
def command() -> None:
    """List, show, check, test, pause and unpause DAGs."""


command.add_command(dagcheck.command)
command.add_command(dagtest.command)


@command.command("list")
@place_options
@json_option
def list_(place: Place, as_json: bool) -> None:
    """List the DAGs."""
    found = ask(place, "dags_list")
    rows = [
        (
            dag["dag_id"],
            dag["schedule"] or "",
            "gone" if dag["gone"] else "paused" if dag["paused"] else "on",
            dag["tasks"],
            dag["file"],
        )
        for dag in found
    ]
    heads = ("DAG", "schedule", "state", "tasks", "file")
    empty = "There are no DAGs. See: penstock dags errors"
    emit(found, as_json, lambda: table(heads, rows, empty=empty))
    warned = sum(bool(dag["warnings"]) for dag in found if not dag["gone"])
    if warned:
        many = "1 DAG has" if warned == 1 else f"{warned} DAGs have"
        click.echo(f"{many} warnings. See: penstock dags errors", err=True)


@command.command("show")
@click.argument("dag_id")
@place_options
@json_option
def show(place: Place, dag_id: str, as_json: bool) -> None:
    """Show DAG_ID: its schedule, its params, its tasks and what each waits for."""
    found = ask(place, "dags_show", dag_id=dag_id)
    emit(found, as_json, lambda: _show(found))


def _show(dag: dict[str, Any]) -> None:
    tasks = dag["tasks"]
    fields(
        [
            *((name, dag[name]) for name in ("dag_id", "description", "file", "line")),
            ("schedule", _schedule(dag["schedule"])),
            ("state", "gone" if dag["gone"] else "paused" if dag["paused"] else "on"),
            ("last tick", dag["last_tick"]),
            ("params", {name: param.get("value") for name, param in dag["params"].items()}),
            ("tags", dag["tags"]),
            ("runs", [f"{number} {state}" for state, number in dag["runs"].items()]),
            ("version", dag["version"]),
            ("versions", len(dag["versions"])),
        ]
    )
    click.echo()
    rows = [
        (task["task_id"], task["operator"], task["trigger_rule"], list(task["upstream"]))
        for task in tasks
    ]
    table(("task", "operator", "rule", "after"), rows)
    for warning in dag["warnings"]:
        click.secho(f"warning: {warning}", fg="yellow", err=True)


def _schedule(schedule: dict[str, Any]) -> str:
    """As the author wrote it; a cron expression with its time zone, which decides what it means."""
    said = schedule["said"] or schedule["kind"]
    return f"{said} ({schedule['timezone']})" if schedule["cron"] else said


@command.command("errors")
@place_options
@json_option
def errors(place: Place, as_json: bool) -> None:
    """List the DAG files that cannot be parsed, and why. Exit code 1 if there are any.

    What a file that parses asks for in vain is listed, too, as warnings.
    """
    found = ask(place, "dags_errors")
    there = [dag for dag in ask(place, "dags_list") if not dag["gone"]]
    warned = [warning for dag in there for warning in dag["warnings"]]

    def render() -> None:
        for one in found:
            line = f":{one['line']}" if one["line"] else ""
            click.secho(f"{one['file']}{line}", bold=True)
            click.echo(f"  {one['error']}")
        for warning in warned:
            click.echo(f"{click.style('warning', fg='yellow')}: {warning}")
        if not found:
            click.echo("Every DAG file parses.", err=True)

    emit(found, as_json, render)
    if found:
        click.get_current_context().exit(1)


@command.command("pause")
@click.argument("dag_id")
@place_options
@json_option
def pause(place: Place, dag_id: str, as_json: bool) -> None:
    """Switch the schedule of DAG_ID off. Runs that are under way go on."""
    _switch(place, dag_id, True, as_json)


@command.command("unpause")
@click.argument("dag_id")
@place_options
@json_option
def unpause(place: Place, dag_id: str, as_json: bool) -> None:
    """Switch the schedule of DAG_ID on."""
    _switch(place, dag_id, False, as_json)


def _switch(place: Place, dag_id: str, paused: bool, as_json: bool) -> None:
    found = ask(place, "dags_pause", dag_id=dag_id, paused=paused, by="penstock dags")
    word = "paused" if found["paused"] else "on"
    emit(found, as_json, lambda: click.echo(f"{dag_id}: {word}"))


@command.command("next")
@click.argument("dag_id")
@click.option("--count", type=click.IntRange(1, 1000), default=1, show_default=True)
@place_options
@json_option
def next_(place: Place, dag_id: str, count: int, as_json: bool) -> None:
    """Say when DAG_ID runs next by its schedule."""
    found = ask(place, "dags_next", dag_id=dag_id, count=count)

    def render() -> None:
        rows = [
            [
                short(tick[name])
                for name in ("logical_date", "interval_start", "interval_end", "run_after")
            ]
            for tick in found["next"]
        ]
        if rows:
            click.echo(f"{dag_id}: {found['schedule']}")
        heads = ("logical date (UTC)", "interval from", "to", "runs from")
        table(heads, rows, empty=f"{dag_id}: no run comes by its schedule ({found['schedule']}).")
        if found["paused"]:
            click.echo(f"{dag_id} is paused: nothing runs until `penstock dags unpause`.", err=True)

    emit(found, as_json, render)
