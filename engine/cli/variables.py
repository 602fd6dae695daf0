"""`penstock variables`: texts that tasks read as `{{ var.value.KEY }}`."""

from __future__ import annotations

import sys
from typing import Any

import click

from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.output import emit, json_option, table
from penstock.errors import UsageError

EXISTING = click.Choice(("overwrite", "fail", "skip"))


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
@click.option(
    "--existing",
    "--action-on-existing-key",
    type=EXISTING,
    default="overwrite",
    show_default=True,
    help="What to do with those that are there already.",
)
@place_options
@json_option
def import_(place: Place, file: str, existing: str, as_json: bool) -> None:
    """Set the variables that FILE has: JSON, YAML or .env, as Airflow exports them (-: stdin)."""
    from penstock.cli.exchange import read_variables

    found = ask(place, "variables_import", variables=read_variables(file), existing=existing)
    emit(found, as_json, lambda: say_imported("variable", found))


@command.command("export")
@click.argument("file")
@click.option(
    "--format", "named", type=click.Choice(("json", "yaml", "env")), help="Else by FILE's ending."
)
@place_options
@json_option
def export(place: Place, file: str, named: str | None, as_json: bool) -> None:
    """Write every variable, secret ones too, to FILE (-: stdout), as Airflow does."""
    from penstock.cli.exchange import kind_of, variables_text, write

    kind = kind_of(file, named)
    found = ask(place, "variable_export")
    write(file, variables_text(found, kind))
    if file != "-":
        said = {"file": file, "exported": sorted(found)}
        emit(said, as_json, lambda: click.echo(f"{file}: {len(found)} variables"))


def say_imported(what: str, found: dict[str, Any]) -> None:
    """Say what an import did."""
    click.echo(f"{what}s set: {len(found['set'])}")
    if found["skipped"]:
        click.echo(f"{what}s left as they are: {', '.join(found['skipped'])}")
