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

_NO_ASSETS = "assets are not here yet; trigger the DAG, or give it a schedule"
_NO_DATABASE = "a DAG file has no database; use Variables, XComs or a service of your own"
_NO_SENSORS = "sensors are not here yet; wait inside a task, an `async def` one costs no slot"
_NO_BRANCHES = "branches are not here yet; raise AirflowSkipException in what is not wanted"
_TRIGGER = "publish a trigger event with penstock.events.Client"

INSTEAD: dict[str, str] = {
    "airflow.operators.subdag": "use a TaskGroup (from airflow.sdk import TaskGroup)",
    "airflow.operators.subdag_operator": "use a TaskGroup (from airflow.sdk import TaskGroup)",
    "airflow.contrib": "import from the provider package that took its place",
    "airflow.datasets": _NO_ASSETS,
    "airflow.Dataset": _NO_ASSETS,
    "airflow.sdk.Asset": _NO_ASSETS,
    "airflow.utils.db": _NO_DATABASE,
    "airflow.utils.session": _NO_DATABASE,
    "airflow.settings": "settings are Penstock's; use Variables or the environment",
    "airflow.operators.python.BranchPythonOperator": _NO_BRANCHES,
    "airflow.operators.python.ShortCircuitOperator": _NO_BRANCHES,
    "airflow.providers.standard.operators.python.BranchPythonOperator": _NO_BRANCHES,
    "airflow.providers.standard.operators.python.ShortCircuitOperator": _NO_BRANCHES,
    "airflow.operators.trigger_dagrun": _TRIGGER,
    "airflow.providers.standard.operators.trigger_dagrun": _TRIGGER,
    "airflow.sensors": _NO_SENSORS,
    "airflow.providers.standard.sensors": _NO_SENSORS,
    "airflow.hooks": "connections are not here yet; use the service's own client in a task",
}
"""For what is not served: what to write instead. A module's line holds for all below it."""


def advice(name: str) -> str:
    """Return what to write instead of a dotted name, as the end of a sentence; "" if unknown."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if found := INSTEAD.get(".".join(parts[:length])):
            return f" Instead: {found}."
    return ""
