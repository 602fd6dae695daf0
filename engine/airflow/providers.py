"""The provider packages that are installed, by what each says of itself: `ProvidersManager`.

A provider has an entry point of the group `apache_airflow_provider`: a function that returns what
is in the package, as names only. Reading it imports no hook and no operator; a provider whose
function cannot be read is left out, with its reason in `unreadable`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import distributions
from typing import Any, NamedTuple

GROUP = "apache_airflow_provider"

unreadable: dict[str, str] = {}
"""package: why it could not be read. Filled by `installed`."""


class ProviderInfo(NamedTuple):
    """A provider package: its version, and what it says of itself."""

    version: str
    data: Mapping[str, Any]


class HookInfo(NamedTuple):
    """The hook of a type of connection. Its class is named, not imported."""

    hook_class_name: str
    connection_id_attribute_name: str
    package_name: str
    hook_name: str
    connection_type: str
    connection_testable: bool = False
    dialects: tuple[str, ...] = ()


class DialectInfo(NamedTuple):
    """How a database's SQL differs: the class that knows."""

    name: str
    dialect_class_name: str
    provider_name: str


class PluginInfo(NamedTuple):
    """A plugin of a provider's."""

    name: str
    plugin_class: str
    provider_name: str


@functools.cache
def installed() -> Mapping[str, ProviderInfo]:
    """Return the installed provider packages by name, in the order of their names."""
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
                continue
            found[name] = ProviderInfo(distribution.version, data)
    return dict(sorted(found.items()))


def hook_infos() -> dict[str, HookInfo]:
    """Return the hooks that the installed providers have, by type of connection."""
    found: dict[str, HookInfo] = {}
    for package, provider in installed().items():
        for row in provider.data.get("connection-types", []):
            kind, hook = row["connection-type"], row["hook-class-name"]
            name = row.get("hook-name", hook.rpartition(".")[2])
            dialects = tuple(row.get("dialects", []))
            info = HookInfo(hook, f"{kind}_conn_id", package, name, kind, dialects=dialects)
            found.setdefault(kind, info)
    return found


class ProvidersManager:
    """What Airflow's `ProvidersManager` tells of installed providers, without importing them."""

    @property
    def providers(self) -> Mapping[str, ProviderInfo]:
        return installed()

    @functools.cached_property
    def hooks(self) -> dict[str, HookInfo]:
        return hook_infos()

    @functools.cached_property
    def dialects(self) -> dict[str, DialectInfo]:
        return {
            row["dialect-type"]: DialectInfo(
                row["dialect-type"], row["dialect-class-name"], package
            )
            for package, row in self._rows("dialects")
        }

    @functools.cached_property
    def plugins(self) -> list[PluginInfo]:
        return [
            PluginInfo(row["name"], row["plugin-class"], package)
            for package, row in self._rows("plugins")
        ]

    @functools.cached_property
    def taskflow_decorators(self) -> dict[str, str]:
        """kind of `@task`: the path of what makes it."""
        return {row["name"]: row["class-name"] for _, row in self._rows("task-decorators")}

    @functools.cached_property
    def extra_links_class_names(self) -> list[str]:
        return [name for _, name in self._rows("extra-links")]

    @functools.cached_property
    def filesystem_module_names(self) -> list[str]:
        return [name for _, name in self._rows("filesystems")]

    @functools.cached_property
    def provider_configs(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (package, provider.data["config"])
            for package, provider in installed().items()
            if provider.data.get("config")
        ]

    def _rows(self, key: str) -> list[tuple[str, Any]]:
        return [
            (package, row)
            for package, provider in installed().items()
            for row in provider.data.get(key, [])
        ]


ProvidersManagerTaskRuntime = ProvidersManager
