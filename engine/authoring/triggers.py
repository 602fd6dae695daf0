"""Triggers: what a deferred task waits for, as a coroutine that costs no slot.

An operator says `self.defer(trigger=..., method_name="go_on")`; the trigger then runs beside
thousands of others on one event loop, and what its `run` yields first is handed to `go_on`.
"""

from __future__ import annotations

import abc
import importlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from penstock.authoring.backend import Backend
from penstock.authoring.context import DagRun, asking
from penstock.authoring.exceptions import TaskDeferralError
from penstock.authoring.task_instance import TaskInstance
from penstock.events.words import RunInfo, Work

if TYPE_CHECKING:
    from penstock.authoring.dag import DAG

EVENT_KEY = "event"
END_KEY = "end:"
XCOM_KEY = "xcom:"
"""Under which keys a trigger's attempt says what became of it: what it fired with, for the task to
go on with; or as what the task ends (`end:success`) and with which XComs (`xcom:<key>`)."""


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


class BaseTaskEndEvent(TriggerEvent):
    """Ends the task that waits, which does not go on. xcoms: what it leaves to others."""

    task_instance_state: ClassVar[str]

    def __init__(self, *, xcoms: dict[str, Any] | None = None) -> None:
        super().__init__(self.task_instance_state)
        self.xcoms = xcoms


class TaskSuccessEvent(BaseTaskEndEvent):
    task_instance_state = "success"


class TaskFailedEvent(BaseTaskEndEvent):
    """The task has failed, however many retries it has left."""

    task_instance_state = "failed"


class TaskSkippedEvent(BaseTaskEndEvent):
    task_instance_state = "skipped"


@dataclass
class StartTriggerArgs:
    """Of operators that Airflow may start in their trigger; here they start in `execute`."""

    trigger_cls: str
    next_method: str
    trigger_kwargs: dict[str, Any] | None = None
    next_kwargs: dict[str, Any] | None = None
    timeout: timedelta | None = None


class BaseTrigger(abc.ABC):
    """Waits for something. `serialize` gives what it is made anew of, in another process.

    task_instance: of the task that waits, while it runs.
    """

    penstock_fires_at: Any = None
    """A moment, if that is all that it waits for: then no process needs to run it."""

    penstock_ends_task = False
    """Whether its task has succeeded at that moment, without going on."""

    penstock_awaits: Sequence[Any] = ()
    """Ends of other DAGs' runs and tasks (`Awaited`) that it waits for, beside its moment."""

    supports_triggerer_queue = True

    def __init__(self, **kwargs: Any) -> None:
        self.kwargs = kwargs
        self.task_instance: Any = None
        self.trigger_id: Any = None
        self.timeout_after: Any = None

    @property
    def task(self) -> Any:
        """The task that waits, while the trigger runs."""
        return getattr(self.task_instance, "task", None)

    @property
    def task_id(self) -> str | None:
        return getattr(self.task_instance, "task_id", None)

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

    @staticmethod
    def repr(classpath: str, kwargs: dict[str, Any]) -> str:
        return f"<{classpath} {', '.join(f'{name}={value}' for name, value in kwargs.items())}>"

    def __repr__(self) -> str:
        return self.repr(*self.serialize())


class BaseEventTrigger(BaseTrigger):
    """A trigger that events of the world fire, not the state of something that is looked at."""

    supports_triggerer_queue = False


async def run_trigger(dag: DAG, work: Work, run: RunInfo, backend: Backend) -> None:
    """Run a trigger until it fires, and push what it fired with.

    Raises TaskDeferralError if it ends without firing, and whatever it raises itself.
    """
    with asking(backend):
        await _run_trigger(dag, work, run, backend)


async def _run_trigger(dag: DAG, work: Work, run: RunInfo, backend: Backend) -> None:
    path, kwargs = backend.trigger()
    trigger = class_at(path)(**kwargs)
    task_id = work.attempt.task.partition(":")[2]
    task = dag.get_task(task_id)
    trigger.task_instance = TaskInstance(task, work, run, DagRun.of(run), backend, None)
    trigger.task_instance.task_id = task_id
    try:
        async for event in trigger.run():
            tell(backend, event)
            return
    finally:
        await trigger.cleanup()
    raise TaskDeferralError(f"the trigger {path} ended without an event")


def tell(backend: Backend, event: Any) -> None:
    """Push what a trigger fired with, or as what it ends its task."""
    end = getattr(event, "task_instance_state", None)
    if end is None:
        backend.push(EVENT_KEY, event.payload)
        return
    backend.push(END_KEY + end, None)
    for key, value in (event.xcoms or {}).items():
        backend.push(XCOM_KEY + key, value)


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
