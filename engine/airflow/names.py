"""The table: which name of which Airflow module is which object of ours.

`SERVED[module][name]` is `module:object` of Penstock. `INSTEAD` says, for names and modules that
are not served, what to write. Modules between (`airflow.providers`, ...) need no line of their own.
"""

from __future__ import annotations

_AUTHORING = "penstock.authoring."


def _from(module: str, *names: str, **renamed: str) -> dict[str, str]:
    """Return lines for names of one of our modules, kept or renamed (theirs=ours)."""
    lines = {name: f"{module}:{name}" for name in names}
    return lines | {theirs: f"{module}:{ours}" for theirs, ours in renamed.items()}


_DAG = _from(_AUTHORING + "dag", "DAG", "dag")
_GROUP = _from(_AUTHORING + "group", "TaskGroup", "task_group")
_TASK = _from(_AUTHORING + "decorators", "task", "setup", "teardown")
_EDGES = _from(_AUTHORING + "edges", "Label", "chain", "chain_linear", "cross_downstream")
_OPERATOR = _from(_AUTHORING + "operator", "BaseOperator", "BaseAsyncOperator")
_PARAM = _from(_AUTHORING + "params", "Param", "ParamsDict")
_CONTEXT = _from(_AUTHORING + "context", "Context", "get_current_context")
_VARIABLE = _from(_AUTHORING + "variables", "Variable")
_XCOM_ARG = _from(_AUTHORING + "xcom_arg", "XComArg")
_WORDS = _from(_AUTHORING + "vocabulary", "TriggerRule", "WeightRule")
_EXCEPTIONS = _from(
    _AUTHORING + "exceptions",
    "AirflowBadRequest",
    "AirflowConfigException",
    "AirflowException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowOptionalProviderFeatureException",
    "AirflowProviderDeprecationWarning",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "ParamValidationError",
    "XComNotFound",
) | _from(
    _AUTHORING + "errors",
    AirflowDagCycleException="CycleError",
    AirflowDagDuplicatedIdException="DuplicateDagError",
    DuplicateTaskIdFound="DuplicateTaskError",
)
_PYTHON = _from("penstock.steps.python", "PythonOperator")
_BASH = _from("penstock.steps.bash", "BashOperator")
_EMPTY = _from("penstock.steps.empty", "EmptyOperator")
_DUMMY = _from("penstock.steps.empty", DummyOperator="EmptyOperator")
_TIMEZONE = _from(
    "penstock.airflow.times",
    "coerce_datetime",
    "convert_to_utc",
    "datetime",
    "is_localized",
    "is_naive",
    "make_aware",
    "make_naive",
    "parse",
    "utc",
    "utc_epoch",
    "utcnow",
)
_VERSION = {"__version__": "penstock.airflow.times:AIRFLOW_VERSION"}
_STATES = _from("penstock.airflow.words", "DagRunState", "State", "TaskInstanceState")

SERVED: dict[str, dict[str, str]] = {
    "airflow": _from(_AUTHORING + "dag", "DAG") | _VERSION,
    "airflow.sdk": {
        **_DAG, **_GROUP, **_TASK, **_EDGES, **_OPERATOR, **_PARAM, **_CONTEXT, **_VARIABLE,
        **_XCOM_ARG, **_WORDS, **_STATES,
        **_from(_AUTHORING + "xcom_arg", "literal"),
        "timezone": "penstock.airflow.times:",
    },
    "airflow.sdk.bases.operator": _OPERATOR | _EDGES,
    "airflow.sdk.definitions.dag": _DAG,
    "airflow.sdk.definitions.param": _PARAM,
    "airflow.sdk.definitions.taskgroup": _GROUP,
    "airflow.sdk.definitions.context": _CONTEXT,
    "airflow.sdk.definitions.edges": _EDGES,
    "airflow.sdk.definitions.variable": _VARIABLE,
    "airflow.sdk.definitions.xcom_arg": _XCOM_ARG,
    "airflow.sdk.definitions.template": _from(_AUTHORING + "xcom_arg", "literal"),
    "airflow.sdk.exceptions": _EXCEPTIONS,
    "airflow.sdk.timezone": _TIMEZONE,
    "airflow.exceptions": _EXCEPTIONS,
    "airflow.decorators": {**_DAG, **_TASK, **_from(_AUTHORING + "group", "task_group")},
    "airflow.models": {**_from(_AUTHORING + "dag", "DAG"), **_OPERATOR, **_PARAM, **_VARIABLE,
                       **_XCOM_ARG},
    "airflow.models.dag": _DAG,
    "airflow.models.baseoperator": _OPERATOR | _EDGES,
    "airflow.models.param": _PARAM,
    "airflow.models.variable": _VARIABLE,
    "airflow.models.xcom_arg": _XCOM_ARG,
    "airflow.models.xcom": {"XCOM_RETURN_KEY": _AUTHORING + "xcom_arg:RETURN_KEY"},
    "airflow.operators.python": _PYTHON | _from(_AUTHORING + "context", "get_current_context"),
    "airflow.operators.python_operator": _PYTHON,
    "airflow.operators.bash": _BASH,
    "airflow.operators.bash_operator": _BASH,
    "airflow.operators.empty": _EMPTY,
    "airflow.operators.dummy": _DUMMY,
    "airflow.operators.dummy_operator": _DUMMY,
    "airflow.providers.standard.operators.python": _PYTHON
    | _from(_AUTHORING + "context", "get_current_context"),
    "airflow.providers.standard.operators.bash": _BASH,
    "airflow.providers.standard.operators.empty": _EMPTY,
    "airflow.utils.task_group": _GROUP,
    "airflow.utils.edgemodifier": _from(_AUTHORING + "edges", "Label"),
    "airflow.utils.helpers": _from(_AUTHORING + "edges", "chain", "cross_downstream"),
    "airflow.utils.trigger_rule": _from(_AUTHORING + "vocabulary", "TriggerRule"),
    "airflow.utils.weight_rule": _from(_AUTHORING + "vocabulary", "WeightRule"),
    "airflow.utils.context": _from(_AUTHORING + "context", "Context"),
    "airflow.utils.timezone": _TIMEZONE,
    "airflow.utils.dates": _from("penstock.airflow.times", "days_ago"),
    "airflow.utils.state": _STATES,
    "airflow.utils.types": _from("penstock.airflow.words", "DagRunType", "ArgNotSet")
    | {"NOTSET": _AUTHORING + "vocabulary:NOTSET"},
    "airflow.version": _from("penstock.airflow.times", version="AIRFLOW_VERSION"),
}  # fmt: skip
"""Every module that is served, with every name in it."""

_SDK_ASSETS = (
    "Asset", "AssetAlias", "AssetAll", "AssetAny", "AssetOrTimeSchedule", "AssetWatcher",
    "Metadata", "asset",
)  # fmt: skip
_SDK_TIMETABLES = (
    "CronDataIntervalTimetable", "CronTriggerTimetable", "DeltaDataIntervalTimetable",
    "DeltaTriggerTimetable", "EventsTimetable", "MultipleCronTriggerTimetable",
)  # fmt: skip
_PYTHON_HOMES = ("airflow.operators.python.", "airflow.providers.standard.operators.python.")


def _each(prefixes: str | tuple[str, ...], *names: str) -> tuple[str, ...]:
    several = (prefixes,) if isinstance(prefixes, str) else prefixes
    return tuple(prefix + name for prefix in several for name in names)


REASONS: dict[str, tuple[str, ...]] = {
    "assets are not built yet; trigger the DAG, or give it a schedule": (
        "airflow.datasets", "airflow.assets", "airflow.Dataset", "airflow.models.asset",
        "airflow.sdk.definitions.asset", *_each("airflow.sdk.", *_SDK_ASSETS),
    ),
    "connections and hooks are not built yet; use the service's own client in a task, and keep "
    "what it needs in a Variable or the environment": (
        "airflow.hooks", "airflow.models.connection", "airflow.models.Connection",
        "airflow.sdk.bases.hook", "airflow.sdk.definitions.connection",
        *_each("airflow.sdk.", "BaseHook", "Connection"),
    ),
    "sensors are not built yet; wait inside a task, an `async def` one costs no slot": (
        "airflow.sensors", "airflow.providers.standard.sensors", "airflow.sdk.bases.sensor",
        *_each("airflow.sdk.", "BaseSensorOperator", "PokeReturnValue"),
    ),
    "triggers are not built yet; wait inside an `async def` task, which costs no slot": (
        "airflow.triggers", "airflow.providers.standard.triggers", "airflow.sdk.bases.trigger",
    ),
    "timetables have no class here: write schedule= as a cron expression, a preset such as "
    "'@daily', or a timedelta; those of your own are not built yet": (
        "airflow.timetables", "airflow.sdk.bases.timetable", "airflow.sdk.definitions.timetables",
        *_each("airflow.sdk.", *_SDK_TIMETABLES),
    ),
    "a DAG file has no database; a task has its run and itself in the context, as `dag_run` and "
    "`ti`": (
        "airflow.models.DagRun", "airflow.models.dagrun", "airflow.models.TaskInstance",
        "airflow.models.taskinstance", "airflow.sdk.types", "airflow.sdk.TaskInstance",
    ),
    "a DAG file has no database; use Variables, XComs or a service of your own": (
        "airflow.utils.db", "airflow.utils.session", "airflow.models.DagBag",
        "airflow.models.dagbag", "airflow.models.DagModel", "airflow.models.Pool",
        "airflow.models.pool", "airflow.models.XCom", "airflow.sdk.BaseXCom",
    ),
    "branches are not built yet; raise AirflowSkipException in what is not wanted": (
        "airflow.operators.branch", "airflow.operators.latest_only", "airflow.operators.datetime",
        "airflow.operators.weekday", "airflow.models.skipmixin",
        *_each("airflow.providers.standard.operators.", "branch", "datetime", "latest_only",
               "weekday"),
        *_each("airflow.sdk.", "BaseBranchOperator", "SkipMixin"),
        *_each(_PYTHON_HOMES, "BranchPythonOperator", "ShortCircuitOperator",
               "BranchPythonVirtualenvOperator", "BranchExternalPythonOperator"),
    ),
    "environments of a task's own are not built yet; install what it needs beside Penstock, or run "
    "another Python by a BashOperator": _each(
        _PYTHON_HOMES, "PythonVirtualenvOperator", "ExternalPythonOperator"
    ),
    "publish a trigger event with penstock.events.Client": (
        "airflow.operators.trigger_dagrun", "airflow.operators.dagrun_operator",
        "airflow.providers.standard.operators.trigger_dagrun",
    ),
    "tasks that wait for a person are not built yet": (
        "airflow.providers.standard.operators.hitl",
    ),
    "notifiers are not built yet; a callback (on_failure_callback=...) may be any function": (
        "airflow.notifications", "airflow.sdk.BaseNotifier", "airflow.sdk.bases.notifier",
        "airflow.utils.email",
    ),
    "deadlines are not built yet; dagrun_timeout ends a run that takes too long": _each(
        "airflow.sdk.", "AsyncCallback", "DeadlineAlert", "DeadlineReference", "SyncCallback",
        "definitions.deadline",
    ),
    "object stores have no path here yet; use fsspec in a task": (
        "airflow.io", "airflow.sdk.ObjectStoragePath", "airflow.sdk.io",
    ),
    "settings are Penstock's; use Variables or the environment": (
        "airflow.settings", "airflow.configuration", "airflow.sdk.conf", "airflow.secrets",
    ),
    "plugins are not built yet; import your own modules": (
        "airflow.plugins_manager", "airflow.listeners", "airflow.sdk.BaseOperatorLink",
    ),
    "leave it out: default_args reach every operator without it": (
        "airflow.utils.decorators",
    ),
    "use a TaskGroup (from airflow.sdk import TaskGroup)": (
        "airflow.operators.subdag", "airflow.operators.subdag_operator",
    ),
    "import from the provider package that took its place": (
        "airflow.contrib",
    ),
    "providers are installed beside Penstock (pip install --no-deps apache-airflow-providers-...); "
    "most of them then ask for a hook, which is not built yet": (
        "airflow.providers",
    ),
}  # fmt: skip

INSTEAD: dict[str, str] = {name: why for why, names in REASONS.items() for name in names}
"""For what is not served: what to write instead. A module's line holds for all below it."""

UNKNOWN = "docs/airflow.md lists every name that is served"


def advice(name: str) -> str:
    """Return what to write instead of a dotted name, as the end of a sentence."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if found := INSTEAD.get(".".join(parts[:length])):
            return f" Instead: {found}."
    return f" It is not built yet, or not meant to be; {UNKNOWN}."
