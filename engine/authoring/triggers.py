"""Triggers: what a deferred task waits for, as a coroutine that costs no slot.

An operator says `self.defer(trigger=..., method_name="go_on")`; the trigger then runs beside
thousands of others on one event loop, and what its `run` yields first is handed to `go_on`.
"""

from __future__ import annotations

import abc
import importlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from penstock.authoring.backend import Backend
from penstock.authoring.context import DagRun
from penstock.authoring.exceptions import TaskDeferralError
from penstock.authoring.task_instance import TaskInstance
from penstock.events.types import RunInfo, Work

if TYPE_CHECKING:
    from penstock.authoring.dag import DAG

EVENT_KEY = "event"


class TriggerEvent:
    """What a trigger fires with. payload: anything that an XCom can be."""

    def __init__(self, payload: Any) -> None:
        self.payload = payload

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TriggerEvent) and other.payload == self.payload

    def __hash__(self) -> int:
        return hash(repr(self.payload))

    def __repr__(self) -> str:
        return f"TriggerEvent<{self.payload!r}>"


class BaseTrigger(abc.ABC):
    """Waits for something. `serialize` gives what it is made anew of, in another process.

    task_instance: of the task that waits, while it runs.
    """

    penstock_fires_at: Any = None
    """A moment, if that is all that it waits for: then no process needs to run it."""

    def __init__(self, **kwargs: Any) -> None:
        self.kwargs = kwargs
        self.task_instance: Any = None
        self.trigger_id: Any = None
        self.timeout_after: Any = None

    @property
    def log(self) -> logging.Logger:
        return logging.getLogger(f"penstock.trigger.{type(self).__name__}")

    @abc.abstractmethod
    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return (the class's dotted path, its arguments)."""

    @abc.abstractmethod
    def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield an event. Must not block: others run on the same loop."""

    async def cleanup(self) -> None:  # noqa: B027  (most need none)
        """Called when it is done with, also when nobody waits for it any more."""


async def run_trigger(dag: DAG, work: Work, run: RunInfo, backend: Backend) -> None:
    """Run a trigger until it fires, and push what it fired with.

    Raises TaskDeferralError if it ends without firing, and whatever it raises itself.
    """
    path, kwargs = backend.trigger()
    trigger = class_at(path)(**kwargs)
    task_id = work.attempt.task.partition(":")[2]
    task = dag.get_task(task_id)
    trigger.task_instance = TaskInstance(task, work, run, DagRun.of(run), backend, None)
    trigger.task_instance.task_id = task_id
    try:
        async for event in trigger.run():
            backend.push(EVENT_KEY, event.payload)
            return
    finally:
        await trigger.cleanup()
    raise TaskDeferralError(f"the trigger {path} ended without an event")


def class_at(path: str) -> Any:
    """Return the class of a dotted path. Raises TaskDeferralError if it is not there."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise TaskDeferralError(
            f"the trigger {path!r} cannot be imported: {error}. Put it into a module, and name "
            "that in serialize()."
        ) from error
