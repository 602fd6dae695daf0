"""`penstock access`: which other services may publish triggers and hear of runs."""

from __future__ import annotations

import click

from penstock.cli.daemon import home_option
from penstock.cli.output import emit, fields, json_option, table
from penstock.home import Home

ROLES = ("publisher", "subscriber", "both", "admin")


@click.group("access")
def command() -> None:
    """Let other services in, or shut them out."""


@command.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="both", show_default=True)
@home_option
@json_option
def add(home: Home, name: str, role: str, as_json: bool) -> None:
    """Let the service NAME in; its key is printed once and kept nowhere.

    publisher: may trigger runs. subscriber: may hear of runs. admin: everything that this command
    line does.
    """
    from penstock.events.access import add_user
    from penstock.events.lock import holder

    home.check()
    added = add_user(home.folder, name, role)  # type: ignore[arg-type]  # click has checked it
    found = {"url": added.url, "nkey_seed": added.nkey_seed}

    def show() -> None:
        fields(found.items())
        click.echo("This key is shown once. Keep it where the service finds it.", err=True)
        if not added.url:
            click.echo("The address is known once `penstock up` runs here.", err=True)

    emit(found, as_json, show)
    if added.url and holder(home.folder) is None:
        click.echo(
            "No Penstock runs here now: the address is the last start's; the next one has it "
            "only if it is given the same --nats-port.",
            err=True,
        )


@command.command("list")
@home_option
@json_option
def list_(home: Home, as_json: bool) -> None:
    """List the services that have access."""
    from penstock.events.access import read_users

    found = [
        {"name": user.name, "role": user.role, "public_key": user.key}
        for user in read_users(home.folder)
    ]
    rows = [tuple(user.values()) for user in found]
    heads = ("name", "role", "public key")
    emit(found, as_json, lambda: table(heads, rows, empty="No service has access."))


@command.command("remove")
@click.argument("name")
@home_option
@json_option
def remove(home: Home, name: str, as_json: bool) -> None:
    """Shut the service NAME out, at once."""
    from penstock.events.access import remove_user

    remove_user(home.folder, name)
    found = {"name": name, "removed": True}
    emit(found, as_json, lambda: click.echo(f"{name}: has no access any more"))
