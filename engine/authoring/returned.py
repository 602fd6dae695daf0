"""What a task's log says of the value that it returned: all of it, unless that is enormous.

Airflow formats the value whole, whatever it is. `str` of 3 GB of bytes takes 12 GB, and that of a
list that is nested 100,000 deep ends in RecursionError; neither may fail a task that has succeeded.
"""

from __future__ import annotations

import logging
import reprlib
from typing import Any

LARGEST = 100_000
"""Characters and members, about, up to which a value is said whole."""

DEEPEST = 50

_short = reprlib.Repr()
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxfrozenset = _short.maxdict = 100
_short.maxstring = _short.maxother = 1000
_TEXTS = (str, bytes, bytearray)
_COLLECTIONS = (list, tuple, set, frozenset)


def tell(log: logging.Logger, value: Any) -> None:
    """Write the line "Done. Returned value was: ..."."""
    if _left(value, LARGEST, 0) >= 0:
        log.info("Done. Returned value was: %s", value)
    else:
        log.info("Done. Returned value was, in short: %s", _shortened(value))


def _shortened(value: Any) -> str:
    kind = type(value)
    if kind in _TEXTS:
        return f"{value[:1000]!r}... ({len(value):,} in all)"
    members = f" ({len(value):,} members)" if kind in (*_COLLECTIONS, dict) else ""
    return f"{_short.repr(value)}{members}"


def _left(value: Any, room: int, depth: int) -> int:
    """Return the room that is left after the value; negative as soon as it is known to be none."""
    kind = type(value)
    if kind in _TEXTS:
        return room - len(value)
    if kind not in _COLLECTIONS and kind is not dict:
        return room - 10
    if depth > DEEPEST or len(value) > room:
        return -1
    members = (one for pair in value.items() for one in pair) if kind is dict else value
    for member in members:
        room = _left(member, room, depth + 1)
        if room < 0:
            break
    return room
