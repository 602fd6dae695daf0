"""What a run is asked for with, as `run` and `trigger` share it: conf, params, dates."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from penstock.cli.times import parse_moment
from penstock.errors import UsageError


def request_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --conf, --param, --logical-date and --run-id."""
    options = (
        click.option("--conf", metavar="JSON|@FILE", help="The run's conf, a JSON object."),
        click.option(
            "--param",
            "params",
            metavar="K=V",
            multiple=True,
            help="One key of conf: V as JSON if it is that, else as text. May be repeated.",
        ),
        click.option(
            "--logical-date", metavar="T|none", help="The moment that the run stands for."
        ),
        click.option("--run-id", metavar="ID", help="The run's id; made up if not given."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def read_conf(conf: str | None, params: Sequence[str]) -> dict[str, Any]:
    """Return the conf that --conf and --param give together. Raises UsageError."""
    found = _read_object(conf) if conf else {}
    for param in params:
        key, equals, value = param.partition("=")
        if not equals or not key:
            raise UsageError(f"--param {param!r}: write it as KEY=VALUE.")
        try:
            found[key] = json.loads(value, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            found[key] = value
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start : error.end]
        raise UsageError(
            f"The conf has half a character, {half!r}, that UTF-8 cannot say."
        ) from None
    return found


def read_logical_date(text: str | None, *, default: int | None) -> int | None:
    """Return UTC microseconds, None for `none`, `default` if nothing was said."""
    if text is None:
        return default
    return None if text.lower() == "none" else parse_moment(text)


def _read_object(conf: str) -> dict[str, Any]:
    text, place = conf, "--conf"
    if conf.startswith("@"):
        place = f"--conf {conf}"
        try:
            text = Path(conf[1:]).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise UsageError(f"{place}: the file cannot be read: {why}") from error
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise UsageError(f"{place} is nested too deeply to be read.") from None
    except ValueError as error:
        raise UsageError(
            f"{place} is no JSON: {error}. Write an object, such as '{{\"key\": 1}}', or @FILE."
        ) from error
    if not isinstance(found, dict):
        raise UsageError(f"{place} has to be a JSON object, {{...}}; this is {text.strip()[:40]}")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
