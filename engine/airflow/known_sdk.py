"""The names of `airflow.sdk` in Airflow 3.3.2, by module: data of `known`."""

from __future__ import annotations

SDK: dict[str, str] = {
    "airflow.sdk": (
        "AllowedKeyMapper Asset AssetAccessControl AssetAlias AssetAll AssetAny "
        "AssetOrTimeSchedule AssetWatcher AsyncCallback BaseAsyncOperator BaseBranchOperator "
        "BaseDeadlineReference BaseHook BaseNotifier BaseOperator BaseOperatorLink "
        "BaseSensorOperator BaseXCom BranchMixIn ChainMapper Connection Context "
        "CronDataIntervalTimetable CronPartitionTimetable CronTriggerTimetable DAG DagRunState "
        "DayWindow DeadlineAlert DeadlineReference DeltaDataIntervalTimetable "
        "DeltaTriggerTimetable EdgeModifier EventsTimetable ExceptionRetryPolicy FanOutMapper "
        "FixedKeyMapper HourWindow IdentityMapper Label Metadata MinimumCount MonthWindow "
        "MultipleCronTriggerTimetable NEVER_EXPIRE ObjectStoragePath Param ParamsDict "
        "PartitionMapper PartitionedAssetTimetable PartitionedAtRuntime PokeReturnValue "
        "ProductMapper QuarterWindow ResumableJobMixin RetryAction RetryDecision RetryPolicy "
        "RetryRule RollupMapper SecretCache SegmentWindow SkipMixin StartOfDayMapper "
        "StartOfHourMapper StartOfMonthMapper StartOfQuarterMapper StartOfWeekMapper "
        "StartOfYearMapper SyncCallback TaskGroup TaskInstance TaskInstanceState TriggerRule "
        "Variable WaitForAll WeekWindow WeightRule Window XComArg YearWindow asset chain "
        "chain_linear conf cross_downstream dag deadline_reference get_current_context "
        "get_parsing_context lineage literal macros result setup task task_group teardown"
    ),
    "airflow.sdk.bases": "",
    "airflow.sdk.bases.branch": "BaseBranchOperator BranchMixIn",
    "airflow.sdk.bases.decorator": (
        "DecoratedMappedOperator DecoratedOperator ExpandableFactory KeywordParameters "
        "TaskDecorator determine_kwargs get_unique_task_id is_async_callable is_decorated_task "
        "task_decorator_factory unwrap_callable unwrap_partial"
    ),
    "airflow.sdk.bases.hook": "BaseHook",
    "airflow.sdk.bases.notifier": "BaseNotifier",
    "airflow.sdk.bases.operator": (
        "BASEOPERATOR_ARGS_EXPECTED_TYPES BaseAsyncOperator BaseOperator BaseOperatorMeta "
        "DB_SAFE_MAXIMUM DB_SAFE_MINIMUM ExecutorSafeguard OPERATOR_DEFAULTS TRIGGER_FAIL_REPR "
        "TriggerFailureReason chain chain_linear coerce_resources coerce_timedelta "
        "cross_downstream db_safe_priority event_loop get_merged_defaults parse_retries partial"
    ),
    "airflow.sdk.bases.operatorlink": "BaseOperatorLink",
    "airflow.sdk.bases.resumablejobmixin": "ResumableJobMixin",
    "airflow.sdk.bases.secrets_backend": "BaseSecretsBackend",
    "airflow.sdk.bases.sensor": "BaseOperator BaseSensorOperator PokeReturnValue poke_mode_only",
    "airflow.sdk.bases.skipmixin": (
        "SkipMixin XCOM_SKIPMIXIN_FOLLOWED XCOM_SKIPMIXIN_KEY XCOM_SKIPMIXIN_SKIPPED"
    ),
    "airflow.sdk.bases.timetable": "BaseTimetable",
    "airflow.sdk.bases.xcom": "BaseXCom TIKeyProtocol",
    "airflow.sdk.configuration": (
        "AirflowSDKConfigParser clear_secrets_backends_cache conf "
        "configure_parser_from_configuration_description create_default_config_parser "
        "ensure_secrets_loaded expand_env_var get_airflow_config get_custom_secret_backend "
        "get_sdk_expansion_variables import_string initialize_config initialize_secrets_backends "
        "retrieve_configuration_description"
    ),
    "airflow.sdk.definitions": "",
    "airflow.sdk.definitions.asset": (
        "Asset AssetAccessControl AssetAlias AssetAliasEvent AssetAliasUniqueKey AssetAll "
        "AssetAny AssetBooleanCondition AssetNameRef AssetRef AssetUniqueKey AssetUriRef "
        "AssetWatcher BaseAsset BaseAssetUniqueKey Dataset Model ProvidersManagerTaskRuntime "
        "SQL_ALCHEMY_CONN normalize_noop"
    ),
    "airflow.sdk.definitions.asset.access_control": "AssetAccessControl",
    "airflow.sdk.definitions.asset.decorators": (
        "Asset AssetAll AssetDefinition MultiAssetDefinition asset"
    ),
    "airflow.sdk.definitions.asset.metadata": "Metadata",
    "airflow.sdk.definitions.callback": "AsyncCallback Callback SyncCallback",
    "airflow.sdk.definitions.connection": "Connection",
    "airflow.sdk.definitions.context": (
        "AirflowParsingContext Context KNOWN_CONTEXT_KEYS context_merge get_current_context "
        "get_parsing_context render_template render_template_as_native render_template_to_string"
    ),
    "airflow.sdk.definitions.dag": (
        "AssetAll BaseOperator Context DAG DagStateChangeCallback DeadlineAlert FINISHED_STATES "
        "ParamsDict ScheduleArg ScheduleInterval TAG_MAX_LEN TaskInstanceState TriggerRule "
        "XComArg dag"
    ),
    "airflow.sdk.definitions.deadline": (
        "AsyncCallback AverageRuntimeDeadline BaseDeadlineReference DagRunLogicalDateDeadline "
        "DagRunQueuedAtDeadline DeadlineAlert DeadlineReference DeadlineReferenceType "
        "DeadlineReferenceTypes FixedDatetimeDeadline REFERENCE_TYPE_FIELD SyncCallback Variable "
        "VariableInterval deadline_reference"
    ),
    "airflow.sdk.definitions.decorators": (
        "TaskDecorator TaskDecoratorCollection dag result setup task task_group teardown"
    ),
    "airflow.sdk.definitions.edges": "EdgeInfoType EdgeModifier Label",
    "airflow.sdk.definitions.param": "DagParam Param ParamsDict process_params",
    "airflow.sdk.definitions.partition_mappers": "",
    "airflow.sdk.definitions.partition_mappers.allowed_key": "AllowedKeyMapper PartitionMapper",
    "airflow.sdk.definitions.partition_mappers.base": "PartitionMapper RollupMapper WaitForAll",
    "airflow.sdk.definitions.partition_mappers.chain": "ChainMapper PartitionMapper",
    "airflow.sdk.definitions.partition_mappers.fixed_key": "FixedKeyMapper PartitionMapper",
    "airflow.sdk.definitions.partition_mappers.identity": "IdentityMapper PartitionMapper",
    "airflow.sdk.definitions.partition_mappers.product": "PartitionMapper ProductMapper",
    "airflow.sdk.definitions.partition_mappers.temporal": (
        "FanOutMapper PartitionMapper StartOfDayMapper StartOfHourMapper StartOfMonthMapper "
        "StartOfQuarterMapper StartOfWeekMapper StartOfYearMapper"
    ),
    "airflow.sdk.definitions.partition_mappers.wait_policy": "MinimumCount WaitForAll WaitPolicy",
    "airflow.sdk.definitions.partition_mappers.window": (
        "DayWindow HourWindow MonthWindow QuarterWindow SegmentWindow WeekWindow Window "
        "YearWindow"
    ),
    "airflow.sdk.definitions.retry_policy": (
        "ExceptionRetryPolicy ExceptionSpec RetryAction RetryDecision RetryPolicy RetryRule"
    ),
    "airflow.sdk.definitions.taskgroup": "MappedTaskGroup TaskGroup TriggerRule",
    "airflow.sdk.definitions.template": "literal",
    "airflow.sdk.definitions.timetables": "",
    "airflow.sdk.definitions.timetables._cron": "CRON_PRESETS CronMixin",
    "airflow.sdk.definitions.timetables._delta": "DeltaMixin",
    "airflow.sdk.definitions.timetables.assets": (
        "AssetAll AssetOrTimeSchedule AssetTriggeredTimetable IdentityMapper "
        "PartitionedAssetTimetable PartitionedAtRuntime"
    ),
    "airflow.sdk.definitions.timetables.events": "EventsTimetable",
    "airflow.sdk.definitions.timetables.interval": (
        "CronDataIntervalTimetable Delta DeltaDataIntervalTimetable"
    ),
    "airflow.sdk.definitions.timetables.simple": "ContinuousTimetable NullTimetable OnceTimetable",
    "airflow.sdk.definitions.timetables.trigger": (
        "CronPartitionTimetable CronTriggerTimetable DeltaTriggerTimetable "
        "MultipleCronTriggerTimetable"
    ),
    "airflow.sdk.definitions.variable": "Variable",
    "airflow.sdk.definitions.xcom_arg": (
        "BaseXCom ConcatXComArg MapCallables MapXComArg PlainXComArg TriggerRule XComArg "
        "ZipXComArg get_task_map_length serialize_xcom_arg"
    ),
    "airflow.sdk.exceptions": (
        "AirflowConfigException AirflowDagCycleException AirflowException AirflowFailException "
        "AirflowInactiveAssetInInletOrOutletException AirflowNotFoundException "
        "AirflowOptionalProviderFeatureException AirflowRescheduleException AirflowRuntimeError "
        "AirflowSecretsBackendAccessDenied AirflowSensorTimeout AirflowSkipException "
        "AirflowTaskTerminated AirflowTaskTimeout AirflowTimetableInvalid DagRunTriggerException "
        "DownstreamTasksSkipped DuplicateTaskIdFound ErrorType FailFastDagInvalidTriggerRule "
        "NodeNotFound ParamValidationError RemovedInAirflow4Warning TaskAlreadyInTaskGroup "
        "TaskAlreadyRunningError TaskAwaitingInput TaskDeferralError TaskDeferralTimeout "
        "TaskDeferred TaskNotFound TriggerRule UnmappableXComTypePushed XComForMappingNotPushed "
        "XComNotFound"
    ),
    "airflow.sdk.execution_time": "",
    "airflow.sdk.execution_time.cache": "SecretCache",
    "airflow.sdk.execution_time.context": (
        "AIRFLOW_VAR_NAME_FORMAT_MAPPING AssetStateStoreAccessor AssetStateStoreAccessors "
        "ConnectionAccessor DEFAULT_FORMAT_PREFIX ENV_VAR_FORMAT_PREFIX InletEventsAccessor "
        "InletEventsAccessors MacrosAccessor NEVER_EXPIRE OutletEventAccessor "
        "OutletEventAccessors TaskStateStoreAccessor TriggeringAssetEventsAccessor "
        "VariableAccessor context_get_outlet_events context_to_airflow_vars "
        "context_update_for_unmapped get_previous_dagrun_success set_current_context"
    ),
    "airflow.sdk.execution_time.hitl": (
        "HITLUser get_hitl_detail_content_detail update_hitl_detail_response upsert_hitl_detail"
    ),
    "airflow.sdk.execution_time.macros": (
        "datetime_diff_for_humans ds_add ds_format ds_format_locale"
    ),
    "airflow.sdk.execution_time.secrets_masker": (
        "DEFAULT_SENSITIVE_FIELDS Redactable Redacted RedactedIO SecretsMasker merge redact "
        "reset_secrets_masker should_hide_value_for_key"
    ),
    "airflow.sdk.execution_time.timeout": "TimeoutPosix timeout",
    "airflow.sdk.execution_time.xcom": "XCom resolve_xcom_backend",
    "airflow.sdk.io": "ObjectStoragePath Properties attach get_fs has_fs",
    "airflow.sdk.io.fs": "get_fs has_fs",
    "airflow.sdk.io.path": "ObjectStoragePath",
    "airflow.sdk.io.stat": "stat_result",
    "airflow.sdk.io.store": "ObjectStore attach",
    "airflow.sdk.io.typedef": "Properties",
    "airflow.sdk.lineage": (
        "AssetLineageInfo ExtraLineageInfo HookLineage HookLineageCollector HookLineageReader "
        "MAX_COLLECTED_ASSETS MAX_COLLECTED_EXTRA NoOpCollector get_hook_lineage_collector"
    ),
    "airflow.sdk.listener": "ListenerManager get_listener_manager",
    "airflow.sdk.log": (
        "amask_secret configure_logging init_log_file load_remote_conn_id load_remote_log_handler "
        "logger_at_level logging_processors mask_logs mask_secret redact "
        "relative_path_from_logger reset_logging upload_to_remote"
    ),
    "airflow.sdk.module_loading": "import_string is_valid_dotpath iter_namespace qualname",
    "airflow.sdk.plugins_manager": (
        "AirflowPlugin ProvidersManagerTaskRuntime get_hook_lineage_readers_plugins import_string "
        "integrate_listener_plugins integrate_macros_plugins is_valid_plugin"
    ),
    "airflow.sdk.providers_manager_runtime": "ProvidersManagerTaskRuntime RemoteLoggingInfo",
    "airflow.sdk.state": "AssetScope BaseStoreBackend TaskScope",
    "airflow.sdk.timezone": (
        "coerce_datetime convert_to_utc datetime from_timestamp initialize make_naive parse utc "
        "utcnow"
    ),
    "airflow.sdk.types": (
        "ArgNotSet BaseXCom DagRunProtocol OutletEventAccessorProtocol "
        "OutletEventAccessorsProtocol RuntimeTaskInstanceProtocol TaskInstance TaskInstanceKey "
        "WeightRule WeightRuleParam WeightRuleProtocol"
    ),
    "airflow.sdk.yaml": "dump safe_load",
}  # fmt: skip
