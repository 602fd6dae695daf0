"""`penstock connections`: where services are and how one is let in, as `{{ conn.ID.host }}`."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import click

from penstock.cli.daemon import Place, ask, place_options
from penstock.cli.moving import existing_option, format_option, set_all, write_all
from penstock.cli.output import emit, fields, json_option, table
from penstock.errors import UsageError


@click.group("connections")
def command() -> None:
    """Set, get, list and delete connections; move them in files."""


@command.command("set")
@click.argument("conn_id")
@click.option("--uri", "--conn-uri", metavar="URI", help="All in one: type://login:password@host")
@click.option("--fields", "--conn-json", "as_fields", metavar="JSON", help="All in one, an object.")
@click.option("--type", "--conn-type", "conn_type", metavar="TYPE", help="As postgres, aws, http.")
@click.option("--host", "--conn-host", metavar="HOST")
@click.option("--port", "--conn-port", metavar="PORT")
@click.option("--login", "--conn-login", metavar="LOGIN")
@click.option("--password", "--conn-password", metavar="PASSWORD", help="-: read from stdin.")
@click.option("--schema", "--conn-schema", metavar="SCHEMA")
@click.option("--extra", "--conn-extra", metavar="JSON", help="What the type needs beyond these.")
@click.option("--description", "--conn-description", metavar="TEXT", help="What it is for.")
@place_options
@json_option
def set_(
    place: Place, conn_id: str, uri: str | None, as_fields: str | None, as_json: bool, **rest: Any
) -> None:
    """Set connection CONN_ID: by its parts, by --uri or by --fields (-: read it from stdin).

    Arguments can be seen by others on this machine; what is secret is better read from stdin.
    """
    found = ask(
        place, "connection_set", conn_id=conn_id, fields=_said(conn_id, uri, as_fields, rest)
    )
    emit(found, as_json, lambda: click.echo(f"connection {conn_id}: set"))


def _said(
    conn_id: str, uri: str | None, as_fields: str | None, rest: dict[str, Any]
) -> dict[str, Any]:
    """Return the fields that the command line says. Raises UsageError."""
    from penstock.authoring.connections import Connection, ConnectionFieldsError

    parts = {name: value for name, value in rest.items() if value is not None}
    description = parts.pop("description", None)
    if [uri is not None, as_fields is not None, bool(parts)].count(True) != 1:
        raise UsageError("Say the connection in one way: by --uri, by --fields, or by its parts.")
    try:
        if uri is not None:
            made = Connection.from_uri(_from_stdin(uri), conn_id)
        elif as_fields is not None:
            made = Connection.from_json(_from_stdin(as_fields), conn_id)
        else:
            if "password" in parts:
                parts["password"] = _from_stdin(parts["password"])
            made = Connection.from_fields(conn_id, parts)
    except ConnectionFieldsError as error:
        raise UsageError(str(error)) from None
    if not made.conn_type:
        raise UsageError(f"Connection {conn_id!r} needs a type: --type, or the URI's beginning.")
    made.description = description or made.description
    return made.fields()


def _from_stdin(text: str) -> str:
    return sys.stdin.read().removesuffix("\n") if text == "-" else text


@command.command("get")
@click.argument("conn_id")
@click.option("--show", is_flag=True, help="Show what is secret too, and the URI.")
@place_options
@json_option
def get(place: Place, conn_id: str, show: bool, as_json: bool) -> None:
    """Print connection CONN_ID."""
    found = ask(place, "connection_get", conn_id=conn_id, show=show)
    if show:
        from penstock.authoring.connections import Connection

        found["uri"] = Connection.from_fields(conn_id, found).get_uri()
    emit(found, as_json, lambda: fields(found.items()))


@command.command("list")
@place_options
@json_option
def list_(place: Place, as_json: bool) -> None:
    """List the connections; what is secret in them is masked."""
    found = ask(place, "connection_list")
    heads = ("conn_id", "conn_type", "host", "port", "login", "schema")
    rows = [
        (one["conn_id"], one["error"], *[None] * 4)
        if "error" in one
        else [one.get(head) for head in heads]
        for one in found
    ]
    emit(found, as_json, lambda: table(heads, rows, empty="There are no connections."))


@command.command("delete")
@click.argument("conn_id")
@place_options
@json_option
def delete(place: Place, conn_id: str, as_json: bool) -> None:
    """Delete connection CONN_ID."""
    found = ask(place, "connection_delete", conn_id=conn_id)
    emit(found, as_json, lambda: click.echo(f"connection {conn_id}: deleted"))


@command.command("import")
@click.argument("file")
@existing_option
@place_options
@json_option
def import_(place: Place, file: str, existing: str, as_json: bool) -> None:
    """Set the connections that FILE has: JSON, YAML or .env, as Airflow exports them (-: stdin)."""
    from penstock.cli.exchange import read_connections

    set_all(place, "connections", read_connections(file), existing, as_json=as_json)


@command.command("export")
@click.argument("file")
@format_option
@click.option(
    "--serialization-format",
    type=click.Choice(("uri", "json")),
    default="uri",
    help="What stands behind each name in .env.",
)
@place_options
@json_option
def export(
    place: Place, file: str, named: str | None, serialization_format: str, as_json: bool
) -> None:
    """Write every connection, passwords too, to FILE (-: stdout), as Airflow does."""
    from penstock.cli.exchange import connections_text

    text_of = partial(connections_text, as_json=serialization_format == "json")
    write_all(place, "connections", file, named, text_of, as_json=as_json)
