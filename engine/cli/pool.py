"""`penstock pool`: limits, in slots, that tasks of any DAG share."""

from __future__ import annotations

import click

from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.output import emit, json_option, table


@click.group("pool")
def command() -> None:
    """Set, list and delete pools."""


@command.command("set")
@click.argument("name")
@click.argument("slots", type=int)
@place_options
@json_option
def set_(place: Place, name: str, slots: int, as_json: bool) -> None:
    """Give pool NAME so many SLOTS, making it if need be (after `--`, -1: no limit)."""
    found = ask(place, "pool_set", name=name, slots=slots)
    emit(found, as_json, lambda: click.echo(f"pool {name}: {slots} slots"))


@command.command("list")
@place_options
@json_option
def list_(place: Place, as_json: bool) -> None:
    """List the pools."""
    found = ask(place, "pool_list")
    rows = [(pool["name"], pool["slots"]) for pool in found]
    emit(found, as_json, lambda: table(("pool", "slots"), rows))


@command.command("delete")
@click.argument("name")
@place_options
@json_option
def delete(place: Place, name: str, as_json: bool) -> None:
    """Delete pool NAME. Tasks that ask for it wait until there is one again."""
    found = ask(place, "pool_delete", name=name)
    emit(found, as_json, lambda: click.echo(f"pool {name}: deleted"))
