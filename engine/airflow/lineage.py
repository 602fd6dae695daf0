"""`airflow.sdk.lineage`: hooks tell here what they read and write, and nobody listens.

Providers check that the collector has these methods, and `collected_assets` on its class, before
they do without their own patches; so this shape is more than politeness.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class AssetLineageInfo:
    """How often a hook has told of an asset."""

    asset: Any
    count: int
    context: Any


@dataclass
class ExtraLineageInfo:
    """How often a hook has told of something else."""

    key: str
    value: Any
    count: int
    context: Any


@dataclass
class HookLineage:
    """What hooks have told of."""

    inputs: list[AssetLineageInfo] = field(default_factory=list)
    outputs: list[AssetLineageInfo] = field(default_factory=list)
    extra: list[ExtraLineageInfo] = field(default_factory=list)


class HookLineageCollector:
    """Takes what hooks tell, and keeps nothing."""

    def __init__(self, **kwargs: Any) -> None:
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}
        self._extra: dict[str, Any] = {}

    def create_asset(self, **kwargs: Any) -> None:
        """Make no asset."""

    def add_input_asset(self, *args: Any, **kwargs: Any) -> None:
        """Take what a hook reads."""

    def add_output_asset(self, *args: Any, **kwargs: Any) -> None:
        """Take what a hook writes."""

    def add_extra(self, *args: Any, **kwargs: Any) -> None:
        """Take what else a hook tells."""

    @property
    def collected_assets(self) -> HookLineage:
        return HookLineage()

    @property
    def has_collected(self) -> bool:
        return False


NoOpCollector = HookLineageCollector

_collector = HookLineageCollector()


def get_hook_lineage_collector() -> HookLineageCollector:
    """Return the collector that this process's hooks tell."""
    return _collector
