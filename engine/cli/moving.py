"""`penstock import airflow`, and what the verbs that import and export files have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.output import emit, json_option
from penstock.errors import UsageError

existing_option = click.option(
    "--existing",
    "--action-on-existing-key",
    type=click.Choice(("overwrite", "fail", "skip")),
    default="overwrite",
    show_default=True,
    help="What to do with those that are there already.",
)

format_option = click.option(
    "--format",
    "--file-format",
    "named",
    type=click.Choice(("json", "yaml", "env")),
    help="Else by FILE's ending.",
)


def set_all(
    place: Place, what: str, things: Mapping[str, Any], existing: str, *, as_json: bool
) -> None:
    """Set what a file has of `variables` or `connections`, and say what became of it."""
    found = ask(place, f"{what}_import", **{what: things}, existing=existing)
    emit(found, as_json, lambda: _say(what, found))


def write_all(
    place: Place,
    what: str,
    file: str,
    named: str | None,
    text_of: Callable[[Mapping[str, Any], str], str],
    *,
    as_json: bool,
) -> None:
    """Write all `variables` or `connections` to a file (-: stdout), in the form that it names.

    text_of: makes its text of them and that form. Raises UsageError.
    """
    from penstock.cli.exchange import kind_of, write

    kind = kind_of(file, named)
    found = ask(place, f"{what.removesuffix('s')}_export")
    write(file, text_of(found, kind))
    if file != "-":
        said = {"file": file, "exported": sorted(found)}
        emit(said, as_json, lambda: click.echo(f"{file}: {len(found)} {what}"))


def _say(what: str, found: dict[str, Any]) -> None:
    click.echo(f"{what} set: {len(found['set'])}")
    if found["skipped"]:
        click.echo(f"{what} left as they are: {', '.join(found['skipped'])}")


@click.group("import")
def command() -> None:
    """Take over what another orchestrator kept."""


@command.command("airflow")
@click.option("--variables", metavar="FILE", help="Of: airflow variables export FILE")
@click.option("--connections", metavar="FILE", help="Of: airflow connections export FILE")
@click.option("--pools", metavar="FILE", help="Of: airflow pools export FILE")
@existing_option
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

    def render() -> None:
        for what, done in found.items():
            _say(what, done)

    emit(found, as_json, render)
