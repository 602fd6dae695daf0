"""Rows of the table for all that waits: sensors, triggers and deferring: data of `names`."""

from __future__ import annotations


def _from(module: str, *names: str, **renamed: str) -> dict[str, str]:
    lines = {name: f"penstock.{module}:{name}" for name in names}
    return lines | {theirs: f"penstock.{module}:{ours}" for theirs, ours in renamed.items()}


_SENSOR = _from("authoring.sensor", "BaseSensorOperator", "PokeReturnValue")
_EXCEPTIONS = _from(
    "authoring.exceptions",
    "AirflowRescheduleException",
    "TaskDeferralError",
    "TaskDeferralTimeout",
    "TaskDeferred",
)
_TRIGGER = _from(
    "authoring.triggers",
    "BaseEventTrigger",
    "BaseTaskEndEvent",
    "BaseTrigger",
    "StartTriggerArgs",
    "TaskFailedEvent",
    "TaskSkippedEvent",
    "TaskSuccessEvent",
    "TriggerEvent",
)
_SENSORS = "airflow.providers.standard.sensors."
_TRIGGERS = "airflow.providers.standard.triggers."

WAITING: dict[str, dict[str, str]] = {
    "airflow.sdk": _SENSOR,
    "airflow.sdk.bases.sensor": _SENSOR
    | _from("authoring.sensor", "poke_mode_only")
    | _from("authoring.operator", "BaseOperator"),
    "airflow.sdk.exceptions": _EXCEPTIONS,
    "airflow.exceptions": _EXCEPTIONS,
    "airflow.providers.common.compat.sdk": _SENSOR | _EXCEPTIONS | _TRIGGER,
    "airflow.providers.standard.decorators.sensor": _from(
        "steps.sensors.python", "sensor_task", DecoratedSensorOperator="SensorTask"
    ),
    _SENSORS + "bash": _from("steps.sensors.bash", "BashSensor"),
    _SENSORS + "date_time": _from("steps.sensors.times", "DateTimeSensor", "DateTimeSensorAsync"),
    _SENSORS + "external_task": _from(
        "steps.sensors.external_task", "ExternalTaskMarker", "ExternalTaskSensor"
    ),
    "airflow.providers.standard.exceptions": _from(
        "steps.sensors.external_task",
        "ExternalDagFailedError",
        "ExternalDagNotFoundError",
        "ExternalTaskFailedError",
        "ExternalTaskGroupFailedError",
        AirflowExternalTaskSensorException="ExternalTaskError",
    ),
    "airflow.providers.standard.operators.trigger_dagrun": _from(
        "steps.trigger_dagrun",
        "DagIsPaused",
        "TriggerDagRunOperator",
        XCOM_LOGICAL_DATE_ISO="DATE_KEY",
        XCOM_RUN_ID="RUN_ID_KEY",
    ),
    _SENSORS + "filesystem": _from("steps.sensors.filesystem", "FileSensor"),
    _SENSORS + "python": _from("steps.sensors.python", "PythonSensor"),
    _SENSORS + "time": _from("steps.sensors.times", "TimeSensor", "TimeSensorAsync"),
    _SENSORS + "time_delta": _from(
        "steps.sensors.times", "TimeDeltaSensor", "TimeDeltaSensorAsync", "WaitSensor"
    ),
    _SENSORS + "weekday": _from("steps.sensors.times", "DayOfWeekSensor"),
    _TRIGGERS + "file": _from("steps.triggers.file", "FileDeleteTrigger", "FileTrigger"),
    _TRIGGERS + "temporal": _from("steps.triggers.temporal", "DateTimeTrigger", "TimeDeltaTrigger"),
    "airflow.triggers.base": _TRIGGER,
    "airflow.triggers.testing": _from("steps.triggers.testing", "FailureTrigger", "SuccessTrigger"),
}
"""module: its names that wait, or that waiting needs."""
