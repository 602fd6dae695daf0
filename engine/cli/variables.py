"""`penstock variables`: texts that tasks read as `{{ var.value.KEY }}`."""

from __future__ import annotations

import sys

import click

from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.moving import existing_option, format_option, set_all, write_all
from penstock.cli.output import emit, json_option, table
from penstock.errors import UsageError


@click.group("variables")
def command() -> None:
    """Set, get, list and delete variables; move them in files."""


@command.command("set")
@click.argument("key")
@click.argument("value")
@click.option("--description", metavar="TEXT", help="What it is for.")
@place_options
@json_option
def set_(place: Place, key: str, value: str, description: str | None, as_json: bool) -> None:
    """Set variable KEY to VALUE, a text (-: read it from stdin, so that no one sees it)."""
    text = sys.stdin.read().removesuffix("\n") if value == "-" else value
    found = ask(place, "variable_set", key=key, value=text, description=description)
    emit(found, as_json, lambda: click.echo(f"variable {key}: set"))


@command.command("get")
@click.argument("key")
@click.option("--show", is_flag=True, help="Show it also if it looks like a secret.")
@place_options
@json_option
def get(place: Place, key: str, show: bool, as_json: bool) -> None:
    """Print the value of variable KEY."""
    found = ask(place, "variable_get", key=key, show=show)
    if found.pop("masked", False) and not as_json:
        raise UsageError(f"Variable {key!r} looks like a secret: --show prints it.")
    emit(found, as_json, lambda: click.echo(found["value"]))


@command.command("list")
@place_options
@json_option
def list_(place: Place, as_json: bool) -> None:
    """List the variables; values that look like secrets are masked."""
    found = ask(place, "variable_list")
    rows = [(one["key"], one.get("error") or one["value"], one.get("description")) for one in found]
    heads = ("key", "value", "description") if any(row[2] for row in rows) else ("key", "value")
    shown = [row[: len(heads)] for row in rows]
    emit(found, as_json, lambda: table(heads, shown, empty="There are no variables."))


@command.command("delete")
@click.argument("key")
@place_options
@json_option
def delete(place: Place, key: str, as_json: bool) -> None:
    """Delete variable KEY."""
    found = ask(place, "variable_delete", key=key)
    emit(found, as_json, lambda: click.echo(f"variable {key}: deleted"))


@command.command("import")
@click.argument("file")
@existing_option
@place_options
@json_option
def import_(place: Place, file: str, existing: str, as_json: bool) -> None:
    """Set the variables that FILE has: JSON, YAML or .env, as Airflow exports them (-: stdin)."""
    from penstock.cli.exchange import read_variables

    set_all(place, "variables", read_variables(file), existing, as_json=as_json)


@command.command("export")
@click.argument("file")
@format_option
@place_options
@json_option
def export(place: Place, file: str, named: str | None, as_json: bool) -> None:
    """Write every variable, secret ones too, to FILE (-: stdout), as Airflow does."""
    from penstock.cli.exchange import variables_text

    write_all(place, "variables", file, named, variables_text, as_json=as_json)
