"""`penstock secrets`: the key that variables and connections are sealed with."""

from __future__ import annotations

import click

from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.output import emit, json_option


@click.group("secrets")
def command() -> None:
    """Look after the key that variables and connections are sealed with."""


@command.command("new-key")
def new_key() -> None:
    """Print a new key, for PENSTOCK_SECRET_KEY. Nothing is changed."""
    from penstock.store import vault

    click.echo(vault.new_key())


@command.command("rotate")
@place_options
@json_option
def rotate(place: Place, as_json: bool) -> None:
    """Seal every variable and connection anew, with a new key.

    Where PENSTOCK_SECRET_KEY names keys, its first one is the new key: put it there, before the old
    one, and start the coordinator again first. Else one is made, in the state folder's secret.key.
    """
    found = ask(place, "secrets_rotate")
    said = f"sealed anew: {found['variables']} variables, {found['connections']} connections"
    emit(found, as_json, lambda: click.echo(said))
