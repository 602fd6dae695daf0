"""How user code speaks of outcomes: exceptions by Airflow's names, which users know.

Only the worker gives them a meaning: `AirflowSkipException` skips, `AirflowFailException` fails for
good, anything else fails this try.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from penstock.errors import PenstockError


class AirflowException(PenstockError):
    """The root of what operators raise. Fails the try; retries go on."""


class AirflowSkipException(AirflowException):
    """This task instance is not wanted: it ends `skipped`, and so do those that need it.

    `raise AirflowSkipException("no new rows")`.
    """


class AirflowFailException(AirflowException):
    """This task instance fails at once, however many retries are left.

    `raise AirflowFailException("the key is wrong, and will be")`.
    """


class AirflowRescheduleException(AirflowException):
    """The task gives its slot back and is executed again, as the same try, at `reschedule_date`.

    penstock_awaits: ends of other DAGs' runs and tasks (`Awaited`); with the first it is, sooner.
    """

    penstock_awaits: Sequence[Any] = ()

    def __init__(self, reschedule_date: datetime) -> None:
        super().__init__(f"it looks again at {reschedule_date}")
        self.reschedule_date = reschedule_date


class TaskDeferred(BaseException):
    """The task gives its slot back until `trigger` fires; then `method_name` goes on with it.

    timeout: how long it may wait, a timedelta or seconds. No Exception, so that user code which
    catches those does not swallow it.
    """

    def __init__(
        self,
        *,
        trigger: Any,
        method_name: str,
        kwargs: dict[str, Any] | None = None,
        timeout: timedelta | float | None = None,
    ) -> None:
        super().__init__()
        self.trigger, self.method_name = trigger, method_name
        self.kwargs, self.timeout = kwargs, timeout

    def __str__(self) -> str:
        return f"it waits for {type(self.trigger).__name__}, then {self.method_name}() goes on"


class TaskDeferralError(AirflowException):
    """What a deferred task waited for failed."""


class TaskDeferralTimeout(TaskDeferralError):
    """What a deferred task waited for did not come in time."""


class AirflowTaskTimeout(AirflowException):
    """A task took longer than its `execution_timeout`."""


class AirflowSensorTimeout(AirflowException):
    """A sensor waited longer than its `timeout`; it is not retried."""


class AirflowNotFoundException(AirflowException):
    """A connection, variable or other named thing does not exist."""


class AirflowBadRequest(AirflowException):
    """A request of the user's was wrong in itself."""


class AirflowConfigException(AirflowException):
    """The configuration lacks something or says something wrong."""


class AirflowOptionalProviderFeatureException(AirflowException):
    """A provider's optional feature needs a package that is not installed."""


class AirflowProviderDeprecationWarning(DeprecationWarning):
    """A provider's name is on its way out."""


class AirflowRuntimeError(AirflowException):
    """Something that a running task asked for could not be had."""


class ParamValidationError(AirflowException):
    """A param's value does not fit its JSON Schema, or there is no value."""


class XComNotFound(AirflowException):
    """A task wants an XCom that was never pushed."""

    def __init__(self, dag_id: str, task_id: str, key: str) -> None:
        self.dag_id, self.task_id, self.key = dag_id, task_id, key
        super().__init__(
            f"task {task_id!r} of DAG {dag_id!r} pushed no XCom with the key {key!r}. If it "
            "returns a dict whose entries are meant, give it multiple_outputs=True."
        )


class XComForMappingNotPushed(AirflowException):
    """A task returned nothing, but another is expanded over what it returns."""


class UnmappableXComTypePushed(AirflowException):
    """A task returned something that is no list or dict, but another is expanded over it."""
