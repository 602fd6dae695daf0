"""Arguments as authors give them, made into what they mean, or refused with file and line.

One function a kind of argument: durations, counts, lists of callbacks, words out of a fixed list.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from penstock.authoring.errors import InvalidArgumentError, UnknownArgumentError
from penstock.authoring.places import Place

REPLACED = {
    "schedule_interval": "write schedule=",
    "timetable": "write schedule=",
    "concurrency": "write max_active_tasks=",
    "task_concurrency": "write max_active_tis_per_dag=",
    "fail_stop": "write fail_fast=",
    "provide_context": "leave it out: a function gets the context names that it asks for",
    "default_view": "leave it out",
    "orientation": "leave it out",
    "sla": "leave it out",
}
"""Arguments of older Airflows, and what to write today."""


def refuse_unknown(
    target: str, unknown: dict[str, Any], known: Iterable[str], place: Place
) -> None:
    """Raise for arguments that nobody took. target: who was called, for the sentence."""
    if not unknown:
        return
    for name in unknown:
        if name in REPLACED:
            raise InvalidArgumentError(
                f"{target}: the argument {name!r} is gone; {REPLACED[name]}.", place
            )
    raise UnknownArgumentError(target, unknown, known, place)


def duration(name: str, value: Any, place: Place) -> timedelta | None:
    """Return a span of time, not negative; a number is seconds."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = timedelta(seconds=value)
    if not isinstance(value, timedelta) or value < timedelta(0):
        raise InvalidArgumentError(
            f"{name} must be a timedelta or seconds, not negative; this is {value!r}.", place
        )
    return value


def count(name: str, value: Any, place: Place, *, least: int | None = 0) -> int:
    """Return a whole number, `least` or more."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or (least is not None and value < least)
    ):
        floor = "" if least is None else f" of at least {least}"
        raise InvalidArgumentError(f"{name} must be a whole number{floor}, not {value!r}.", place)
    return value


def multiplier(name: str, value: Any, place: Place) -> float:
    """Return by what a delay grows each time; True means twofold, 0 not at all."""
    if isinstance(value, bool):
        return 2.0 if value else 0.0
    if not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise InvalidArgumentError(f"{name} must be a number, 0 or more, not {value!r}.", place)
    return float(value)


def optional_count(name: str, value: Any, place: Place, *, least: int = 1) -> int | None:
    return None if value is None else count(name, value, place, least=least)


def text(name: str, value: Any, place: Place) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidArgumentError(f"{name} must be text, not {value!r}.", place)
    return value


def word(name: str, value: Any, words: type[Enum], place: Place) -> Any:
    """Return one of the words of an enum, given as itself or as text."""
    said = value.value if isinstance(value, Enum) else value
    known = [each.value for each in words]
    if said not in known:
        raise InvalidArgumentError(
            f"{name} must be one of {', '.join(known)}; this is {said!r}.", place
        )
    return words(said)


def moment(name: str, value: Any, place: Place) -> datetime | None:
    """Return a moment with a time zone; one without is taken as UTC."""
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise InvalidArgumentError(f"{name} must be a datetime, not {value!r}.", place)
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def callbacks(name: str, value: Any, place: Place) -> list[Callable[..., Any]]:
    """Return one callback, or several, as a list."""
    if value is None:
        return []
    several = list(value) if isinstance(value, list | tuple | set) else [value]
    for each in several:
        if not callable(each):
            raise InvalidArgumentError(f"{name} must be callable; this is {each!r}.", place)
    return several


def names(name: str, value: Any, place: Place) -> frozenset[str]:
    """Return tags or the like: a list or set of texts."""
    if value is None:
        return frozenset()
    if isinstance(value, str) or not all(isinstance(each, str) for each in value):
        raise InvalidArgumentError(f"{name} must be a list of texts, not {value!r}.", place)
    return frozenset(value)


@functools.lru_cache(maxsize=4096)
def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a function; worked out once, since every call asks for it."""
    return inspect.signature(function)


def is_async_callable(function: Any) -> bool:
    """Whether calling this makes a coroutine; seen through partials, wrappers and `__call__`."""
    while isinstance(function, functools.partial):
        function = function.func
    try:
        function = inspect.unwrap(function)
    except ValueError:  # wrapped in a circle
        return False
    if inspect.iscoroutinefunction(function):
        return True
    if inspect.isfunction(function) or not callable(function):
        return False
    return inspect.iscoroutinefunction(type(function).__call__)
