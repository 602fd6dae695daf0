"""The public names of Airflow 3.3.2 outside of `airflow.sdk`, by module: data of `known`.

The standard provider's are among them, and the older paths that Airflow 3 still leads on.
"""

from __future__ import annotations

CORE: dict[str, str] = {
    "airflow": (
        "AirflowException Asset DAG Dataset Trace XComArg __version__ metrics traces version"
    ),
    "airflow.configuration": (
        "AIRFLOW_CONFIG AIRFLOW_HOME AirflowConfigParser ConfigModifications "
        "ConfigOptionsDictType ConfigSectionSourcesType ConfigSourcesType ConfigType "
        "ENV_VAR_PREFIX SECRET_KEY conf create_default_config_parser ensure_secrets_loaded "
        "expand_env_var get_airflow_config get_airflow_home get_all_expansion_variables "
        "get_custom_secret_backend initialize_auth_manager initialize_config "
        "initialize_secrets_backends load_standard_airflow_configuration "
        "make_group_other_inaccessible retrieve_configuration_description run_command "
        "secrets_backend_list write_default_airflow_configuration_if_needed"
    ),
    "airflow.decorators": "dag setup task task_group teardown",
    "airflow.decorators.base": (
        "DecoratedMappedOperator DecoratedOperator TaskDecorator TaskDecoratorCollection "
        "get_unique_task_id task_decorator_factory"
    ),
    "airflow.exceptions": (
        "AirflowBadRequest AirflowClearRunningTaskException AirflowClusterPolicyError "
        "AirflowClusterPolicySkipDag AirflowClusterPolicyViolation AirflowConfigException "
        "AirflowDagCycleException AirflowDagDuplicatedIdException AirflowException "
        "AirflowFailException AirflowFileParseException "
        "AirflowInactiveAssetInInletOrOutletException AirflowInternalRuntimeError "
        "AirflowNotFoundException AirflowOptionalProviderFeatureException "
        "AirflowProviderDeprecationWarning AirflowRescheduleException AirflowSensorTimeout "
        "AirflowSkipException AirflowTaskTerminated AirflowTaskTimeout AirflowTimetableInvalid "
        "AirflowUnsupportedFileTypeException ConnectionNotUnique DagCodeNotFound DagNotFound "
        "DagNotPartitionedError DagRunAlreadyExists DagRunNotFound DagRunTriggerException "
        "DagRunTypeNotAllowed DeserializationError DeserializingResultError "
        "DownstreamTasksSkipped DuplicateTaskIdFound FailFastDagInvalidTriggerRule "
        "FileSyntaxError InvalidPartitionKeyError InvalidStatsNameException NodeNotFound "
        "NotMapped ParamValidationError PodMutationHookException PodReconciliationError "
        "PoolNotFound RemovedInAirflow4Warning SerializationError TaskAlreadyInTaskGroup "
        "TaskDeferralError TaskDeferralTimeout TaskDeferred TaskInstanceNotFound TaskNotFound "
        "UnknownExecutorException VariableNotUnique XComNotFound"
    ),
    "airflow.hooks": "",
    "airflow.hooks.base": "BaseHook",
    "airflow.hooks.filesystem": "FSHook",
    "airflow.hooks.package_index": "PackageIndexHook",
    "airflow.hooks.subprocess": "SubprocessHook",
    "airflow.io": "Properties attach get_fs has_fs",
    "airflow.io.path": "ObjectStoragePath",
    "airflow.io.storage": "attach",
    "airflow.io.typedef": "Properties",
    "airflow.lineage": "hook",
    "airflow.lineage.hook": (
        "Asset AssetLineageInfo ExtraLineageInfo HookLineage HookLineageCollector "
        "HookLineageReader LoggingMixin MAX_COLLECTED_ASSETS MAX_COLLECTED_EXTRA NoOpCollector "
        "ProvidersManagerTaskRuntime get_hook_lineage_collector"
    ),
    "airflow.listeners": "hookimpl",
    "airflow.listeners.listener": "ListenerManager get_listener_manager",
    "airflow.listeners.types": "AssetEvent",
    "airflow.macros": "datetime_diff_for_humans ds_add ds_format ds_format_locale",
    "airflow.models": (
        "Base BaseOperator BaseOperatorLink BaseXCom Callback Connection DAG DagBag DagModel "
        "DagRun DagTag DagWarning DbCallbackRequest Deadline DeadlineAlert HITLDetail ID_LEN Job "
        "Log MappedOperator Operator Param Pool RenderedTaskInstanceFields SkipMixin TaskInstance "
        "TaskInstanceHistory TaskReschedule Team Trigger Variable XCom clear_task_instances"
    ),
    "airflow.models.abstractoperator": (
        "AbstractOperator DEFAULT_OWNER DEFAULT_QUEUE DEFAULT_TASK_EXECUTION_TIMEOUT NotMapped "
        "TaskStateChangeCallback"
    ),
    "airflow.models.baseoperator": "BaseOperator chain chain_linear cross_downstream",
    "airflow.models.baseoperatorlink": "BaseOperatorLink",
    "airflow.models.connection": "CONN_ID_MAX_LEN Connection RE_SANITIZE_CONN_ID sanitize_conn_id",
    "airflow.models.dag": (
        "CronDataIntervalTimetable DagModel DagOwnerAttributes DagRunState DagTag "
        "DeltaDataIntervalTimetable InconsistentDataInterval TAG_MAX_LEN clear_team_name_cache "
        "get_asset_triggered_next_run_info get_last_dagrun get_next_data_interval "
        "get_run_data_interval infer_automated_data_interval"
    ),
    "airflow.models.dagbag": "CachedDBDagBag DBDagBag DagPriorityParsingRequest generate_md5_hash",
    "airflow.models.operator": "BaseOperator Operator",
    "airflow.models.param": "Param ParamsDict",
    "airflow.models.pool": "Pool PoolStats TaskInstanceState normalize_pool_name_for_stats",
    "airflow.models.referencemixin": "ReferenceMixin",
    "airflow.models.skipmixin": "SkipMixin",
    "airflow.models.taskinstancekey": "TaskInstanceKey",
    "airflow.models.taskmixin": "DAGNode DependencyMixin",
    "airflow.models.variable": "Variable",
    "airflow.models.xcom": "LazyXComSelectSequence XCOM_RETURN_KEY XComModel",
    "airflow.models.xcom_arg": "XComArg",
    "airflow.notifications": "",
    "airflow.notifications.basenotifier": "BaseNotifier",
    "airflow.operators": "",
    "airflow.operators.bash": "BashOperator",
    "airflow.operators.branch": "BaseBranchOperator BranchMixIn",
    "airflow.operators.datetime": "BranchDateTimeOperator",
    "airflow.operators.email": "EmailOperator",
    "airflow.operators.empty": "EmptyOperator",
    "airflow.operators.generic_transfer": "GenericTransfer",
    "airflow.operators.latest_only": "LatestOnlyOperator",
    "airflow.operators.python": (
        "BranchExternalPythonOperator BranchPythonOperator BranchPythonVirtualenvOperator "
        "ExternalPythonOperator PythonOperator PythonVirtualenvOperator ShortCircuitOperator "
        "get_current_context"
    ),
    "airflow.operators.smooth": "SmoothOperator",
    "airflow.operators.trigger_dagrun": "TriggerDagRunOperator",
    "airflow.operators.weekday": "BranchDayOfWeekOperator",
    "airflow.partition_mappers": (
        "AllowedKeyMapper ChainMapper DayWindow FanOutMapper FixedKeyMapper HourWindow "
        "IdentityMapper MinimumCount MonthWindow PartitionMapper ProductMapper QuarterWindow "
        "RollupMapper SegmentWindow StartOfDayMapper StartOfHourMapper StartOfMonthMapper "
        "StartOfQuarterMapper StartOfWeekMapper StartOfYearMapper WaitForAll WeekWindow Window "
        "YearWindow"
    ),
    "airflow.partition_mappers.allowed_key": "AllowedKeyMapper",
    "airflow.partition_mappers.base": "PartitionMapper RollupMapper is_rollup",
    "airflow.partition_mappers.chain": "ChainMapper",
    "airflow.partition_mappers.fixed_key": "FixedKeyMapper",
    "airflow.partition_mappers.identity": "IdentityMapper",
    "airflow.partition_mappers.product": "ProductMapper",
    "airflow.partition_mappers.temporal": (
        "FanOutMapper StartOfDayMapper StartOfHourMapper StartOfMonthMapper StartOfQuarterMapper "
        "StartOfWeekMapper StartOfYearMapper"
    ),
    "airflow.partition_mappers.wait_policy": (
        "MinimumCount PartitionSatisfaction WaitForAll WaitPolicy"
    ),
    "airflow.partition_mappers.window": (
        "DayWindow HourWindow MonthWindow QuarterWindow SegmentWindow WeekWindow Window "
        "YearWindow"
    ),
    "airflow.plugins_manager": (
        "AirflowPlugin AirflowPluginSource PluginsDirectorySource ensure_plugins_loaded "
        "get_deadline_references_plugins get_fastapi_plugins get_flask_plugins "
        "get_global_operator_extra_links get_import_errors get_operator_extra_links "
        "get_partition_mapper_plugins get_plugin_info get_priority_weight_strategy_plugins "
        "get_timetables_plugins get_windows_plugins import_string integrate_listener_plugins "
        "integrate_macros_plugins is_valid_plugin qualname"
    ),
    "airflow.providers.standard": "",
    "airflow.providers.common.compat.sdk": (
        "AIRFLOW_VAR_NAME_FORMAT_MAPPING AirflowConfigException AirflowException "
        "AirflowFailException AirflowNotFoundException AirflowOptionalProviderFeatureException "
        "AirflowPlugin AirflowSensorTimeout AirflowSkipException AirflowTaskTimeout Asset "
        "AssetAlias AssetAll AssetAny BaseBranchOperator BaseHook BaseNotifier BaseOperator "
        "BaseOperatorLink BaseSensorOperator BranchMixIn ChainRetryPolicy Connection Context DAG "
        "DagRunState DagRunTriggerException DecoratedMappedOperator DecoratedOperator "
        "DownstreamTasksSkipped EdgeModifier ExceptionRetryPolicy HookLineage "
        "HookLineageCollector HookLineageReader KeywordParameters Label MappedOperator Metadata "
        "NoOpCollector ObjectStoragePath Param ParamValidationError PokeReturnValue "
        "ResumableJobMixin RetryAction RetryDecision RetryPolicy RetryRule SET_DURING_EXECUTION "
        "SkipMixin Stats TaskDecorator TaskDeferred TaskGroup TaskInstanceKey TaskInstanceState "
        "TriggerRule Variable WeightRule XCOM_RETURN_KEY XCom XComArg XComNotFound chain "
        "chain_linear conf context_merge context_to_airflow_vars cross_downstream dag "
        "determine_kwargs get_current_context get_hook_lineage_collector get_listener_manager "
        "get_parsing_context get_unique_task_id hookimpl io literal mask_secret poke_mode_only "
        "redact setup task task_decorator_factory task_group teardown timeout timezone"
    ),
    "airflow.providers.standard.decorators": "",
    "airflow.providers.standard.decorators.bash": "bash_task",
    "airflow.providers.standard.decorators.branch_external_python": "branch_external_python_task",
    "airflow.providers.standard.decorators.branch_python": "branch_task",
    "airflow.providers.standard.decorators.branch_virtualenv": "branch_virtualenv_task",
    "airflow.providers.standard.decorators.external_python": "external_python_task",
    "airflow.providers.standard.decorators.python": "python_task",
    "airflow.providers.standard.decorators.python_virtualenv": "virtualenv_task",
    "airflow.providers.standard.decorators.sensor": "DecoratedSensorOperator sensor_task",
    "airflow.providers.standard.decorators.short_circuit": "short_circuit_task",
    "airflow.providers.standard.decorators.stub": "stub",
    "airflow.providers.standard.exceptions": (
        "AirflowExternalTaskSensorException DuplicateStateError ExternalDagDeletedError "
        "ExternalDagFailedError ExternalDagNotFoundError ExternalTaskFailedError "
        "ExternalTaskGroupFailedError ExternalTaskGroupNotFoundError ExternalTaskNotFoundError "
        "HITLRejectException HITLTimeoutError HITLTriggerEventError"
    ),
    "airflow.providers.standard.hooks": "",
    "airflow.providers.standard.hooks.filesystem": "FSHook",
    "airflow.providers.standard.hooks.package_index": "PackageIndexHook",
    "airflow.providers.standard.hooks.subprocess": (
        "SubprocessHook SubprocessResult working_directory"
    ),
    "airflow.providers.standard.models": "",
    "airflow.providers.standard.operators": "",
    "airflow.providers.standard.operators.bash": "BashOperator",
    "airflow.providers.standard.operators.branch": "BaseBranchOperator BranchMixIn",
    "airflow.providers.standard.operators.datetime": "BranchDateTimeOperator target_times_as_dates",
    "airflow.providers.standard.operators.empty": "EmptyOperator",
    "airflow.providers.standard.operators.hitl": (
        "ApprovalOperator HITLBranchOperator HITLEntryOperator HITLOperator"
    ),
    "airflow.providers.standard.operators.latest_only": "LatestOnlyOperator",
    "airflow.providers.standard.operators.python": (
        "BranchExternalPythonOperator BranchPythonOperator BranchPythonVirtualenvOperator "
        "ExternalPythonOperator PythonOperator PythonVirtualenvOperator ShortCircuitOperator "
        "get_current_context"
    ),
    "airflow.providers.standard.operators.smooth": "SmoothOperator",
    "airflow.providers.standard.operators.trigger_dagrun": (
        "DagIsPaused TriggerDagRunLink TriggerDagRunOperator XCOM_LOGICAL_DATE_ISO XCOM_RUN_ID"
    ),
    "airflow.providers.standard.operators.weekday": "BranchDayOfWeekOperator",
    "airflow.providers.standard.sensors": "",
    "airflow.providers.standard.sensors.bash": "BashSensor",
    "airflow.providers.standard.sensors.date_time": "DateTimeSensor DateTimeSensorAsync",
    "airflow.providers.standard.sensors.external_task": (
        "ExternalDagLink ExternalTaskMarker ExternalTaskSensor"
    ),
    "airflow.providers.standard.sensors.filesystem": "FileSensor",
    "airflow.providers.standard.sensors.python": "PythonSensor",
    "airflow.providers.standard.sensors.time": "TimeSensor TimeSensorAsync",
    "airflow.providers.standard.sensors.time_delta": (
        "TimeDeltaSensor TimeDeltaSensorAsync WaitSensor"
    ),
    "airflow.providers.standard.sensors.weekday": "DayOfWeekSensor",
    "airflow.providers.standard.triggers": "",
    "airflow.providers.standard.triggers.external_task": "DagStateTrigger WorkflowTrigger",
    "airflow.providers.standard.triggers.file": (
        "DirectoryFileDeleteTrigger FileDeleteTrigger FileTrigger"
    ),
    "airflow.providers.standard.triggers.hitl": (
        "HITLTrigger HITLTriggerEventFailurePayload HITLTriggerEventSuccessPayload"
    ),
    "airflow.providers.standard.triggers.temporal": "DateTimeTrigger TimeDeltaTrigger",
    "airflow.providers.standard.utils": "",
    "airflow.providers.standard.utils.python_virtualenv": "prepare_virtualenv write_python_script",
    "airflow.providers.standard.utils.skipmixin": (
        "SkipMixin XCOM_SKIPMIXIN_FOLLOWED XCOM_SKIPMIXIN_KEY XCOM_SKIPMIXIN_SKIPPED"
    ),
    "airflow.providers.standard.utils.weekday": "WeekDay",
    "airflow.providers_manager": (
        "ConnectionFormWidgetInfo ConnectionTypeHookUIMetadata DialectInfo HookClassProvider "
        "HookInfo KNOWN_UNHANDLED_OPTIONAL_FEATURE_ERRORS LazyDictWithCache MIN_PROVIDER_VERSIONS "
        "NotificationInfo PluginInfo ProviderInfo ProvidersManager RemoteLoggingInfo TriggerInfo "
        "log_import_warning log_optional_feature_disabled provider_info_cache"
    ),
    "airflow.sensors": "",
    "airflow.sensors.base": "BaseSensorOperator PokeReturnValue poke_mode_only",
    "airflow.sensors.bash": "BashSensor",
    "airflow.sensors.date_time": "DateTimeSensor DateTimeSensorAsync",
    "airflow.sensors.external_task": "ExternalDagLink ExternalTaskMarker ExternalTaskSensor",
    "airflow.sensors.filesystem": "FileSensor",
    "airflow.sensors.python": "PythonSensor",
    "airflow.sensors.time_delta": "TimeDeltaSensor TimeDeltaSensorAsync",
    "airflow.sensors.time_sensor": "TimeSensor TimeSensorAsync",
    "airflow.sensors.weekday": "DayOfWeekSensor",
    "airflow.task": "",
    "airflow.task.priority_strategy": (
        "PriorityWeightStrategy get_airflow_priority_weight_strategies "
        "get_weight_rule_from_priority_weight_strategy validate_and_load_priority_weight_strategy"
    ),
    "airflow.task.trigger_rule": "TriggerRule",
    "airflow.task.weight_rule": "WeightRule",
    "airflow.timetables": "",
    "airflow.timetables._cron": "CronMixin",
    "airflow.timetables._delta": "DeltaMixin",
    "airflow.timetables.assets": "AssetOrTimeSchedule",
    "airflow.timetables.base": (
        "DagRunInfo DataInterval PartitionMapperInfo TimeRestriction Timetable "
        "compute_rollup_fingerprint"
    ),
    "airflow.timetables.events": "EventsTimetable",
    "airflow.timetables.interval": "CronDataIntervalTimetable Delta DeltaDataIntervalTimetable",
    "airflow.timetables.simple": (
        "AssetTriggeredTimetable ContinuousTimetable DEFAULT_PARTITION_MAPPER IdentityMapper "
        "NullTimetable OnceTimetable PartitionedAssetTimetable PartitionedAtRuntime"
    ),
    "airflow.timetables.trigger": (
        "CronPartitionTimetable CronTriggerTimetable DeltaTriggerTimetable "
        "MultipleCronTriggerTimetable"
    ),
    "airflow.triggers": "",
    "airflow.triggers.base": (
        "BaseEventTrigger BaseTaskEndEvent BaseTrigger DiscrimatedTriggerEvent StartTriggerArgs "
        "TaskFailedEvent TaskSkippedEvent TaskSuccessEvent TriggerEvent "
        "trigger_event_discriminator"
    ),
    "airflow.triggers.callback": "CallbackTrigger PAYLOAD_BODY_KEY PAYLOAD_STATUS_KEY",
    "airflow.triggers.external_task": "DagStateTrigger WorkflowTrigger",
    "airflow.triggers.file": "FileTrigger",
    "airflow.triggers.temporal": "DateTimeTrigger TimeDeltaTrigger",
    "airflow.triggers.testing": "FailureTrigger SuccessTrigger",
    "airflow.utils": "",
    "airflow.utils.context": (
        "Asset AssetModel ConnectionAccessor Context KNOWN_CONTEXT_KEYS OutletEventAccessors "
        "VariableAccessor context_copy_partial context_merge is_arg_set"
    ),
    "airflow.utils.dates": "cron_presets datetime_to_nano",
    "airflow.utils.decorators": "fixup_decorator_warning_stack remove_task_decorator",
    "airflow.utils.deprecation_tools": "getattr_with_deprecation",
    "airflow.utils.edgemodifier": "Label",
    "airflow.utils.email": (
        "build_mime_message get_email_address_list send_email send_email_smtp send_mime_email"
    ),
    "airflow.utils.file": (
        "COMMENT_PATTERN ZIP_REGEX correct_maybe_zipped find_dag_file_paths "
        "get_unique_dag_module_name iter_airflow_imports list_py_file_paths might_contain_dag "
        "might_contain_dag_via_default_heuristic open_maybe_zipped"
    ),
    "airflow.utils.hashlib_wrapper": "md5",
    "airflow.utils.helpers": (
        "CAMELCASE_TO_SNAKE_CASE_REGEX GROUP_KEY_REGEX KEY_REGEX as_flattened_list ask_yesno "
        "at_most_one build_airflow_dagrun_url chunks convert_camel_to_snake exactly_one "
        "is_container log_filename_template_renderer merge_dicts parse_template_string partition "
        "prompt_with_timeout prune_dict render_template validate_key"
    ),
    "airflow.utils.json": "XComDecoder XComEncoder",
    "airflow.utils.net": "get_host_ip_address get_hostname getfqdn",
    "airflow.utils.operator_helpers": "KeywordParameters determine_kwargs make_kwargs_callable",
    "airflow.utils.platform": (
        "IS_WINDOWS get_airflow_git_version getuser is_terminal_support_colors is_tty"
    ),
    "airflow.utils.process_utils": (
        "DEFAULT_TIME_TO_WAIT_AFTER_SIGTERM check_if_pidfile_process_is_running "
        "execute_in_subprocess execute_in_subprocess_with_kwargs execute_interactive "
        "kill_child_processes_by_pids patch_environ reap_process_group resolve_mp_start_method "
        "set_component_mp_start_method set_new_process_group"
    ),
    "airflow.utils.session": (
        "NEW_SESSION create_session create_session_async find_session_idx provide_session"
    ),
    "airflow.utils.setup_teardown": "BaseSetupTeardownContext SetupTeardownContext",
    "airflow.utils.state": (
        "CallbackState DagRunState IntermediateTIState State TaskInstanceState TerminalTIState"
    ),
    "airflow.utils.strings": "TRUE_LIKE_VALUES get_random_string to_boolean",
    "airflow.utils.task_group": "TaskGroup",
    "airflow.utils.timeout": "timeout",
    "airflow.utils.timezone": (
        "coerce_datetime convert_to_utc datetime from_timestamp initialize make_naive parse utc "
        "utcnow"
    ),
    "airflow.utils.trigger_rule": "TriggerRule",
    "airflow.utils.types": "ArgNotSet DagRunTriggeredByType DagRunType NOTSET",
    "airflow.utils.weight_rule": "DB_SAFE_MAXIMUM DB_SAFE_MINIMUM WeightRule db_safe_priority",
    "airflow.utils.xcom": "XCOM_RETURN_KEY",
    "airflow.utils.yaml": "dump safe_load",
    "airflow.version": "version",
}  # fmt: skip
