"""Older paths of Airflow's and where they lead: data of `names` and `known`.

Whatever is served under the newer path is served under the older one too, and `dags check` names
the newer one. Those that Airflow 3.3 still leads on are here, and those of Airflow 1 and 2 that
have one meaning.
"""

from __future__ import annotations

_OPERATORS = "airflow.providers.standard.operators."
_SENSORS = "airflow.providers.standard.sensors."
_HOOKS = "airflow.providers.standard.hooks."
_TRIGGERS = "airflow.providers.standard.triggers."

ALIASES: dict[str, str] = {
    "airflow.operators.bash": _OPERATORS + "bash",
    "airflow.operators.bash_operator": _OPERATORS + "bash",
    "airflow.operators.branch": "airflow.sdk.bases.branch",
    "airflow.operators.branch_operator": "airflow.sdk.bases.branch",
    "airflow.operators.dagrun_operator": _OPERATORS + "trigger_dagrun",
    "airflow.operators.datetime": _OPERATORS + "datetime",
    "airflow.operators.empty": _OPERATORS + "empty",
    "airflow.operators.latest_only": _OPERATORS + "latest_only",
    "airflow.operators.latest_only_operator": _OPERATORS + "latest_only",
    "airflow.operators.python": _OPERATORS + "python",
    "airflow.operators.python_operator": _OPERATORS + "python",
    "airflow.operators.smooth": _OPERATORS + "smooth",
    "airflow.operators.trigger_dagrun": _OPERATORS + "trigger_dagrun",
    "airflow.operators.weekday": _OPERATORS + "weekday",
    "airflow.providers.standard.operators.branch": "airflow.sdk.bases.branch",
    "airflow.sensors.base": "airflow.sdk.bases.sensor",
    "airflow.sensors.base_sensor_operator": "airflow.sdk.bases.sensor",
    "airflow.sensors.bash": _SENSORS + "bash",
    "airflow.sensors.date_time": _SENSORS + "date_time",
    "airflow.sensors.date_time_sensor": _SENSORS + "date_time",
    "airflow.sensors.external_task": _SENSORS + "external_task",
    "airflow.sensors.external_task_sensor": _SENSORS + "external_task",
    "airflow.sensors.filesystem": _SENSORS + "filesystem",
    "airflow.sensors.python": _SENSORS + "python",
    "airflow.sensors.time_delta": _SENSORS + "time_delta",
    "airflow.sensors.time_delta_sensor": _SENSORS + "time_delta",
    "airflow.sensors.time_sensor": _SENSORS + "time",
    "airflow.sensors.weekday": _SENSORS + "weekday",
    "airflow.contrib.sensors.bash_sensor": _SENSORS + "bash",
    "airflow.contrib.sensors.file_sensor": _SENSORS + "filesystem",
    "airflow.contrib.sensors.python_sensor": _SENSORS + "python",
    "airflow.contrib.sensors.weekday_sensor": _SENSORS + "weekday",
    "airflow.operators.sensors": _SENSORS + "external_task",
    "airflow.hooks.base": "airflow.sdk.bases.hook",
    "airflow.hooks.base_hook": "airflow.sdk.bases.hook",
    "airflow.hooks.filesystem": _HOOKS + "filesystem",
    "airflow.hooks.package_index": _HOOKS + "package_index",
    "airflow.hooks.subprocess": _HOOKS + "subprocess",
    "airflow.triggers.external_task": _TRIGGERS + "external_task",
    "airflow.triggers.file": _TRIGGERS + "file",
    "airflow.triggers.temporal": _TRIGGERS + "temporal",
    "airflow.configuration": "airflow.sdk.configuration",
    "airflow.decorators.base": "airflow.sdk.bases.decorator",
    "airflow.decorators.setup_teardown": "airflow.sdk.definitions.decorators.setup_teardown",
    "airflow.io": "airflow.sdk.io",
    "airflow.io.path": "airflow.sdk.io.path",
    "airflow.lineage.hook": "airflow.sdk.lineage",
    "airflow.listeners.listener": "airflow.sdk.listener",
    "airflow.macros": "airflow.sdk.execution_time.macros",
    "airflow.models.baseoperator": "airflow.sdk.bases.operator",
    "airflow.models.baseoperatorlink": "airflow.sdk.bases.operatorlink",
    "airflow.models.connection": "airflow.sdk.definitions.connection",
    "airflow.models.dag": "airflow.sdk.definitions.dag",
    "airflow.models.mappedoperator": "airflow.sdk.definitions.mappedoperator",
    "airflow.models.param": "airflow.sdk.definitions.param",
    "airflow.models.skipmixin": "airflow.sdk.bases.skipmixin",
    "airflow.models.variable": "airflow.sdk.definitions.variable",
    "airflow.models.xcom_arg": "airflow.sdk.definitions.xcom_arg",
    "airflow.notifications.basenotifier": "airflow.sdk.bases.notifier",
    "airflow.partition_mappers.base": "airflow.sdk.definitions.partition_mappers.base",
    "airflow.partition_mappers.window": "airflow.sdk.definitions.partition_mappers.window",
    "airflow.providers.standard.utils.skipmixin": "airflow.sdk.bases.skipmixin",
    "airflow.secrets.base_secrets": "airflow.sdk.bases.secrets_backend",
    "airflow.task.trigger_rule": "airflow.utils.trigger_rule",
    "airflow.task.weight_rule": "airflow.utils.weight_rule",
    "airflow.timetables.assets": "airflow.sdk.definitions.timetables.assets",
    "airflow.timetables.events": "airflow.sdk.definitions.timetables.events",
    "airflow.timetables.interval": "airflow.sdk.definitions.timetables.interval",
    "airflow.timetables.simple": "airflow.sdk.definitions.timetables.simple",
    "airflow.timetables.trigger": "airflow.sdk.definitions.timetables.trigger",
    "airflow.utils.context": "airflow.sdk.definitions.context",
    "airflow.utils.dag_parsing_context": "airflow.sdk.definitions.context",
    "airflow.utils.edgemodifier": "airflow.sdk.definitions.edges",
    "airflow.sdk.execution_time.secrets_masker": "airflow.sdk.log",
    "airflow.utils.log.secrets_masker": "airflow.sdk.log",
    "airflow.utils.operator_helpers": "airflow.sdk.bases.decorator",
    "airflow.utils.task_group": "airflow.sdk.definitions.taskgroup",
    "airflow.utils.template": "airflow.sdk.definitions.template",
    "airflow.utils.timeout": "airflow.sdk.execution_time.timeout",
    "airflow.utils.timezone": "airflow.sdk.timezone",
    "airflow.utils.weekday": "airflow.providers.standard.utils.weekday",
}
"""older module: the module whose names it has."""

RENAMED: dict[str, dict[str, str]] = {
    "airflow": {
        "AirflowException": "airflow.sdk.exceptions.AirflowException",
        "Dataset": "airflow.sdk.Asset",
    },
    "airflow.datasets": {
        "Dataset": "airflow.sdk.Asset",
        "DatasetAlias": "airflow.sdk.AssetAlias",
        "DatasetAll": "airflow.sdk.AssetAll",
        "DatasetAny": "airflow.sdk.AssetAny",
    },
    "airflow.datasets.metadata": {"Metadata": "airflow.sdk.Metadata"},
    "airflow.models.baseoperator": {"BaseOperatorLink": "airflow.sdk.BaseOperatorLink"},
    "airflow.operators": {
        "BashOperator": _OPERATORS + "bash.BashOperator",
        "BranchPythonOperator": _OPERATORS + "python.BranchPythonOperator",
        "DummyOperator": _OPERATORS + "empty.EmptyOperator",
        "PythonOperator": _OPERATORS + "python.PythonOperator",
        "ShortCircuitOperator": _OPERATORS + "python.ShortCircuitOperator",
    },
    "airflow.operators.dummy": {"DummyOperator": _OPERATORS + "empty.EmptyOperator"},
    "airflow.operators.dummy_operator": {"DummyOperator": _OPERATORS + "empty.EmptyOperator"},
    "airflow.timetables.datasets": {"DatasetOrTimeSchedule": "airflow.sdk.AssetOrTimeSchedule"},
    "airflow.utils.helpers": {
        "chain": "airflow.sdk.chain",
        "cross_downstream": "airflow.sdk.cross_downstream",
    },
}
"""older module: its names whose newer path has another name, or another module than the rest."""
