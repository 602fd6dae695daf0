"""`penstock version`."""

from __future__ import annotations

import sys

import click

from penstock.cli.output import emit, json_option


def version() -> str:
    """Return the version of the installed package."""
    from importlib.metadata import version as of

    return of("penstock")


@click.command("version")
@json_option
def command(as_json: bool) -> None:
    """Print the versions of Penstock and of the Python that runs it."""
    found = {"penstock": version(), "python": sys.version.split()[0]}
    emit(found, as_json, lambda: click.echo(f"penstock {found['penstock']}"))
