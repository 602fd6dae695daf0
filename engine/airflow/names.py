"""The table: which name of which Airflow module is which object of ours.

`SERVED[module][name]` is `module:object` of Penstock, `module:` the module itself. Modules between
(`airflow.providers`, ...) need no line of their own. What Airflow has beyond this table lies in
`known`, and what to write instead of it in `refusals`.
"""

from __future__ import annotations

from penstock.airflow.aliases import ALIASES, RENAMED
from penstock.airflow.known import KNOWN
from penstock.airflow.provider_names import NEEDED
from penstock.airflow.waiting_names import WAITING

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
_CONNECTION = _from(_AUTHORING + "connections", "Connection")
_HOOK = _from(_AUTHORING + "hooks", "BaseHook")
_MASKING = _from(_AUTHORING + "masking", "mask_secret", "redact")
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
    "AirflowRuntimeError",
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
_PARSING = _from(_AUTHORING + "dag", "AirflowParsingContext", "get_parsing_context")
_BRANCH = _from("penstock.steps.branch", "BaseBranchOperator", "BranchMixIn")
_SKIP = _from("penstock.steps.branch", "SkipMixin")
_PYTHON = _from(
    "penstock.steps.python", "PythonOperator", "BranchPythonOperator", "ShortCircuitOperator"
) | _from(
    "penstock.steps.other_python",
    "BranchExternalPythonOperator",
    "BranchPythonVirtualenvOperator",
    "ExternalPythonOperator",
    "PythonVirtualenvOperator",
)
_BASH = _from("penstock.steps.bash", "BashOperator")
_EMPTY = _from("penstock.steps.empty", "EmptyOperator")
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
_RUN_STATES = _from("penstock.airflow.words", "DagRunState", "TaskInstanceState")

SERVED: dict[str, dict[str, str]] = {
    "airflow": _from(_AUTHORING + "dag", "DAG") | _VERSION,
    "airflow.sdk": {
        **_DAG, **_GROUP, **_TASK, **_EDGES, **_OPERATOR, **_PARAM, **_CONTEXT, **_VARIABLE,
        **_XCOM_ARG, **_WORDS, **_RUN_STATES, **_CONNECTION, **_HOOK,
        **_BRANCH, **_SKIP, **_from(_AUTHORING + "dag", "get_parsing_context"),
        **_from(_AUTHORING + "xcom_arg", "literal"),
        "macros": _AUTHORING + "macros:",
        "timezone": "penstock.airflow.times:",
    },
    "airflow.sdk.bases.branch": _BRANCH,
    "airflow.sdk.bases.skipmixin": {
        **_SKIP,
        "XCOM_SKIPMIXIN_KEY": "penstock.steps.branch:SKIP_KEY",
        "XCOM_SKIPMIXIN_FOLLOWED": "penstock.steps.branch:FOLLOWED",
        "XCOM_SKIPMIXIN_SKIPPED": "penstock.steps.branch:SKIPPED",
    },
    "airflow.sdk.bases.operator": _OPERATOR | _EDGES,
    "airflow.sdk.definitions.dag": _DAG,
    "airflow.sdk.definitions.param": _PARAM,
    "airflow.sdk.definitions.taskgroup": _GROUP,
    "airflow.sdk.definitions.context": _CONTEXT | _PARSING,
    "airflow.sdk.definitions.edges": _EDGES,
    "airflow.sdk.definitions.variable": _VARIABLE,
    "airflow.sdk.definitions.connection": _CONNECTION,
    "airflow.sdk.bases.hook": _HOOK,
    "airflow.sdk.log": _MASKING | _from(_AUTHORING + "masking", "amask_secret"),
    "airflow.sdk.execution_time.secrets_masker": _MASKING
    | _from(_AUTHORING + "masking", should_hide_value_for_key="is_sensitive"),
    "airflow.sdk.definitions.xcom_arg": _XCOM_ARG,
    "airflow.sdk.definitions.template": _from(_AUTHORING + "xcom_arg", "literal"),
    "airflow.sdk.execution_time.macros": _from(
        _AUTHORING + "macros", "datetime", "datetime_diff_for_humans", "dateutil", "ds_add",
        "ds_format", "ds_format_locale", "json", "random", "time", "timedelta", "uuid",
    ),
    "airflow.sdk.exceptions": _EXCEPTIONS,
    "airflow.sdk.timezone": _TIMEZONE,
    "airflow.exceptions": _EXCEPTIONS,
    "airflow.decorators": {**_DAG, **_TASK, **_from(_AUTHORING + "group", "task_group")},
    "airflow.sdk.definitions.decorators.setup_teardown": _from(
        _AUTHORING + "scopes", "context_wrapper", ContextWrapper="context_wrapper"
    ) | _from(_AUTHORING + "decorators", setup_task="setup", teardown_task="teardown"),
    "airflow.models": {**_from(_AUTHORING + "dag", "DAG"), **_OPERATOR, **_PARAM, **_VARIABLE,
                       **_XCOM_ARG, **_SKIP, **_CONNECTION},
    "airflow.models.xcom": {"XCOM_RETURN_KEY": _AUTHORING + "xcom_arg:RETURN_KEY"},
    "airflow.providers.standard.operators.python": _PYTHON
    | _from(_AUTHORING + "context", "get_current_context"),
    "airflow.providers.standard.operators.bash": _BASH,
    "airflow.providers.standard.operators.empty": _EMPTY,
    "airflow.providers.standard.operators.datetime": _from(
        "penstock.steps.times", "BranchDateTimeOperator"
    ),
    "airflow.providers.standard.operators.latest_only": _from(
        "penstock.steps.latest_only", "LatestOnlyOperator"
    ),
    "airflow.providers.standard.operators.smooth": _from(
        "penstock.steps.smooth", "SmoothOperator"
    ),
    "airflow.providers.standard.operators.weekday": _from(
        "penstock.steps.times", "BranchDayOfWeekOperator"
    ),
    "airflow.providers.standard.utils.weekday": _from("penstock.steps.times", "WeekDay"),
    "airflow.providers.standard.hooks.package_index": _from(
        "penstock.steps.package_index", "PackageIndexHook"
    ),
    "airflow.utils.trigger_rule": _from(_AUTHORING + "vocabulary", "TriggerRule"),
    "airflow.utils.weight_rule": _from(_AUTHORING + "vocabulary", "WeightRule"),
    "airflow.utils.dates": _from("penstock.airflow.times", "days_ago"),
    "airflow.utils.state": _RUN_STATES | _from("penstock.airflow.words", "State"),
    "airflow.utils.types": _from("penstock.airflow.words", "DagRunType", "ArgNotSet")
    | {"NOTSET": _AUTHORING + "vocabulary:NOTSET"},
    "airflow.version": _from("penstock.airflow.times", version="AIRFLOW_VERSION"),
}  # fmt: skip
"""Every module that is served, with every name in it."""

for _needed, _lines in (*NEEDED.items(), *WAITING.items()):
    SERVED[_needed] = _lines | SERVED.get(_needed, {})
# The provider by which others do without knowing the version; Airflow's own examples import from it
# too, and need not have it installed.
for _name in KNOWN["airflow.providers.common.compat.sdk"]:
    _homes = (_lines for _module, _lines in SERVED.items() if _module.startswith("airflow.sdk"))
    if _found := next((_lines[_name] for _lines in _homes if _name in _lines), None):
        SERVED.setdefault("airflow.providers.common.compat.sdk", {})[_name] = _found
for _old, _home in ALIASES.items():
    if _home in SERVED:
        SERVED[_old] = SERVED[_home] | SERVED.get(_old, {})
for _old, _renamed in RENAMED.items():
    for _name, _newer in _renamed.items():
        _module, _, _theirs = _newer.rpartition(".")
        if _target := SERVED.get(_module, {}).get(_theirs):
            SERVED.setdefault(_old, {}).setdefault(_name, _target)

PACKAGES = frozenset(
    ".".join(module.split(".")[:length])
    for module in SERVED
    for length in range(1, module.count(".") + 2)
)
"""Every module of the table, and every package above one."""


def newer(module: str, name: str) -> str | None:
    """Return the path to write today for a name served under an older one; else None."""
    if renamed := RENAMED.get(module, {}).get(name):
        return renamed
    if module.startswith(("airflow.sdk", "airflow.providers")) or module == "airflow":
        return None
    target = SERVED.get(module, {}).get(name)
    if target and SERVED["airflow.sdk"].get(name) == target:
        return f"airflow.sdk.{name}"
    return f"{ALIASES[module]}.{name}" if module in ALIASES else None
