"""Connections: where another service is and how one is let in, kept outside of DAG files.

An environment variable `PENSTOCK_CONN_<CONN_ID>` or `AIRFLOW_CONN_<CONN_ID>`, a URI or JSON, goes
before what is stored. The URI is Airflow's, `type://login:password@host:port/schema?extra`, each
part percent-encoded; a host may bring a protocol of its own (`http://https://host`), and an `extra`
that is more than plain texts stands whole under `__extra__`. What a task was given of a connection
that is secret, the password and what is named so in `extra`, is masked from then on.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from penstock.authoring.backend import Backend
from penstock.authoring.exceptions import (
    AirflowException,
    AirflowNotFoundException,
    AirflowRuntimeError,
)
from penstock.authoring.masking import is_sensitive, mask_secret
from penstock.authoring.variables import from_environment

PREFIXES = ("PENSTOCK_CONN_", "AIRFLOW_CONN_")

TEXTS = ("conn_type", "description", "host", "login", "password", "schema", "extra")
FIELDS = (*TEXTS, "port")

log = logging.getLogger("penstock.connections")


class ConnectionFieldsError(AirflowException, ValueError):
    """A connection's URI, JSON or fields are not as they should be. Shows nothing secret."""


class Connection:
    """A connection by its id: `Connection.get("lake").host`.

    Made of its fields, or of a URI: not of both. extra: a JSON object as text, or a dict.
    """

    EXTRA_KEY = "__extra__"

    def __init__(
        self,
        conn_id: str | None = None,
        conn_type: str | None = None,
        description: str | None = None,
        host: str | None = None,
        login: str | None = None,
        password: str | None = None,
        schema: str | None = None,
        port: int | None = None,
        extra: str | dict[str, Any] | None = None,
        uri: str | None = None,
    ) -> None:
        self.conn_id = conn_id
        self.description = description
        if uri is not None:
            if any((conn_type, host, login, password, schema, port, extra)):
                raise ConnectionFieldsError(
                    f"connection {conn_id!r}: give it a URI, or its fields (conn_type, host, "
                    "login, password, schema, port, extra), not both."
                )
            of_uri = fields_of_uri(uri, conn_id)
            conn_type, host, login = of_uri["conn_type"], of_uri["host"], of_uri["login"]
            password, schema = of_uri["password"], of_uri["schema"]
            port, extra = of_uri["port"], of_uri["extra"]
        self.conn_type, self.host, self.login = conn_type, host, login
        self.password, self.schema, self.port = password, schema, port
        self.extra: str | None = json.dumps(extra) if isinstance(extra, dict) else extra

    def __repr__(self) -> str:
        """Leaves out what is secret, or may be."""
        shown = ("conn_type", "host", "login", "schema", "port")
        told = [f"{name}={getattr(self, name)!r}" for name in shown if getattr(self, name)]
        return f"Connection({', '.join([repr(self.conn_id), *told])})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Connection):
            return NotImplemented
        return (self.conn_id, self.fields()) == (other.conn_id, other.fields())

    def __hash__(self) -> int:
        return hash(self.conn_id)

    # ------------------------------------------------------------ looked up

    @classmethod
    def get(cls, conn_id: str) -> Connection:
        """Return a connection: of the environment, else of the store.

        Raises AirflowNotFoundException if there is none, AirflowRuntimeError outside of a running
        task (unless the environment has it).
        """
        from penstock.authoring.context import current_backend

        found = look_up(conn_id, current_backend())
        if found is None:
            raise no_connection(conn_id)
        return found

    @classmethod
    async def async_get(cls, conn_id: str) -> Connection:
        """As `get`; the answer takes about a millisecond."""
        return cls.get(conn_id)

    @classmethod
    def get_connection_from_secrets(cls, conn_id: str) -> Connection:
        """As `get`: its name in Airflow 2."""
        return cls.get(conn_id)

    # ------------------------------------------------------------ extra

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """`extra` as a dict; an empty one if it is none. What is named a secret in it is masked."""
        if not self.extra:
            return {}
        try:
            found = json.loads(self.extra)
        except (ValueError, RecursionError):
            log.error("the extra of connection %r is no JSON, and is left out", self.conn_id)
            return {}
        mask_secret(found)
        return found  # type: ignore[no-any-return]

    async def aextra_dejson(self) -> dict[str, Any]:
        """As `extra_dejson`, for code that awaits."""
        return self.extra_dejson

    def get_extra_dejson(self, nested: bool = False) -> dict[str, Any]:
        """As `extra_dejson`. nested: texts in it that are JSON themselves are read as well."""
        found = self.extra_dejson
        if nested:
            return {key: _read_if_json(value) for key, value in found.items()}
        return found

    def set_extra(self, value: str | None) -> None:
        """Replace `extra`, a JSON object as text."""
        self.extra = value

    # ------------------------------------------------------------ as URI

    def get_uri(self) -> str:
        """Return the connection as a URI, which `Connection(uri=...)` reads."""
        kind = self.conn_type.lower().replace("_", "-") + ":" if self.conn_type else ""
        protocol, _, host = (self.host or "").rpartition("://")
        if protocol and protocol == self.conn_type:
            protocol, host = "", self.host or ""
        inner = f"{protocol}://" if protocol else ""
        return f"{kind}//{inner}{self._authority(host)}{self._place()}"

    async def aget_uri(self) -> str:
        """As `get_uri`, for code that awaits."""
        return self.get_uri()

    def _authority(self, host: str) -> str:
        who = "" if self.login is None else quote(self.login, safe="")
        if self.password is not None:
            who += ":" + quote(self.password, safe="")
        said = (f"{who}@" if who else "") + quote(host, safe="")
        if self.port:
            said += f":{self.port}" if said else f"@:{self.port}"
        return said

    def _place(self) -> str:
        """Return the URI from the schema on."""
        said = f"/{quote(self.schema, safe='')}" if self.schema else ""
        if not self.extra:
            return said
        found = self.extra_dejson
        try:
            query = urlencode(found)
            is_flat = found == dict(parse_qsl(query, keep_blank_values=True))
        except (TypeError, ValueError, AttributeError):
            query, is_flat = "", False
        if not query or not is_flat:
            query = urlencode({self.EXTRA_KEY: self.extra})
        return f"{said or '/'}?{query}"

    @classmethod
    def from_uri(cls, uri: str, conn_id: str | None = None) -> Connection:
        """Return the connection that a URI says. Raises ConnectionFieldsError."""
        return cls(conn_id=conn_id, uri=uri)

    # ------------------------------------------------------------ as JSON

    def fields(self) -> dict[str, Any]:
        """Return what is set, by its name; `extra` as its text, without the id."""
        return {name: found for name in FIELDS if (found := getattr(self, name)) is not None}

    @classmethod
    def from_fields(cls, conn_id: str, fields: Mapping[str, Any]) -> Connection:
        """Return the connection of these fields: as `fields` gives them, or as files have them.

        Raises ConnectionFieldsError for names that there are not, and for values of a wrong kind.
        """
        given = dict(fields)
        if given.pop("conn_id", conn_id) != conn_id:
            raise ConnectionFieldsError(f"connection {conn_id!r}: it says another `conn_id`.")
        if "extra_dejson" in given:
            if given.get("extra"):
                raise ConnectionFieldsError(
                    f"connection {conn_id!r}: it has `extra` and `extra_dejson`. Leave one out."
                )
            given["extra"] = given.pop("extra_dejson")
        if unknown := sorted(map(str, given.keys() - {*FIELDS})):
            raise ConnectionFieldsError(
                f"connection {conn_id!r}: there is no field {unknown[0]!r} (there are: "
                f"{', '.join(FIELDS)})."
            )
        return cls(conn_id, **_checked(conn_id, given))

    def to_dict(self, *, prune_empty: bool = False, validate: bool = True) -> dict[str, Any]:
        """Return the fields with the id, `extra` as a dict. prune_empty: only what is set."""
        names = ("conn_id", "conn_type", "description", "host", "login", "password", "schema")
        found: dict[str, Any] = {name: getattr(self, name) for name in (*names, "port")}
        if prune_empty:
            found = {name: value for name, value in found.items() if value is not None}
        if (extra := self.extra_dejson) or not prune_empty:
            found["extra"] = extra
        if validate:
            json.dumps(found)
        return found

    def as_json(self) -> str:
        """Return the connection as JSON, without its id."""
        found = self.to_dict(prune_empty=True, validate=False)
        found.pop("conn_id", None)
        return json.dumps(found)

    @classmethod
    def from_json(cls, value: str, conn_id: str | None = None) -> Connection:
        """Return the connection that a JSON object says. Raises ConnectionFieldsError."""
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            raise ConnectionFieldsError(f"connection {conn_id!r}: this is no JSON.") from None
        if not isinstance(found, dict):
            raise ConnectionFieldsError(f"connection {conn_id!r}: this JSON is no object.")
        made = cls.from_fields(conn_id or str(found.get("conn_id", "")), found)
        made.conn_id = conn_id
        return made

    # ------------------------------------------------------------ hooks

    def get_hook(self, *, hook_params: dict[str, Any] | None = None) -> Any:
        """Return a hook of the kind that installed providers have for this type.

        Raises AirflowException if no installed provider knows the type.
        """
        from penstock.authoring.hooks import hook_class_for

        made: Callable[..., Any] = hook_class_for(self.conn_type or "", self.conn_id or "")
        named = getattr(made, "conn_name_attr", "conn_id")
        return made(**{named: self.conn_id}, **(hook_params or {}))

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the hook's own test passes, and what it says."""
        try:
            found: tuple[bool, str] = self.get_hook().test_connection()
            return found
        except Exception as error:
            return False, str(error)


# ---------------------------------------------------------------- looking up


def no_connection(conn_id: str) -> AirflowNotFoundException:
    return AirflowNotFoundException(
        f"The conn_id `{conn_id}` isn't defined. Set it (penstock connections set), or name it in "
        f"the environment as {PREFIXES[0]}{conn_id.upper()}."
    )


def look_up(conn_id: str, backend: Backend | None) -> Connection | None:
    """Return a connection, None if it is set nowhere."""
    text = (from_environment(PREFIXES, conn_id) or "").strip()
    if text:
        read = Connection.from_json if text.startswith("{") else Connection.from_uri
        found = read(text, conn_id=conn_id)
    else:
        if backend is None:
            raise AirflowRuntimeError(
                f"the connection {conn_id!r} can only be read while a task runs: use it inside the "
                f"task, or set {PREFIXES[0]}{conn_id.upper()}."
            )
        fields = backend.connection(conn_id)
        if fields is None:
            return None
        found = Connection(conn_id, **fields)
    mask(found)
    return found


def mask(connection: Connection) -> None:
    """Mask what is secret of a connection in what the task prints from now on."""
    if connection.password:
        mask_secret(connection.password)
    if connection.extra:
        extra = connection.extra_dejson  # masks what is named so
        if not isinstance(extra, dict) or not extra or any(map(is_sensitive, extra)):
            mask_secret(connection.extra)


class ConnectionAccessor:
    """`conn` in templates: `conn.lake.host`, `conn.get("lake", default).host`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getattr__(self, conn_id: str) -> Connection:
        if conn_id.startswith("__"):
            raise AttributeError(conn_id)
        return self[conn_id]

    def __getitem__(self, conn_id: str) -> Connection:
        found = look_up(conn_id, self._backend)
        if found is None:
            raise no_connection(conn_id)
        return found

    def get(self, conn_id: str, default_conn: Any = None) -> Any:
        found = look_up(conn_id, self._backend)
        return default_conn if found is None else found


# ---------------------------------------------------------------- reading what is said


def normal_type(conn_type: str) -> str:
    """Return a connection's type as hooks know it: `google-cloud-platform` has underscores."""
    return "postgres" if conn_type == "postgresql" else conn_type.replace("-", "_")


def fields_of_uri(uri: str, conn_id: str | None) -> dict[str, Any]:
    """Return the fields that a URI says. Raises ConnectionFieldsError."""
    kind, colon, rest = ("", "//", uri[2:]) if uri.startswith("//") else uri.partition("://")
    inner, protocol = "", None
    if not colon or uri.count("://") > 2 or not re.fullmatch(r"[\w+.\- ]*", kind):
        raise _no_uri(conn_id, "it has the form type://login:password@host:port/schema?extra")
    if "://" in rest.partition("?")[0]:
        protocol, _, inner = rest.partition("://")
        if "@" in protocol or ":" in protocol:
            raise _no_uri(conn_id, "only the host may bring a protocol of its own")
    try:
        parts = urlsplit("//" + (inner if protocol else rest))
        port = parts.port
    except ValueError:  # its own sentence would show parts of the URI
        raise _no_uri(conn_id, "the port is a number up to 65535, [ ] stand around IPv6") from None
    host = _host_of(parts)
    schema = unquote(parts.path[1:])
    return {
        "conn_type": normal_type(kind.lower() if kind.isascii() else kind),
        "host": f"{protocol}://{host}" if protocol and host else host,
        "login": None if parts.username is None else unquote(parts.username),
        "password": None if parts.password is None else unquote(parts.password),
        "schema": schema,
        "port": port,
        "extra": _extra_of(parts.query),
    }


def _host_of(parts: SplitResult) -> str:
    """Return the host, in small letters unless it is a path as well: as Airflow reads it."""
    host = unquote(parts.hostname or "")
    if "/" in host:
        host = unquote(parts.netloc.rpartition("@")[2].partition(":")[0])
    return host


def _extra_of(query: str) -> str | None:
    if not query:
        return None
    found = dict(parse_qsl(query, keep_blank_values=True))
    return found.get(Connection.EXTRA_KEY) or json.dumps(found)


def _no_uri(conn_id: str | None, why: str) -> ConnectionFieldsError:
    return ConnectionFieldsError(f"connection {conn_id!r}: this is no URI of a connection: {why}.")


def _checked(conn_id: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return fields as `Connection` takes them. Raises ConnectionFieldsError."""
    found = {name: value for name, value in given.items() if value is not None}
    if isinstance(found.get("extra"), dict | list):
        found["extra"] = json.dumps(found["extra"]) if found["extra"] else None
    for name in TEXTS:
        if not isinstance(found.get(name), str | None):
            raise ConnectionFieldsError(f"connection {conn_id!r}: `{name}` has to be a text.")
    if port := found.get("port"):
        if not re.fullmatch(r"[0-9]{1,5}", str(port)) or int(port) > 65535:
            raise ConnectionFieldsError(
                f"connection {conn_id!r}: `port` has to be a number up to 65535."
            )
        found["port"] = int(port)
    else:
        found.pop("port", None)
    if found.get("conn_type"):
        found["conn_type"] = normal_type(found["conn_type"])
    return found


def _read_if_json(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
