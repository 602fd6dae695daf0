"""What to write instead of names that are not served: a table of reasons, each with its names.

A module's line holds for all below it, the longest line wins, and a name that is served is never
looked up here; a line whose names are all served is dead and a test asks for its removal.
"""

from __future__ import annotations

from penstock.airflow.known import FAMILIES


def _each(prefixes: str | tuple[str, ...], *names: str) -> tuple[str, ...]:
    several = (prefixes,) if isinstance(prefixes, str) else prefixes
    return tuple(prefix + name for prefix in several for name in names)


REASONS: dict[str, tuple[str, ...]] = {
    "assets are not built yet; trigger the DAG, or give it a schedule": (
        "airflow.datasets", "airflow.assets", "airflow.Asset", "airflow.Dataset",
        "airflow.models.asset", "airflow.sdk.definitions.asset", "airflow.timetables.assets",
        "airflow.sdk.definitions.timetables.assets", "airflow.timetables.datasets",
        *_each("airflow.sdk.", "Asset", "AssetAccessControl", "AssetAlias", "AssetAll", "AssetAny",
               "AssetOrTimeSchedule", "AssetWatcher", "Metadata", "asset"),
    ),
    "partitioned runs are not built yet; give each part a run of its own, with a conf": (
        "airflow.partition_mappers", "airflow.sdk.definitions.partition_mappers",
        *_each("airflow.sdk.", "AllowedKeyMapper", "ChainMapper", "CronPartitionTimetable",
               "DayWindow", "FanOutMapper", "FixedKeyMapper", "HourWindow", "IdentityMapper",
               "MinimumCount", "MonthWindow", "PartitionMapper", "PartitionedAssetTimetable",
               "PartitionedAtRuntime", "ProductMapper", "QuarterWindow", "RollupMapper",
               "SegmentWindow", "StartOfDayMapper", "StartOfHourMapper", "StartOfMonthMapper",
               "StartOfQuarterMapper", "StartOfWeekMapper", "StartOfYearMapper", "WaitForAll",
               "WeekWindow", "Window", "YearWindow"),
    ),
    "these hooks are not built yet; use what they stand for in a task: subprocess, pathlib": (
        "airflow.hooks", "airflow.providers.standard.hooks",
    ),
    "this kind of trigger is not here; write one of your own, below BaseTrigger": (
        "airflow.triggers", "airflow.providers.standard.triggers", "airflow.sdk.bases.trigger",
        "airflow.models.trigger",
    ),
    "timetables have no class here: write schedule= as a cron expression, a preset such as "
    "'@daily', or a timedelta; those of your own are not built yet": (
        "airflow.timetables", "airflow.sdk.bases.timetable", "airflow.sdk.definitions.timetables",
        *_each("airflow.sdk.", "CronDataIntervalTimetable", "CronTriggerTimetable",
               "DeltaDataIntervalTimetable", "DeltaTriggerTimetable", "EventsTimetable",
               "MultipleCronTriggerTimetable"),
    ),
    "a DAG file has no database; a task has its run and itself in the context, as `dag_run` and "
    "`ti`": (
        "airflow.models.DagRun", "airflow.models.dagrun", "airflow.models.TaskInstance",
        "airflow.models.taskinstance", "airflow.models.clear_task_instances", "airflow.sdk.types",
        "airflow.sdk.TaskInstance", "airflow.sdk.execution_time.task_runner",
    ),
    "a DAG file has no database; use Variables, XComs or a service of your own": (
        "airflow.models", "airflow.utils.db", "airflow.utils.session", "airflow.utils.sqlalchemy",
        "airflow.sdk.BaseXCom", "airflow.sdk.bases.xcom", "airflow.sdk.execution_time.xcom",
        "airflow.state",
    ),
    "use a TriggerDagRunOperator, or publish a trigger event with penstock.events.Client": (
        "airflow.operators.trigger_dagrun", "airflow.operators.dagrun_operator",
        "airflow.providers.standard.operators.trigger_dagrun", "airflow.api",
        *_each(("airflow.exceptions.", "airflow.sdk.exceptions."), "DagRunTriggerException"),
    ),
    "tasks that wait for a person are not built yet": (
        "airflow.providers.standard.operators.hitl", "airflow.providers.standard.triggers.hitl",
        "airflow.sdk.execution_time.hitl", "airflow.sdk.exceptions.TaskAwaitingInput",
    ),
    "Penstock sends no mail itself; use a provider's notifier (smtp, slack, ...) as a callback, or "
    "its hook in a task": (
        "airflow.utils.email",
    ),
    "install the provider (penstock providers install smtp) and import from "
    "airflow.providers.smtp.operators.smtp": (
        "airflow.operators.email", "airflow.operators.email_operator",
    ),
    "install the provider (penstock providers install common-sql) and import from "
    "airflow.providers.common.sql": (
        "airflow.operators.generic_transfer", "airflow.operators.sql", "airflow.sensors.sql",
        "airflow.sensors.sql_sensor", "airflow.hooks.dbapi", "airflow.hooks.dbapi_hook",
    ),
    "deadlines are not built yet; dagrun_timeout ends a run that takes too long": _each(
        "airflow.sdk.", "AsyncCallback", "BaseDeadlineReference", "DeadlineAlert",
        "DeadlineReference", "SyncCallback", "deadline_reference", "definitions.deadline",
        "definitions.callback",
    ),
    "retry policies are not built yet; retries=, retry_delay= and retry_exponential_backoff= are": (
        "airflow.sdk.definitions.retry_policy",
        *_each("airflow.sdk.", "ExceptionRetryPolicy", "RetryAction", "RetryDecision",
               "RetryPolicy", "RetryRule"),
    ),
    "the stores of tasks' and assets' state are not built yet; use an XCom or a Variable": (
        "airflow.sdk.NEVER_EXPIRE", "airflow.sdk.execution_time.context", "airflow.sdk.state",
        "airflow.models.task_state_store", "airflow.models.asset_state_store",
    ),
    "object stores have no path here yet; use fsspec in a task": (
        "airflow.io", "airflow.sdk.ObjectStoragePath", "airflow.sdk.io",
    ),
    "settings are Penstock's; use Variables or the environment": (
        "airflow.settings", "airflow.secrets", "airflow.configuration",
        "airflow.sdk.configuration", "airflow.policies", "airflow.logging_config",
        "airflow.sdk.bases.secrets_backend", "airflow.sdk.crypto", "airflow.models.crypto",
        "airflow.sdk.execution_time.secrets", "airflow.sdk.SecretCache",
    ),
    "plugins and listeners are not built yet; import your own modules": (
        "airflow.plugins_manager", "airflow.listeners", "airflow.sdk.plugins_manager",
        "airflow.sdk.listener", "airflow.task.priority_strategy",
    ),
    "this is the inside of Airflow's servers, and no part of a DAG; Penstock has its own": (
        "airflow.api_fastapi", "airflow.auth", "airflow.callbacks", "airflow.cli",
        "airflow.config_templates", "airflow.dag_processing", "airflow.executors", "airflow.jobs",
        "airflow.logging", "airflow.migrations", "airflow.observability", "airflow.security",
        "airflow.serialization", "airflow.stats", "airflow.ti_deps", "airflow.ui", "airflow.www",
        "airflow.sdk.api", "airflow.sdk.coordinators", "airflow.sdk.observability",
        "airflow.sdk.serde", "airflow.sdk.execution_time", "airflow._shared",
        "airflow.sdk.definitions._internal", "airflow.task.task_runner",
        "airflow.Trace", "airflow.metrics", "airflow.traces",
    ),
    "these are Airflow's own examples; copy the file that you need beside yours": (
        "airflow.example_dags",
    ),
    "use a TaskGroup (from airflow.sdk import TaskGroup)": (
        "airflow.operators.subdag", "airflow.operators.subdag_operator",
    ),
    "write pendulum.datetime(...), or a timedelta from now: Airflow 3 has none of these either": (
        "airflow.utils.dates",
    ),
    "install the provider (penstock providers install cncf-kubernetes) and import from "
    "airflow.providers.cncf.kubernetes": (
        "airflow.kubernetes", "airflow.contrib.kubernetes",
    ),
    "lineage is not kept here: leave it out, or talk to the lineage service in a callback": (
        "airflow.lineage", "airflow.sdk.lineage",
    ),
    "import from the provider package that took its place": (
        "airflow.contrib",
        *_each("airflow.hooks.", "S3_hook", "base_sql", "docker_hook", "druid_hook", "hdfs_hook",
               "hive_hooks", "http_hook", "jdbc_hook", "mssql_hook", "mysql_hook", "oracle_hook",
               "pig_hook", "postgres_hook", "presto_hook", "samba_hook", "slack_hook",
               "sqlite_hook", "webhdfs_hook", "zendesk_hook"),
        *_each("airflow.operators.", "docker_operator", "druid_check_operator", "hive_operator",
               "http_operator", "jdbc_operator", "mssql_operator", "mysql_operator",
               "oracle_operator", "pig_operator", "postgres_operator", "presto_check_operator",
               "s3_file_transform_operator", "slack_operator", "sqlite_operator",
               "check_operator", "gcs_to_s3", "hive_to_mysql", "s3_to_redshift_operator"),
        *_each("airflow.sensors.", "http_sensor", "hdfs_sensor", "s3_key_sensor",
               "s3_prefix_sensor", "hive_partition_sensor", "metastore_partition_sensor",
               "named_hive_partition_sensor", "web_hdfs_sensor"),
    ),
}  # fmt: skip
"""What to write instead: the names that it holds for."""

INSTEAD: dict[str, str] = {name: why for why, names in REASONS.items() for name in names}
"""name or module: what to write instead."""

CAVEATS: dict[str, str] = {
    "penstock.airflow.lineage:get_hook_lineage_collector": "takes what hooks tell, keeps nothing",
    "penstock.airflow.links:BaseOperatorLink": "links are kept and not shown yet",
    "penstock.airflow.links:ResumableJobMixin": "each try submits its job anew",
    "penstock.airflow.plugins:AirflowPlugin": "plugins are not loaded yet",
}
"""What is served and does less than its name says: object of ours: what."""

_UNKNOWN = "docs/airflow.md lists every name that is served"
_PROVIDERS = "airflow.providers."


def reason(name: str) -> str | None:
    """Return what to write instead of a dotted name, or None where nothing is known."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if found := INSTEAD.get(".".join(parts[:length])):
            return found
    if name.startswith(_PROVIDERS) and not name.startswith(f"{_PROVIDERS}standard"):
        package = provider_of(name)
        return f"the provider is not installed: penstock providers install {package}"
    return None


def provider_of(name: str) -> str:
    """Return the likely package of a module in `airflow.providers`: `amazon`, `common-sql`."""
    parts = name.split(".")[2:]
    deep = 2 if parts[0] in FAMILIES else 1
    return "-".join(parts[:deep])


def advice(name: str) -> str:
    """Return what to write instead of a dotted name, as the end of a sentence."""
    if found := reason(name):
        return f" Instead: {found}."
    return f" It is not built yet, or not meant to be; {_UNKNOWN}."
