"""`penstock providers`: Airflow's provider packages beside Penstock: install them, try them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli.output import emit, json_option, table

if TYPE_CHECKING:
    from penstock.airflow.trial import ProviderTrial


@click.group("providers")
def command() -> None:
    """Install Airflow's provider packages, and see which of their modules work here."""


@command.command("check")
@click.argument("names", nargs=-1)
@json_option
def check(names: tuple[str, ...], as_json: bool) -> None:
    """Import the modules of the installed providers (or of NAMES) and say which fail, and why.

    Hooks, operators, sensors, transfers and triggers, in child processes. Exit code 1 if one of
    them does not import.
    """
    from penstock.airflow.trial import try_installed

    found = list(try_installed(names))
    failed = any(provider.failed for provider in found)
    document = {"ok": not failed, "providers": found}
    emit(document, as_json, lambda: _print(found))
    if failed:
        click.get_current_context().exit(1)


def _print(found: list[ProviderTrial]) -> None:
    rows = [
        (one.package, one.version, len(one.modules), len(one.modules) - len(one.failed))
        for one in found
    ]
    empty = "No provider is installed. See: penstock providers install --help"
    table(("provider", "version", "modules", "import"), rows, empty=empty)
    for provider in found:
        reasons: dict[str, list[str]] = {}
        for module in provider.failed:
            reasons.setdefault(module.why, []).append(module.module)
        for why, modules in sorted(reasons.items(), key=lambda row: -len(row[1])):
            click.echo()
            click.secho(f"{provider.package}, {len(modules)} of its modules: {why}", fg="yellow")
            for name in modules:
                click.echo(f"  {name}")


@command.command("install")
@click.argument("names", nargs=-1, required=True)
@json_option
def install(names: tuple[str, ...], as_json: bool) -> None:
    """Install provider packages and what they need, without Airflow.

    NAMES are as in amazon, http, common-sql; a version may be asked for: amazon==9.39.0. Exit
    code 1 if a library that a provider wants cannot be installed.
    """
    from penstock.airflow.installing import install

    found = install(names)

    def render() -> None:
        table(("provider", "version"), sorted(found.providers.items()))
        if found.libraries:
            click.echo(f"and for them: {', '.join(found.libraries)}")
        if found.failed:
            click.secho(f"not installed: {', '.join(found.failed)}", fg="red")
            click.echo("Why not stands above; most of the provider works without.", err=True)
        click.echo("Now see: penstock providers check", err=True)

    emit(found, as_json, render)
    if found.failed:
        click.get_current_context().exit(1)
