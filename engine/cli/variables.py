"""`penstock variables`: texts that tasks read as `{{ var.value.KEY }}`."""

from __future__ import annotations

import click

from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.output import emit, json_option, table


@click.group("variables")
def command() -> None:
    """Set, get, list and delete variables."""


@command.command("set")
@click.argument("key")
@click.argument("value")
@place_options
@json_option
def set_(place: Place, key: str, value: str, as_json: bool) -> None:
    """Set variable KEY to VALUE, a text."""
    found = ask(place, "variable_set", key=key, value=value)
    emit(found, as_json, lambda: click.echo(f"variable {key}: set"))


@command.command("get")
@click.argument("key")
@place_options
@json_option
def get(place: Place, key: str, as_json: bool) -> None:
    """Print the value of variable KEY."""
    found = ask(place, "variable_get", key=key)
    emit(found, as_json, lambda: click.echo(found["value"]))


@command.command("list")
@place_options
@json_option
def list_(place: Place, as_json: bool) -> None:
    """List the variables."""
    found = ask(place, "variable_list")
    rows = [(variable["key"], variable["value"]) for variable in found]
    emit(found, as_json, lambda: table(("key", "value"), rows, empty="There are no variables."))


@command.command("delete")
@click.argument("key")
@place_options
@json_option
def delete(place: Place, key: str, as_json: bool) -> None:
    """Delete variable KEY."""
    found = ask(place, "variable_delete", key=key)
    emit(found, as_json, lambda: click.echo(f"variable {key}: deleted"))
