"""`ProvidersManager`: what the installed provider packages say of themselves, by Airflow's names.

Read from `authoring.provided`; no hook and no operator is imported.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from penstock.authoring.provided import ProviderInfo, installed, rows

__all__ = ["ProviderInfo"]


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


def hook_infos() -> dict[str, HookInfo]:
    """Return the hooks that the installed providers have, by type of connection."""
    found: dict[str, HookInfo] = {}
    for package, row in rows("connection-types"):
        kind, hook = row["connection-type"], row["hook-class-name"]
        name = row.get("hook-name", hook.rpartition(".")[2])
        dialects = tuple(row.get("dialects", ()))
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
            for package, row in rows("dialects")
        }

    @functools.cached_property
    def plugins(self) -> list[PluginInfo]:
        return [
            PluginInfo(row["name"], row["plugin-class"], package)
            for package, row in rows("plugins")
        ]

    @functools.cached_property
    def taskflow_decorators(self) -> dict[str, str]:
        """kind of `@task`: the path of what makes it."""
        return {row["name"]: row["class-name"] for _, row in rows("task-decorators")}

    @functools.cached_property
    def extra_links_class_names(self) -> list[str]:
        return [name for _, name in rows("extra-links")]

    @functools.cached_property
    def filesystem_module_names(self) -> list[str]:
        return [name for _, name in rows("filesystems")]

    @functools.cached_property
    def provider_configs(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (package, provider.data["config"])
            for package, provider in installed().items()
            if provider.data.get("config")
        ]


ProvidersManagerTaskRuntime = ProvidersManager
