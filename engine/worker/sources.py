"""What mapped instances are mapped over, kept in their child: asked for once, decoded one by one.

Ten thousand instances over one list must not decode ten thousand lists, nor share one object that
user code may change. So a child keeps what an XCom's elements were written as, and decodes the
element that an instance is given, anew each time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, overload

import msgspec
from msgspec import Raw

from penstock.events.types import FoundXcom, Xcom
from penstock.worker import xcom

KEPT = 8
Path = Callable[[str], str]


class Elements(Sequence[Any]):
    """A sequence whose elements are made when they are taken."""

    def __init__(self, parts: Sequence[Callable[[], Any]]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return len(self._parts)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [part() for part in self._parts[index]]
        return self._parts[index]()


def elements_of(found: Xcom, path: Path) -> Elements:
    """Return a list's elements, or a dict's items."""
    if not found.has_value:
        places = range(found.length or 0)
        return Elements([partial(one_of, found, path, place) for place in places])
    if bytes(memoryview(found.value)[:1]) == b"{":
        pairs = msgspec.json.decode(found.value, type=dict[str, Raw])
        return Elements([partial(item, key, raw) for key, raw in pairs.items()])
    raws = msgspec.json.decode(found.value, type=list[Raw])
    return Elements([partial(msgspec.json.decode, raw) for raw in raws])


def one_of(found: Xcom, path: Path, place: int) -> Any:
    """Read a value in another codec as a whole: its elements cannot be told apart unread."""
    value = xcom.decode(found, path)
    return list(value.items() if isinstance(value, dict) else value)[place]


def item(key: str, raw: Raw) -> tuple[str, Any]:
    return key, msgspec.json.decode(raw)


def gathered(rows: Sequence[FoundXcom], path: Path) -> Elements:
    """Return the values of a mapped task's instances, without the Nones."""
    values = [row.xcom for row in rows if not row.xcom.is_none]
    return Elements([partial(xcom.decode, value, path) for value in values])


class Sources:
    """The last few of a child, by run, task and key."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], Elements | None] = OrderedDict()

    def get(
        self, run: str, task: str, key: str, find: Callable[[], Elements | None]
    ) -> Elements | None:
        name = (run, task, key)
        if name not in self._kept:
            self._kept[name] = find()
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return self._kept[name]
