"""Variables and connections: checked and sealed before they are facts, opened for who may see them.

What is kept of either is one sealed text (`penstock.store.vault`) of a JSON object: of a variable
its value and description, of a connection its fields. Answers mask what looks secret by its name,
unless they were asked to show it; exports are for moving, and show everything.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from penstock.authoring.masking import MASK, is_sensitive, redacted_json
from penstock.coordinator.reads import Args, UnknownThingError
from penstock.errors import UsageError
from penstock.events.questions import (
    Answer,
    AskConnection,
    AskKeys,
    AskVariable,
    ConnectionFound,
    KeysFound,
    Question,
    Refused,
    VariableFound,
)
from penstock.events.types import ConnectionSet, Event, VariableSet
from penstock.store.vault import SecretKeyError, Vault, is_sealed

if TYPE_CHECKING:
    from penstock.coordinator.api import Coordinating
    from penstock.store.reading import Reading

MOST_BYTES = 1024 * 1024
"""Of one value, or of one connection: it goes to tasks in one message."""

EXISTING = ("overwrite", "fail", "skip")
"""What an import does with what is there already."""


def a_name(what: str, text: Any) -> str:
    """Return what a new thing is called. Raises UsageError for what nobody could say again."""
    name = str(text)
    if not name.strip() or not name.isprintable() or len(name) > 250:
        raise UsageError(f"A {what} needs a name of 1 to 250 printable characters; not {name!r}.")
    return name


# ---------------------------------------------------------------- what is kept


def seal_variable(vault: Vault, key: str, value: Any, description: Any = None) -> str:
    """Return a variable as it is kept. Raises UsageError, SecretKeyError."""
    if not isinstance(value, str):
        raise UsageError(f"The value of variable {key!r} has to be a text.")
    kept = {"value": value} | ({"description": str(description)} if description else {})
    return _seal(vault, f"variable {key!r}", kept)


def open_variable(vault: Vault, key: str, kept: str) -> dict[str, Any]:
    """Return `value` and, if it has one, `description`. Raises SecretKeyError."""
    if not is_sealed(kept):
        return {"value": kept}
    found: dict[str, Any] = json.loads(vault.open(kept, f"variable {key!r}"))
    return found


def seal_connection(vault: Vault, conn_id: str, fields: Any) -> str:
    """Return a connection as it is kept. Raises UsageError, SecretKeyError."""
    from penstock.authoring.connections import Connection, ConnectionFieldsError

    if not isinstance(fields, dict):
        raise UsageError(f"The fields of connection {conn_id!r} have to be a JSON object.")
    try:
        checked = Connection.from_fields(conn_id, fields)
    except ConnectionFieldsError as error:
        raise UsageError(str(error)) from None
    return _seal(vault, f"connection {conn_id!r}", checked.fields())


def open_connection(vault: Vault, conn_id: str, kept: str) -> dict[str, Any]:
    """Return a connection's fields, those that are set. Raises SecretKeyError."""
    found: dict[str, Any] = json.loads(vault.open(kept, f"connection {conn_id!r}"))
    return found


def _seal(vault: Vault, what: str, kept: dict[str, Any]) -> str:
    try:
        text = json.dumps(kept, ensure_ascii=False)
        size = len(text.encode())
    except UnicodeEncodeError:
        raise UsageError(f"The {what} has half a character, that UTF-8 cannot say.") from None
    if size > MOST_BYTES:
        raise UsageError(f"The {what} has {size:,} bytes; {MOST_BYTES:,} are the most.")
    return vault.seal(text)


def answer_kept(
    vault: Vault, variables: Mapping[str, str], connections: Mapping[str, str], question: Question
) -> Answer:
    """Answer what a task or a DAG file asks of what is kept. Raises SecretKeyError."""
    if isinstance(question, AskKeys):
        prefix = question.prefix
        return KeysFound(keys=tuple(sorted(key for key in variables if key.startswith(prefix))))
    if isinstance(question, AskConnection):
        kept = connections.get(question.conn_id)
        fields = None if kept is None else open_connection(vault, question.conn_id, kept)
        return ConnectionFound(fields=fields)
    if isinstance(question, AskVariable):
        kept = variables.get(question.key)
        found = None if kept is None else open_variable(vault, question.key, kept)["value"]
        return VariableFound(value=found)
    return Refused(why="That can only be asked while a task runs.")


# ---------------------------------------------------------------- questions


def variable_list(reading: Reading, args: Args) -> Any:
    """Answer every variable; values that look secret are masked."""
    return [
        _variable_shown(reading.vault, key, kept)
        for key, kept in sorted(reading.variables().items())
    ]


def _variable_shown(vault: Vault, key: str, kept: str) -> Any:
    try:
        found = open_variable(vault, key, kept)
    except SecretKeyError as error:
        return {"key": key, "value": None, "error": str(error)}
    return {"key": key, **found, "value": _masked(key, found["value"])}


def variable_get(reading: Reading, args: Args) -> Any:
    """Answer a variable. Without `show` a secret one is masked, and `masked` says so."""
    key = str(args["key"])
    found = open_variable(reading.vault, key, the_kept("variable", reading.variables(), key))
    value = found["value"] if args.get("show") else _masked(key, found["value"])
    return {"key": key, **found, "value": value, "masked": value != found["value"]}


def variable_export(reading: Reading, args: Args) -> Any:
    """Answer {key: {value, description}} of every variable, unmasked."""
    kept = reading.variables()
    return {key: open_variable(reading.vault, key, kept[key]) for key in sorted(kept)}


def connection_list(reading: Reading, args: Args) -> Any:
    """Answer every connection: passwords and what looks secret in `extra` are masked."""
    return [
        _connection_shown(reading.vault, conn_id, kept)
        for conn_id, kept in sorted(reading.connections().items())
    ]


def _connection_shown(vault: Vault, conn_id: str, kept: str) -> Any:
    try:
        found = open_connection(vault, conn_id, kept)
    except SecretKeyError as error:
        return {"conn_id": conn_id, "conn_type": None, "error": str(error)}
    return {"conn_id": conn_id, **masked_fields(found)}


def connection_get(reading: Reading, args: Args) -> Any:
    """Answer a connection; with `show` also what is secret in it."""
    conn_id = str(args["conn_id"])
    kept = the_kept("connection", reading.connections(), conn_id)
    found = open_connection(reading.vault, conn_id, kept)
    return {"conn_id": conn_id, **(found if args.get("show") else masked_fields(found))}


def connection_export(reading: Reading, args: Args) -> Any:
    """Answer {conn_id: fields} of every connection, unmasked."""
    kept = reading.connections()
    return {
        conn_id: open_connection(reading.vault, conn_id, kept[conn_id]) for conn_id in sorted(kept)
    }


READS = {
    "variable_list": variable_list,
    "variable_get": variable_get,
    "variable_export": variable_export,
    "connection_list": connection_list,
    "connection_get": connection_get,
    "connection_export": connection_export,
}


def the_kept(what: str, kept: Mapping[str, str], name: str) -> str:
    """Return what is kept under a name. Raises UnknownThingError."""
    if name not in kept:
        raise UnknownThingError(f"There is no {what} {name!r}. Set it: penstock {what}s set")
    return kept[name]


def _masked(key: str, value: str) -> str:
    return MASK if value and is_sensitive(key) else redacted_json(value)


def masked_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a connection's fields as people may see them."""
    shown = dict(fields)
    if shown.get("password"):
        shown["password"] = MASK
    if shown.get("extra"):
        # What is no JSON has no names to go by.
        shown["extra"] = redacted_json(shown["extra"], otherwise=MASK)
    return shown


# ---------------------------------------------------------------- changes


async def variable_set(coordinator: Coordinating, args: Args) -> Any:
    key = a_name("variable", args["key"])
    kept = seal_variable(coordinator.reading.vault, key, args["value"], args.get("description"))
    await coordinator.propose(VariableSet(key=key, value=kept, by=str(args.get("by", ""))))
    return {"key": key}


async def variable_delete(coordinator: Coordinating, args: Args) -> Any:
    key = str(args["key"])
    the_kept("variable", coordinator.state.variables, key)
    await coordinator.propose(VariableSet(key=key, value=None, by=str(args.get("by", ""))))
    return {"key": key, "deleted": True}


async def connection_set(coordinator: Coordinating, args: Args) -> Any:
    conn_id = a_name("connection", args["conn_id"])
    kept = seal_connection(coordinator.reading.vault, conn_id, args["fields"])
    fact = ConnectionSet(conn_id=conn_id, value=kept, by=str(args.get("by", "")))
    await coordinator.propose(fact)
    return {"conn_id": conn_id}


async def connection_delete(coordinator: Coordinating, args: Args) -> Any:
    conn_id = str(args["conn_id"])
    the_kept("connection", coordinator.state.connections, conn_id)
    fact = ConnectionSet(conn_id=conn_id, value=None, by=str(args.get("by", "")))
    await coordinator.propose(fact)
    return {"conn_id": conn_id, "deleted": True}


async def variables_import(coordinator: Coordinating, args: Args) -> Any:
    """Set `variables`, {key: {value, description}}; all are checked before the first one is set."""
    vault, by = coordinator.reading.vault, str(args.get("by", ""))
    wanted, skipped = _wanted("variable", args["variables"], coordinator.state.variables, args)
    facts: list[Event] = [
        VariableSet(
            key=key, value=seal_variable(vault, key, one["value"], one.get("description")), by=by
        )
        for key, one in wanted.items()
    ]
    await asyncio.gather(*map(coordinator.propose, facts))
    return {"set": sorted(wanted), "skipped": skipped}


async def connections_import(coordinator: Coordinating, args: Args) -> Any:
    """Set `connections`, {conn_id: fields}; all are checked before the first one is set."""
    vault, by = coordinator.reading.vault, str(args.get("by", ""))
    there = coordinator.state.connections
    wanted, skipped = _wanted("connection", args["connections"], there, args)
    facts: list[Event] = [
        ConnectionSet(conn_id=conn_id, value=seal_connection(vault, conn_id, fields), by=by)
        for conn_id, fields in wanted.items()
    ]
    await asyncio.gather(*map(coordinator.propose, facts))
    return {"set": sorted(wanted), "skipped": skipped}


def _wanted(
    what: str, given: dict[str, Any], there: Mapping[str, str], args: Args
) -> tuple[dict[str, Any], list[str]]:
    """Return what of an import is to be set, and the names that are left as they are."""
    existing = args.get("existing", "overwrite")
    if existing not in EXISTING:
        raise UsageError(f"What is there already is left to one of {', '.join(EXISTING)}.")
    known = sorted(name for name in given if name in there)
    if known and existing == "fail":
        raise UsageError(
            f"Nothing was imported: there is already {what} {', '.join(map(repr, known[:10]))}."
        )
    skipped = known if existing == "skip" else []
    wanted = {a_name(what, name): one for name, one in given.items() if name not in skipped}
    return wanted, skipped


async def secrets_rotate(coordinator: Coordinating, args: Args) -> Any:
    """Make a new key, unless the environment names one, and seal everything anew with the first.

    What an earlier key sealed stays in the log until that is trimmed: keep the key as long.
    """
    vault, by = coordinator.reading.vault, str(args.get("by", ""))
    state = coordinator.state
    variables = {key: open_variable(vault, key, kept) for key, kept in state.variables.items()}
    connections = {
        key: open_connection(vault, key, kept) for key, kept in state.connections.items()
    }
    if not vault.is_named:
        vault.add_key()
    facts: list[Event] = [
        VariableSet(key=key, value=seal_variable(vault, key, **one), by=by)
        for key, one in variables.items()
    ]
    facts += [
        ConnectionSet(conn_id=conn_id, value=seal_connection(vault, conn_id, fields), by=by)
        for conn_id, fields in connections.items()
    ]
    await asyncio.gather(*map(coordinator.propose, facts))
    return {"variables": len(variables), "connections": len(connections)}


CHANGES = {
    "variable_set": variable_set,
    "variable_delete": variable_delete,
    "variables_import": variables_import,
    "connection_set": connection_set,
    "connection_delete": connection_delete,
    "connections_import": connections_import,
    "secrets_rotate": secrets_rotate,
}
