"""Exceptions of Airflow's that only providers and old files name, and that mean nothing here.

Those with a meaning, and those that Penstock raises itself, are in `authoring.exceptions`.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from penstock.authoring.exceptions import (
    AirflowBadRequest,
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
)


class ErrorType(Enum):
    """What kind of answer an API refused with."""

    CONNECTION_NOT_FOUND = "CONNECTION_NOT_FOUND"
    VARIABLE_NOT_FOUND = "VARIABLE_NOT_FOUND"
    XCOM_NOT_FOUND = "XCOM_NOT_FOUND"
    ASSET_NOT_FOUND = "ASSET_NOT_FOUND"
    DAGRUN_ALREADY_EXISTS = "DAGRUN_ALREADY_EXISTS"
    GENERIC_ERROR = "GENERIC_ERROR"
    API_SERVER_ERROR = "API_SERVER_ERROR"


class FileSyntaxError(NamedTuple):
    """A mistake in a file, and its line."""

    line_no: int | None
    message: str


class RemovedInAirflow4Warning(DeprecationWarning):
    """A name of Airflow's is on its way out."""


class DeprecatedImportWarning(FutureWarning):
    """A path of Airflow's is on its way out."""


class AirflowClearRunningTaskException(AirflowException):
    """A running task was to be cleared."""


class AirflowClusterPolicyError(AirflowException):
    """A cluster's policy has a mistake."""


class AirflowClusterPolicySkipDag(AirflowException):
    """A cluster's policy leaves a DAG out."""


class AirflowClusterPolicyViolation(AirflowException):
    """A DAG is against a cluster's policy."""


class AirflowFileParseException(AirflowException):
    """A file with connections or variables cannot be read."""


class AirflowInactiveAssetInInletOrOutletException(AirflowFailException):
    """A task uses an asset that is not active."""


class AirflowInternalRuntimeError(BaseException):
    """Airflow's own machinery is wrong; not to be caught with `except Exception`."""


class AirflowSecretsBackendAccessDenied(PermissionError):
    """A store of secrets refuses."""


class AirflowTaskTerminated(BaseException):
    """A task was told to end."""


class AirflowTimetableInvalid(AirflowException):
    """A timetable is wrong in itself."""


class AirflowUnsupportedFileTypeException(AirflowException):
    """A file has an ending that is not known."""


class ConnectionNotUnique(AirflowException):
    """A file has two connections of one id."""


class VariableNotUnique(AirflowException):
    """A file has two variables of one key."""


class DagNotFound(AirflowNotFoundException):
    """There is no such DAG."""


class DagCodeNotFound(AirflowNotFoundException):
    """There is no code of such a DAG."""


class DagRunNotFound(AirflowNotFoundException):
    """There is no such run."""


class PoolNotFound(AirflowNotFoundException):
    """There is no such pool."""


class TaskInstanceNotFound(AirflowNotFoundException):
    """There is no such task instance."""


class DagRunAlreadyExists(AirflowBadRequest):
    """There is a run of this id."""


class DagRunTypeNotAllowed(AirflowException):
    """A DAG does not allow runs of this type."""


class DagNotPartitionedError(ValueError):
    """A partition was asked of a DAG that has none."""


class InvalidPartitionKeyError(ValueError):
    """A partition's key is wrong in itself."""


class InvalidStatsNameException(AirflowException):
    """A metric's name is wrong in itself."""


class FailFastDagInvalidTriggerRule(AirflowException):
    """A DAG that fails fast has a task with another trigger rule."""


class TaskNotFound(AirflowException):
    """There is no such task."""


class NodeNotFound(TaskNotFound, KeyError):
    """There is no such task or group."""


class NotMapped(Exception):
    """A task is not mapped."""


class TaskAlreadyInTaskGroup(AirflowException):
    """A task is in a group already."""


class TaskAlreadyRunningError(AirflowException):
    """A task runs already."""


class SerializationError(AirflowException):
    """Something cannot be written down."""


class DeserializationError(Exception):
    """Something written down cannot be read."""


class DeserializingResultError(ValueError):
    """What a task in another environment returned cannot be read."""


class PodMutationHookException(AirflowException):
    """The hook that changes pods raised."""


class PodReconciliationError(AirflowException):
    """Two descriptions of a pod do not fit together."""


class UnknownExecutorException(ValueError):
    """There is no such executor."""
