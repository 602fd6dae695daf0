"""Everything that crosses a wire: types, subjects, streams, bus, embedded server, client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.events.client import Client, TriggerRefusedError

__all__ = ["Client", "TriggerRefusedError"]


def __getattr__(name: str) -> Any:
    # Late: who only wants the types need not have nats-py imported.
    if name in __all__:
        from penstock.events import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
