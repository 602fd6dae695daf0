"""Rows of the table that provider packages need, beyond what DAG files name: data of `names`."""

from __future__ import annotations

_OURS = "penstock.airflow."


def _from(module: str, *names: str, **renamed: str) -> dict[str, str]:
    lines = {name: f"{_OURS}{module}:{name}" for name in names}
    return lines | {theirs: f"{_OURS}{module}:{ours}" for theirs, ours in renamed.items()}


_NOTSET = _from(
    "words", "ArgNotSet", "SET_DURING_EXECUTION", "SetDuringExecution", "is_arg_set"
) | {"NOTSET": "penstock.authoring.vocabulary:NOTSET"}
_CONF = _from("configuration", "conf", AirflowConfigParser="Conf")
_MODULES = _from("modules", "import_string", "is_valid_dotpath", "iter_namespace", "qualname")
_LINK = _from("links", "BaseOperatorLink")
_KEY = _from("links", "TaskInstanceKey")
_TIMEOUT = _from("processes", "timeout", "TimeoutPosix")
_CALLS = _from("given", "KeywordParameters", "determine_kwargs")
_EXCEPTIONS = _from(
    "exceptions",
    "AirflowInactiveAssetInInletOrOutletException",
    "AirflowTaskTerminated",
    "AirflowTimetableInvalid",
    "FailFastDagInvalidTriggerRule",
    "NodeNotFound",
    "RemovedInAirflow4Warning",
    "TaskAlreadyInTaskGroup",
    "TaskNotFound",
)
_RETURN_KEY = {"XCOM_RETURN_KEY": "penstock.authoring.xcom_arg:RETURN_KEY"}
_NOTIFIER = _from("notifier", "BaseNotifier")
_YAML = _from("yamls", "FullLoader", "SafeLoader", "YAMLError", "dump", "safe_dump", "safe_load")

NEEDED: dict[str, dict[str, str]] = {
    "airflow.sdk": _LINK
    | _NOTIFIER
    | _from("configuration", "conf")
    | _from("links", "ResumableJobMixin"),
    "airflow.sdk.bases.notifier": _NOTIFIER,
    "airflow.sdk.bases.operatorlink": _LINK,
    "airflow.sdk.bases.resumablejobmixin": _from("links", "ResumableJobMixin"),
    "airflow.sdk.bases.decorator": _CALLS
    | _from("decorating", "DecoratedOperator", "task_decorator_factory")
    | {"TaskDecorator": "penstock.authoring.decorators:TaskFactory"}
    | {"is_async_callable": "penstock.authoring.arguments:is_async_callable"},
    "airflow.sdk.configuration": _CONF,
    "airflow.sdk.definitions._internal.logging_mixin": _from("logging_mixin", "LoggingMixin"),
    "airflow.sdk.definitions._internal.types": _NOTSET,
    "airflow.sdk.definitions.context": _from("given", "context_merge"),
    "airflow.sdk.exceptions": _EXCEPTIONS
    | _from(
        "exceptions",
        "AirflowSecretsBackendAccessDenied",
        "ErrorType",
        "TaskAlreadyRunningError",
    ),
    "airflow.sdk.execution_time.context": _from(
        "given", "AIRFLOW_VAR_NAME_FORMAT_MAPPING", "context_to_airflow_vars"
    ),
    "airflow.sdk.execution_time.timeout": _TIMEOUT,
    "airflow.sdk.lineage": _from(
        "lineage",
        "AssetLineageInfo",
        "ExtraLineageInfo",
        "HookLineage",
        "HookLineageCollector",
        "NoOpCollector",
        "get_hook_lineage_collector",
    ),
    "airflow.sdk.module_loading": _MODULES,
    "airflow.sdk._shared.module_loading": _MODULES,
    "airflow.sdk.plugins_manager": _from("plugins", "AirflowPlugin"),
    "airflow.plugins_manager": _from("plugins", "AirflowPlugin"),
    "airflow.sdk.providers_manager_runtime": _from("providers", "ProvidersManagerTaskRuntime"),
    "airflow.sdk.types": _KEY | _NOTSET,
    "airflow.sdk.yaml": _YAML,
    "airflow.exceptions": _EXCEPTIONS
    | _from(
        "exceptions",
        "AirflowClearRunningTaskException",
        "AirflowClusterPolicyError",
        "AirflowClusterPolicySkipDag",
        "AirflowClusterPolicyViolation",
        "AirflowFileParseException",
        "AirflowInternalRuntimeError",
        "AirflowUnsupportedFileTypeException",
        "ConnectionNotUnique",
        "DagCodeNotFound",
        "DagNotFound",
        "DagNotPartitionedError",
        "DagRunAlreadyExists",
        "DagRunNotFound",
        "DagRunTypeNotAllowed",
        "DeserializationError",
        "DeserializingResultError",
        "FileSyntaxError",
        "InvalidPartitionKeyError",
        "InvalidStatsNameException",
        "NotMapped",
        "PodMutationHookException",
        "PodReconciliationError",
        "PoolNotFound",
        "SerializationError",
        "TaskInstanceNotFound",
        "UnknownExecutorException",
        "VariableNotUnique",
    ),
    "airflow.models": _LINK,
    "airflow.models.taskinstancekey": _KEY,
    "airflow.models.xcom": _RETURN_KEY,
    "airflow.providers_manager": _from(
        "providers", "DialectInfo", "HookInfo", "PluginInfo", "ProviderInfo", "ProvidersManager"
    ),
    "airflow.settings": _from("links", "pod_mutation_hook"),
    "airflow.utils.context": _from("given", "context_copy_partial", "context_merge"),
    "airflow.typing_compat": {
        name: f"typing:{name}"
        for name in (
            "Literal",
            "NotRequired",
            "ParamSpec",
            "Protocol",
            "Self",
            "TypeAlias",
            "TypeGuard",
            "TypedDict",
            "Unpack",
            "runtime_checkable",
        )
    },
    "airflow.utils.decorators": _from("given", "apply_defaults"),
    "airflow.utils.deprecation_tools": _from(
        "modules", "add_deprecated_classes", "getattr_with_deprecation"
    )
    | _from("exceptions", "DeprecatedImportWarning"),
    "airflow.utils.email": _from("emails", "build_mime_message", "get_email_address_list"),
    "airflow.utils.hashlib_wrapper": _from("texts", "md5"),
    "airflow.utils.helpers": _from(
        "containers",
        "as_flattened_list",
        "at_most_one",
        "chunks",
        "exactly_one",
        "is_container",
        "merge_dicts",
        "partition",
        "prune_dict",
    )
    | _from(
        "texts",
        "CAMELCASE_TO_SNAKE_CASE_REGEX",
        "KEY_REGEX",
        "convert_camel_to_snake",
        "validate_key",
    ),
    "airflow.utils.log.logging_mixin": _from(
        "logging_mixin", "ExternalLoggingMixin", "LoggingMixin"
    ),
    "airflow.utils.net": _from("processes", "get_host_ip_address", "get_hostname", "getfqdn"),
    "airflow.utils.operator_helpers": _CALLS
    | _from("given", "context_to_airflow_vars", "make_kwargs_callable"),
    "airflow.utils.platform": _from("processes", "IS_WINDOWS", "getuser", "is_tty"),
    "airflow.utils.process_utils": _from(
        "processes", "execute_in_subprocess", "execute_in_subprocess_with_kwargs", "patch_environ"
    ),
    "airflow.utils.state": _from("words", "IntermediateTIState", "TerminalTIState"),
    "airflow.utils.strings": _from("texts", "TRUE_LIKE_VALUES", "get_random_string", "to_boolean"),
    "airflow.utils": {"yaml": _OURS + "yamls:"},
    "airflow.utils.xcom": _RETURN_KEY,
    "airflow.utils.yaml": _YAML,
}
"""module: its names, and what each is here."""
