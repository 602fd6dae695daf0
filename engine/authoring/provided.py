"""What installed provider packages (`apache-airflow-providers-*`) say of themselves.

Each has an entry point of the group `apache_airflow_provider`: a function that returns what is in
the package, as names only. Reading it imports no hook and no operator; a provider whose function
cannot be read is left out, with its reason in `unreadable`.
"""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

GROUP = "apache_airflow_provider"

TASK_KINDS: dict[str, str] = {
    "docker": "docker",
    "kubernetes": "cncf-kubernetes",
    "kubernetes_cmd": "cncf-kubernetes",
    "pyspark": "apache-spark",
    "snowpark": "snowflake",
    "sql": "common-sql",
}
"""Kinds of `@task` that providers have, and which: for what to install. Others may have more."""

unreadable: dict[str, str] = {}
"""package: why it could not be read. Filled by `installed`."""


class ProviderInfo(NamedTuple):
    """A provider package: its version, and what it says of itself."""

    version: str
    data: Mapping[str, Any]


@functools.cache
def installed() -> Mapping[str, ProviderInfo]:
    """Return the installed provider packages by name, in the order of their names."""
    from importlib.metadata import distributions  # late: it takes 8 ms

    found: dict[str, ProviderInfo] = {}
    for distribution in distributions():
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        for entry in distribution.entry_points:
            if entry.group != GROUP or name in found:
                continue
            try:
                data = entry.load()()
            except Exception as error:  # a provider's own code: what it raises is its affair
                unreadable[name] = f"{type(error).__name__}: {error}"
                log.warning("the provider %s does not say what it has: %s", name, error)
                continue
            found[name] = ProviderInfo(distribution.version, data)
    return dict(sorted(found.items()))


def rows(key: str) -> Iterator[tuple[str, Any]]:
    """Yield (package, row) of what the installed providers list under a key."""
    for package, provider in installed().items():
        for row in provider.data.get(key) or ():
            yield package, row


def task_kind(name: str) -> Any:
    """Return what makes `@task.NAME`, if an installed provider has it; else None."""
    for _, row in rows("task-decorators"):
        if row["name"] == name:
            return at(row["class-name"])
    return None


def at(path: str) -> Any:
    """Return the object that a provider names by its dotted path."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


log = logging.getLogger("penstock.provided")
