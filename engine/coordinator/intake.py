"""Requests for runs: from other services' streams, from requests, from the command line.

A request is kept once its fact is in the log. The same CloudEvent (source and id) asks for the same
run however often it comes: the run's id is made of them, so the identity is the run's own and
lasts as long as the run does. What is wrong with a request is said to whoever waits for an answer;
a published one goes to the dead letters with the reason (law 13).
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from penstock.authoring.serialized import SerializedDag
from penstock.errors import PenstockError, UsageError
from penstock.events.bus import Message
from penstock.events.types import encode

FORMATS = Draft202012Validator.FORMAT_CHECKER
MOST_RUN_ID = 250
MOST_CONF = 256 * 1024
"""Bytes."""


class TriggerRefusedError(UsageError):
    """The run that was asked for cannot be: no such DAG, conf that its params refuse, ..."""


class MalformedTriggerError(PenstockError):
    """A request for a run that nobody can read."""


class Request(NamedTuple):
    """A run that is asked for. identity: the run id that the request itself gives, if any.

    named: the asker chose the run id; then one that is there already is a refusal.
    """

    dag_id: str
    conf: dict[str, Any]
    run_id: str | None
    named: bool
    logical_date: int | None
    by: str


def read_request(dag_id: str, message: Message, fallback: str = "") -> Request:
    """Read a CloudEvent (structured or binary mode), or a bare JSON object, taken as conf.

    fallback: identity of a message that has none. Raises MalformedTriggerError with the reason.
    """
    headers = {name.lower(): value for name, value in (message.headers or {}).items()}
    body = read_json(message.payload)
    if "ce-specversion" in headers:
        # Header values are percent-encoded where they are no plain ASCII.
        attributes = {
            name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")
        }
        conf = body
    elif isinstance(body, dict) and "specversion" in body:
        attributes, conf = body, data_of(body)
    else:
        attributes, conf = {}, body
    check_attributes(attributes)
    if conf is None:
        conf = {}
    if not isinstance(conf, dict):
        raise MalformedTriggerError(f"the conf must be a JSON object, not {kind_of(conf)}")
    named = attributes.get("runid")
    identity = named or identity_of(attributes, headers, fallback)
    date = attributes.get("logicaldate")
    return Request(
        dag_id,
        conf,
        None if identity is None else str(identity),
        bool(named),
        None if date in (None, "", "none") else read_date(str(date)),
        str(attributes.get("source") or "a message"),
    )


def data_of(event: dict[str, Any]) -> Any:
    """Return what a structured CloudEvent carries. Raises MalformedTriggerError."""
    if "data_base64" not in event:
        return event.get("data")
    try:
        return read_json(base64.b64decode(str(event["data_base64"]), validate=True))
    except ValueError as error:
        raise MalformedTriggerError(f"its `data_base64` is no base64: {error}") from error


def check_attributes(attributes: dict[str, Any]) -> None:
    """Raise MalformedTriggerError unless they are a CloudEvent's, or there are none."""
    if not attributes:
        return
    if attributes["specversion"] != "1.0":
        raise MalformedTriggerError(
            f"it is a CloudEvent of specversion {attributes['specversion']!r}; 1.0 is understood"
        )
    if not (attributes.get("id") and attributes.get("source")):
        raise MalformedTriggerError("a CloudEvent needs an `id` and a `source`")


def check_run_id(run_id: str) -> None:
    """Raise TriggerRefusedError for what cannot be a run's id."""
    if len(run_id) > MOST_RUN_ID or not run_id.isprintable() or not run_id.strip():
        raise TriggerRefusedError(
            f"{run_id[:60]!r} cannot be a run's id: it has to have 1 to {MOST_RUN_ID} characters, "
            "and no control characters"
        )


def write_conf(conf: dict[str, Any]) -> bytes:
    """Return the conf as JSON. Raises TriggerRefusedError if it cannot be a fact.

    A conf goes with each dispatch of its run, and a record of the log is bounded.
    """
    try:
        text = encode(conf)
    except (OverflowError, RecursionError, msgspec.EncodeError) as error:
        raise TriggerRefusedError(f"the conf cannot be kept as JSON: {error}") from error
    if len(text) > MOST_CONF:
        raise TriggerRefusedError(
            f"the conf has {len(text)} bytes of JSON, {MOST_CONF} are the most: put what is large "
            "in a file or a bucket, and its address into the conf"
        )
    return text


def identity_of(attributes: dict[str, Any], headers: dict[str, str], fallback: str) -> str | None:
    if attributes:
        name = f"{attributes['source']}\0{attributes['id']}"
    elif "nats-msg-id" in headers:
        name = f"\0{headers['nats-msg-id']}"
    elif fallback:
        name = fallback
    else:
        return None
    return f"event__{hashlib.sha256(name.encode()).hexdigest()[:20]}"


def read_json(payload: bytes) -> Any:
    if not payload.strip():
        return None
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedTriggerError(f"it is no JSON: {error}") from error
    except RecursionError as error:
        raise MalformedTriggerError("its JSON is nested too deeply") from error


def read_date(text: str) -> int:
    """Return microseconds. Raises MalformedTriggerError."""
    try:
        date = datetime.fromisoformat(text)
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        since = date.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedTriggerError(
            f"{text[:60]!r} is no date. Write it as RFC 3339 does: 2026-11-22T00:00:00Z"
        ) from error
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def kind_of(value: Any) -> str:
    names = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


def check_params(dag: SerializedDag, conf: dict[str, Any]) -> None:
    """Raise TriggerRefusedError unless the DAG's params, with conf over them, fit their schemas.

    Keys of conf that are no param are accepted, as Airflow does.
    """
    for name, param in dag.params.items():
        schema = param.get("schema") or {}
        if name not in conf and "value" not in param:
            raise TriggerRefusedError(
                f"DAG {dag.dag_id!r} needs a value for param {name!r}: give it in conf"
            )
        value = conf.get(name, param.get("value"))
        try:
            Draft202012Validator(schema, format_checker=FORMATS).validate(value)
        except ValidationError as error:
            raise TriggerRefusedError(
                f"param {name!r} of DAG {dag.dag_id!r} refuses {value!r}: {error.message}"
            ) from error
        except Exception as error:
            # Whatever else comes out is the schema's fault: no type, a pattern that is none, a
            # reference to nowhere. The validator has an error of its own for each of them.
            why = str(getattr(error, "message", error)).partition("\n")[0]
            raise TriggerRefusedError(
                f"param {name!r} of DAG {dag.dag_id!r} has a schema that is none: {why}"
            ) from error
