"""`airflow.utils.helpers`, what of it is about lists and dicts."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain, filterfalse, tee
from typing import Any, TypeVar

from penstock.authoring.vocabulary import NOTSET

T = TypeVar("T")


def is_container(obj: Any) -> bool:
    """Whether a value holds others; a text counts as one value."""
    return hasattr(obj, "__iter__") and not isinstance(obj, str)


def chunks(items: list[T], chunk_size: int) -> Generator[list[T], None, None]:
    """Yield a list in pieces of `chunk_size`. ValueError if that is not positive."""
    if chunk_size <= 0:
        raise ValueError(f"chunks need a size of at least 1, this is {chunk_size}")
    for start in range(0, len(items), chunk_size):
        yield items[start : start + chunk_size]


def as_flattened_list(iterable: Iterable[Iterable[T]]) -> list[T]:
    """Return what is in the things that are in `iterable`."""
    return list(chain.from_iterable(iterable))


def merge_dicts(dict1: dict[Any, Any], dict2: dict[Any, Any]) -> dict[Any, Any]:
    """Return both; where they differ the second one counts, dicts within are merged."""
    merged = dict1.copy()
    for key, value in dict2.items():
        mine = merged.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            merged[key] = merge_dicts(mine, value)
        else:
            merged[key] = value
    return merged


def partition(pred: Callable[[T], bool], iterable: Iterable[T]) -> tuple[Iterator[T], Iterator[T]]:
    """Return what `pred` says no to, and what it says yes to."""
    first, second = tee(iterable)
    return filterfalse(pred, first), filter(pred, second)


def prune_dict(val: Any, mode: str = "strict") -> Any:
    """Return a dict or list without what is None, at any depth; "truthy": without what is false.

    ValueError for another mode.
    """
    if mode not in ("strict", "truthy"):
        raise ValueError(f"prune_dict knows the modes 'strict' and 'truthy', this is {mode!r}")

    def stays(value: Any) -> bool:
        return bool(value) if mode == "truthy" else value is not None

    def pruned(value: Any) -> Any:
        # Judged before and after: what was worth keeping may be empty once it is pruned itself.
        return prune_dict(value, mode) if isinstance(value, dict | list) and stays(value) else value

    if isinstance(val, dict):
        below = {key: pruned(value) for key, value in val.items()}
        return {key: value for key, value in below.items() if stays(value)}
    if isinstance(val, list):
        return [value for value in map(pruned, val) if stays(value)]
    return val


def exactly_one(*args: Any) -> bool:
    """Whether one of the values is true, and only one. ValueError if they come as one list."""
    if is_container(args[0]):
        raise ValueError("give exactly_one its values one by one: exactly_one(*values)")
    return sum(map(bool, args)) == 1


def at_most_one(*args: Any) -> bool:
    """Whether no more than one of the values is true."""
    return sum(value is not NOTSET and bool(value) for value in args) <= 1
