"""Files of variables, connections and pools, as `airflow variables|connections|pools export` write
them: JSON, YAML, and lines NAME=VALUE in a file that ends in `.env`.

Such files hold secrets: they are written for their owner alone, and no sentence about what is wrong
in one shows what stands in it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.authoring.connections import Connection

FORMATS = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".env": "env"}

EXPORTED = ("conn_type", "description", "login", "password", "host", "port", "schema", "extra")
"""The fields of a connection, in the order of Airflow's exports."""


# ---------------------------------------------------------------- read


def read_variables(file: str) -> dict[str, dict[str, Any]]:
    """Return {key: {value, description}}: what is no text in the file becomes JSON."""
    found = {}
    for key, said in read(file).items():
        is_whole = isinstance(said, dict) and "value" in said
        value, description = (said["value"], said.get("description")) if is_whole else (said, None)
        text = value if isinstance(value, str) else json.dumps(value, indent=2)
        found[key] = {"value": text, "description": description}
    return found


def read_connections(file: str) -> dict[str, dict[str, Any]]:
    """Return {conn_id: fields}. A connection is a URI, JSON, or an object of its fields."""
    from penstock.authoring.connections import ConnectionFieldsError

    try:
        return {
            conn_id: connection_of(conn_id, said).fields() for conn_id, said in read(file).items()
        }
    except ConnectionFieldsError as error:
        raise UsageError(f"{file}: {error}") from None


def connection_of(conn_id: str, said: Any) -> Connection:
    """Return the Connection that a file has under an id. Raises ConnectionFieldsError."""
    from penstock.authoring.connections import Connection, ConnectionFieldsError

    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    if isinstance(said, str):
        read = Connection.from_json if said.lstrip().startswith("{") else Connection.from_uri
        return read(said.strip(), conn_id=conn_id)
    if not isinstance(said, dict):
        raise ConnectionFieldsError(
            f"connection {conn_id!r}: it has to be a URI, or an object of its fields."
        )
    return Connection.from_fields(conn_id, said)


def read_pools(file: str) -> dict[str, int]:
    """Return {name: slots}."""
    found = {}
    for name, said in read(file).items():
        slots = said.get("slots") if isinstance(said, dict) else None
        if not isinstance(slots, int) or isinstance(slots, bool) or slots < -1:
            raise UsageError(
                f"{file}: pool {name!r} has to have `slots`, a number; -1 for no limit."
            )
        found[name] = slots
    return found


def read(file: str) -> dict[str, Any]:
    """Return what a file says, by name. `-` is JSON on stdin. Raises UsageError."""
    kind = "json" if file == "-" else FORMATS.get(Path(file).suffix.lower())
    if kind is None:
        raise UsageError(f"{file}: a file to import ends in {', '.join(FORMATS)}.")
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise UsageError(f"{file}: the file cannot be read: {why}") from None
    found = READERS[kind](file, text)
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise UsageError(f"{file}: the file has to be one object, with a text for each name.")
    return found


def _read_json(file: str, text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise UsageError(f"{file}: the file is nested too deeply to be read.") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{file}:{error.lineno}: this is no JSON: {error.msg}") from None


def _read_yaml(file: str, text: str) -> Any:
    import yaml  # late: few need it

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or "it cannot be read"
        raise UsageError(f"{file}{line}: this is no YAML: {why}") from None


def _read_env(file: str, text: str) -> Any:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, _, value = line.partition("=")
        if not name or not value:
            raise UsageError(f"{file}:{number}: write this line as NAME=VALUE.")
        if name in found:
            raise UsageError(f"{file}:{number}: {name!r} is there twice.")
        found[name] = value
    return found


READERS: dict[str, Callable[[str, str], Any]] = {
    "json": _read_json,
    "yaml": _read_yaml,
    "env": _read_env,
}


# ---------------------------------------------------------------- write


def variables_text(variables: Mapping[str, Any], kind: str) -> str:
    """Return an export of {key: {value, description}}: JSON among the values is written as such."""
    plain = {key: _variable_plain(one) for key, one in variables.items()}
    if kind == "env":
        texts = {key: one["value"] for key, one in variables.items()}
        return _env_text(texts)
    return _text(plain, kind)


def _variable_plain(one: Mapping[str, Any]) -> Any:
    value: Any = one["value"]
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = value
    if isinstance(found, str):
        found = value  # a text in quotes keeps them
    has_value = isinstance(found, dict) and "value" in found  # it would be read as a whole variable
    if one.get("description") or has_value:
        return {"value": found, "description": one.get("description")}
    return found


def connections_text(connections: Mapping[str, Any], kind: str, *, as_json: bool = False) -> str:
    """Return an export of {conn_id: fields}. as_json: in `.env`, JSON and no URI."""
    from penstock.authoring.connections import Connection

    whole = {
        conn_id: {name: fields.get(name) for name in EXPORTED}
        for conn_id, fields in connections.items()
    }
    if kind == "env":
        made = {conn_id: Connection(conn_id, **fields) for conn_id, fields in whole.items()}
        texts = {
            conn_id: json.dumps(whole[conn_id]) if as_json else one.get_uri()
            for conn_id, one in made.items()
        }
        return _env_text(texts)
    return _text(whole, kind)


def _text(document: Any, kind: str) -> str:
    if kind == "yaml":
        import yaml

        return str(yaml.safe_dump(document, allow_unicode=True))
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _env_text(texts: Mapping[str, str]) -> str:
    for name, text in texts.items():
        if "\n" in text or "=" in name:
            raise UsageError(f"{name!r} cannot be a line NAME=VALUE. Export it as JSON.")
    return "".join(f"{name}={text}\n" for name, text in texts.items())


def kind_of(file: str, named: str | None) -> str:
    """Return the format to write a file in: as named, else by its ending, JSON on stdout."""
    if named:
        return named
    kind = "json" if file == "-" else FORMATS.get(Path(file).suffix.lower())
    if kind is None:
        endings = ", ".join(FORMATS)
        raise UsageError(f"{file}: name the format with --format, or end it in {endings}.")
    return kind


def write(file: str, text: str) -> None:
    """Write a file that only its owner may read; `-` is stdout. Raises UsageError."""
    if file == "-":
        sys.stdout.write(text)
        return
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            os.fchmod(handle, 0o600)
            out.write(text)
    except OSError as error:
        raise UsageError(f"{file}: the file cannot be written: {error.strerror}") from error
