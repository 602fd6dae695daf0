"""What waits for another DAG's run: woken by its end, and now and then by the clock.

The ends lie in the coordinator's index, so nothing polls; the clock is for what no end tells, such
as a run that came and went while the question about it was on its way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.authoring.exceptions import AirflowRescheduleException
from penstock.authoring.triggers import BaseTrigger, TriggerEvent
from penstock.events.types import Awaited


class EndTrigger(BaseTrigger):
    """Fires when one of these runs or tasks ends, or so many seconds from now.

    It runs in no process: the coordinator waits.
    """

    def __init__(self, awaits: Iterable[Awaited], seconds: float) -> None:
        super().__init__()
        self.penstock_awaits = tuple(awaits)
        self.penstock_fires_at = datetime.now(UTC) + timedelta(seconds=seconds)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        raise NotImplementedError("the coordinator waits in its place; it is never sent anywhere")

    async def run(self) -> AsyncIterator[TriggerEvent]:
        raise NotImplementedError("the coordinator waits in its place")
        yield  # what makes it a generator


def look_again_at_end(awaits: Iterable[Awaited], seconds: float) -> AirflowRescheduleException:
    """Return what a sensor raises to look again at one of these ends, or after so many seconds."""
    again = AirflowRescheduleException(datetime.now(UTC) + timedelta(seconds=seconds))
    again.penstock_awaits = tuple(awaits)
    return again
