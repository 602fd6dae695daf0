"""Triggers that wait for a moment.

Their moment is all that they wait for, so it goes into the coordinator's heap and no process runs
them; `run` is there for whoever runs a trigger by hand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.authoring.triggers import BaseTrigger, TaskSuccessEvent, TriggerEvent

LONGEST_SLEEP = 3600.0
"""Seconds after which the clock is looked at again: it may have been set."""


class DateTimeTrigger(BaseTrigger):
    """Fires at a moment, with that moment.

    moment: a datetime with a time zone; or target_time: one, or a text of one. end_from_trigger:
    the task has succeeded then, and does not go on.
    """

    def __init__(
        self,
        moment: datetime | None = None,
        *,
        target_time: datetime | str | None = None,
        end_from_trigger: bool = False,
    ) -> None:
        super().__init__()
        if (moment is None) == (target_time is None):
            raise TypeError(f"{type(self).__name__} takes either moment or target_time.")
        if moment is not None and not isinstance(moment, datetime):
            raise TypeError(f"moment must be a datetime, not {type(moment).__name__}.")
        if moment is not None and moment.tzinfo is None:
            raise ValueError("moment must have a time zone.")
        self.moment = utc(target_time if moment is None else moment)
        self.end_from_trigger = end_from_trigger

    @property
    def penstock_fires_at(self) -> Any:
        return self.moment

    @property
    def penstock_ends_task(self) -> bool:  # type: ignore[override]
        return self.end_from_trigger

    def _left(self) -> float:
        return (self.moment - datetime.now(UTC)).total_seconds()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "penstock.steps.triggers.temporal.DateTimeTrigger",
            {"moment": self.moment, "end_from_trigger": self.end_from_trigger},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        import asyncio

        left = self._left()
        while left > 0:
            await asyncio.sleep(min(left, LONGEST_SLEEP))
            left = self._left()
        yield TaskSuccessEvent() if self.end_from_trigger else TriggerEvent(self.moment)


class TimeDeltaTrigger(DateTimeTrigger):
    """Fires when so much time has passed since it was made."""

    def __init__(self, delta: timedelta, *, end_from_trigger: bool = False) -> None:
        super().__init__(moment=datetime.now(UTC) + delta, end_from_trigger=end_from_trigger)


def utc(said: Any) -> datetime:
    """Return a moment as a pendulum DateTime in UTC; a text is read, one without zone is UTC."""
    import pendulum

    if isinstance(said, str):
        said = pendulum.parse(said, strict=False)
    if not isinstance(said, datetime):
        raise TypeError(f"a moment must be a datetime or the text of one, not {said!r}.")
    return pendulum.instance(said, tz="UTC").in_timezone("UTC")
