"""`penstock import airflow`: what another Airflow kept, from the files that it exports."""

from __future__ import annotations

from typing import Any

import click

from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.output import emit, json_option
from penstock.cli.variables import EXISTING, say_imported
from penstock.errors import UsageError


@click.group("import")
def command() -> None:
    """Take over what another orchestrator kept."""


@command.command("airflow")
@click.option("--variables", metavar="FILE", help="Of: airflow variables export FILE")
@click.option("--connections", metavar="FILE", help="Of: airflow connections export FILE")
@click.option("--pools", metavar="FILE", help="Of: airflow pools export FILE")
@click.option(
    "--existing",
    type=EXISTING,
    default="overwrite",
    show_default=True,
    help="What to do with variables and connections that are there already.",
)
@place_options
@json_option
def airflow(
    place: Place,
    variables: str | None,
    connections: str | None,
    pools: str | None,
    existing: str,
    as_json: bool,
) -> None:
    """Set the variables, connections and pools that Airflow has exported.

    All files are read before anything is set.
    """
    from penstock.cli.exchange import read_connections, read_pools, read_variables

    if not (variables or connections or pools):
        raise UsageError("Name what to import: --variables, --connections, --pools.")
    slots = read_pools(pools) if pools else {}
    given: dict[str, Any] = {}
    if variables:
        given["variables"] = read_variables(variables)
    if connections:
        given["connections"] = read_connections(connections)
    found: dict[str, Any] = {
        what: ask(place, f"{what}_import", **{what: things}, existing=existing)
        for what, things in given.items()
    }
    for name, number in slots.items():
        ask(place, "pool_set", name=name, slots=number)
    if pools:
        found["pools"] = {"set": sorted(slots), "skipped": []}
    emit(found, as_json, lambda: _say(found))


def _say(found: dict[str, Any]) -> None:
    for what, done in found.items():
        say_imported(what.removesuffix("s"), done)
