"""What people see of an XCom that is not small JSON: a JSON sketch of it, at most a few KiB.

Numbers, texts, lists and dicts look like themselves; a frame shows its shape, types and first
rows; anything else its `repr`, cut.
"""

from __future__ import annotations

import itertools
import math
import reprlib
from collections.abc import Mapping, Set
from typing import Any

import msgspec

LARGEST = 4096
_MEMBERS = 20
_DEPTH = 4
_TEXT = 300


def of(value: Any) -> bytes:
    """Return the preview, JSON. A value that cannot even be looked at shows its type."""
    try:
        for members in (_MEMBERS, 5, 1):
            text = msgspec.json.encode(_sketch(value, 0, members))
            if len(text) <= LARGEST:
                return text
    except Exception:
        pass  # a broken __repr__ must not fail the task
    return msgspec.json.encode(f"<{type(value).__module__}.{type(value).__qualname__}>")


def _sketch(value: Any, depth: int, members: int) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(value) < 2**63 else str(value)
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        text = str(value)
        cut = text if len(text) <= _TEXT else text[:_TEXT] + "..."
        return cut.encode("utf-8", "replace").decode()
    if kind.__module__.split(".")[0] in ("numpy", "pandas", "pyarrow"):
        return _table_like(value, depth, members)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if depth < _DEPTH and isinstance(value, Mapping):
        shown = {
            _key(key): _sketch(value[key], depth + 1, members)
            for key in itertools.islice(value, members)
        }
        if len(value) > members:
            shown["..."] = f"{len(value) - members} more"
        return shown
    if depth < _DEPTH and isinstance(value, (list, tuple, Set)):
        first = [
            _sketch(one, depth + 1, members) for one, _ in zip(value, range(members), strict=False)
        ]
        more = len(value) - len(first)
        return [*first, f"... {more} more"] if more else first
    return _cut_repr(value)


def _key(key: Any) -> str:
    return str(key)[:100].encode("utf-8", "replace").decode()


_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = _TEXT


def _cut_repr(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):  # the repr of all of it is four times as large
        return f"{bytes(value[:50])!r}... {len(value)} bytes" if len(value) > 50 else repr(value)
    return _brief.repr(value).encode("utf-8", "replace").decode()


def _table_like(value: Any, depth: int, members: int) -> Any:
    kind = type(value).__name__
    if kind == "DataFrame" and hasattr(value, "dtypes"):
        head = value.iloc[: min(5, members), :members]
        return {
            "type": "DataFrame",
            "shape": list(value.shape),
            "dtypes": {str(k)[:100]: str(d) for k, d in list(value.dtypes.items())[:members]},
            "head": [[_sketch(one, depth + 1, members) for one in row] for row in head.values],
        }
    if kind == "Table" and hasattr(value, "schema"):
        return {
            "type": "Table",
            "shape": list(value.shape),
            "dtypes": {f.name: str(f.type) for f in list(value.schema)[:members]},
        }
    if kind in ("ndarray", "memmap"):
        first = value.ravel()[:members].tolist() if not value.dtype.hasobject else []
        return {
            "type": "ndarray",
            "shape": list(value.shape),
            "dtype": str(value.dtype),
            "head": [_sketch(one, depth + 1, members) for one in first],
        }
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        plain = value.item()
        if type(plain) is not type(value):
            return _sketch(plain, depth, members)
    return _cut_repr(value)
