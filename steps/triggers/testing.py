"""Triggers for tests: one that fires at once, one that fails at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from penstock.authoring.triggers import BaseTrigger, TriggerEvent


class SuccessTrigger(BaseTrigger):
    """Fires with True."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "penstock.steps.triggers.testing.SuccessTrigger", {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        yield TriggerEvent(True)


class FailureTrigger(BaseTrigger):
    """Raises ValueError."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "penstock.steps.triggers.testing.FailureTrigger", {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        raise ValueError("Deliberate trigger failure")
        yield  # what makes it a generator
