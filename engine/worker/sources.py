"""What mapped instances are mapped over, kept in their child: asked for once, decoded one by one.

Ten thousand instances over one list must not decode ten thousand lists, nor share one object that
user code may change. So a child keeps what an XCom's elements were written as, and decodes the
element that an instance is given, anew each time.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, overload

import msgspec
from msgspec import Raw

from penstock.events.questions import FoundXcom
from penstock.events.types import Xcom
from penstock.worker import xcom

KEPT = 8
Path = Callable[[str], str]


class Elements(Sequence[Any]):
    """A sequence whose elements are made, by `make` of what they are kept as, when taken."""

    def __init__(self, kept: Sequence[Any], make: Callable[[Any], Any]) -> None:
        self._kept, self._make = kept, make

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self._make(one) for one in self._kept[index]]
        return self._make(self._kept[index])


def elements_of(found: Xcom, path: Path) -> Elements:
    """Return a list's elements, or a dict's items.

    However large, it is read once: 100,000 instances must not read 100,000 times 600 KB (10 ms).
    """
    text = xcom.json_text(found, path)
    if text is None:
        value = xcom.decode(found, path)
        elements = value.items() if isinstance(value, Mapping) else value
        return Elements([pickle.dumps(one, protocol=5) for one in elements], pickle.loads)
    if text[:1] == b"{":
        return Elements(list(msgspec.json.decode(text, type=dict[str, Raw]).items()), item)
    return Elements(msgspec.json.decode(text, type=list[Raw]), msgspec.json.decode)


def item(kept: tuple[str, Raw]) -> tuple[str, Any]:
    key, raw = kept
    return key, msgspec.json.decode(raw)


def gathered(rows: Sequence[FoundXcom], path: Path) -> Elements:
    """Return the values of a mapped task's instances, without the Nones."""
    values = [row.xcom for row in rows if not row.xcom.is_none]
    return Elements(values, partial(xcom.decode, path=path))


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
