"""A value that is asked for when it is first used: most tasks never look at it.

`Later` stands in a context in its place and behaves as it; only `is None` cannot be deceived, so
functions that name such an entry as a parameter are given the value itself (`value_of`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cached_property
from typing import Any


class Later:
    """Stands for what `ask` returns; it is called once, at the first use."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self.__dict__["_ask"] = ask

    @cached_property
    def _value(self) -> Any:
        return self.__dict__["_ask"]()

    @property
    def __class__(self) -> Any:
        return type(self._value)

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise TypeError("this is the value of another object's")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._value, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return value_of, (self._value,)

    def __copy__(self) -> Any:
        return self._value

    def __deepcopy__(self, memo: Any) -> Any:
        return self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __str__(self) -> str:
        return str(self._value)

    def __repr__(self) -> str:
        return repr(self._value)

    def __format__(self, spec: str) -> str:
        return format(self._value, spec)


def value_of(value: Any) -> Any:
    """Return the value itself, of one that may stand for another."""
    return value._value if type(value) is Later else value


def _both(apply: Callable[[Any, Any], Any]) -> Callable[[Later, Any], Any]:
    return lambda self, other: apply(value_of(self), value_of(other))


def _swapped(apply: Callable[[Any, Any], Any]) -> Callable[[Later, Any], Any]:
    return lambda self, other: apply(value_of(other), value_of(self))


for _name in ("eq", "ne", "lt", "le", "gt", "ge", "add", "sub"):
    setattr(Later, f"__{_name}__", _both(getattr(operator, _name)))
for _name in ("add", "sub"):
    setattr(Later, f"__r{_name}__", _swapped(getattr(operator, _name)))
