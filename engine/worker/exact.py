"""Which values are JSON to the last bit: what goes in must come out the same, type for type.

A tuple would come back as a list, an int key as a string, NaN as null: those are not JSON here.
Collections are judged by the set of their members' types, so a list of a million numbers costs
milliseconds.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Set
from typing import Any

import msgspec

_PLAIN = frozenset({bool, int, str, type(None)})
_encode = msgspec.json.Encoder().encode
DEEPEST = 100


def as_json(value: Any) -> bytes | None:
    """Return the JSON of a value that reads back the same, else None."""
    if not _is_exact(value, 0):
        return None
    try:
        return _encode(value)
    except (UnicodeEncodeError, OverflowError, ValueError, TypeError, RecursionError):
        return None  # a lone surrogate, an int beyond 64 bits


def _is_exact(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is float:
        return math.isfinite(value)
    if depth > DEEPEST:
        return False  # also a list that contains itself
    if kind is dict:
        return set(map(type, value)) <= {str} and _all_exact(value.values(), depth)
    return kind is list and _all_exact(value, depth)


def _all_exact(values: Any, depth: int) -> bool:
    kinds = set(map(type, values)) - _PLAIN
    if not kinds:
        return True
    if kinds == {float}:
        return all(math.isfinite(one) for one in values if type(one) is float)
    return all(_is_exact(one, depth + 1) for one in values)


def length(value: Any) -> int | None:
    """Return how many task instances a mapping over the value makes, None if it makes none."""
    if isinstance(value, (list, tuple, Mapping, Set, range)):
        return len(value)
    return None


def weight(value: Any) -> int:
    """Return a guess of a value's size as bytes: only whether it is small matters."""
    nbytes = getattr(value, "nbytes", None)
    if isinstance(nbytes, int):
        return nbytes
    if isinstance(value, (list, tuple, Mapping, Set)):
        return sys.getsizeof(value) * 8
    if isinstance(value, (int, float, complex, str, bytes, type(None))):
        return sys.getsizeof(value)
    return 1 << 20  # an object of any size: written to a file, which is looked at then


class NotExactError(ValueError):
    """Arrow would not give this frame back as it is."""


def check_frame(frame: Any) -> None:
    """Raise NotExactError if a DataFrame has columns that Arrow would change: Python objects.

    Columns of text are fine if they are text throughout; lists would come back as arrays, NaN in
    text as None.
    """
    from importlib import import_module

    infer = import_module("pandas").api.types.infer_dtype
    if frame.columns.nlevels > 1 or not frame.columns.is_unique:
        raise NotExactError("columns with levels or doubled names")
    if frame.columns.dtype == object and infer(frame.columns, skipna=False) != "string":
        raise NotExactError("column names that are not all text")
    for number, dtype in enumerate(frame.dtypes):
        if getattr(dtype, "hasobject", False):
            kind = infer(frame.iloc[:, number], skipna=False)
            if kind not in ("string", "bytes", "empty"):
                raise NotExactError(f"a column of {kind} objects")
        elif getattr(dtype, "kind", "") == "c" or "Sparse" in type(dtype).__name__:
            raise NotExactError(f"a column of {dtype}")
    if frame.attrs:
        raise NotExactError("attrs")
