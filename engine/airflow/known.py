"""What Airflow 3.3.2 has: so that what is not here yet is told apart from what is nowhere.

A name listed here that `names` does not serve imports as a placeholder, which raises its sentence
when it is used. What is in neither is refused at import, as Airflow refuses it: providers try one
path after the other and need to hear the ImportError.

The lists were read off the installed packages (core 3.3.2, task SDK 1.3.2, standard provider
1.21.0): what a module defines, names in `__all__` or leads on to, but not what it merely imports.
"""

from __future__ import annotations

from penstock.airflow.aliases import ALIASES, RENAMED
from penstock.airflow.known_core import CORE
from penstock.airflow.known_sdk import SDK

KNOWN: dict[str, frozenset[str]] = {
    module: frozenset(names.split()) for module, names in (CORE | SDK).items()
}
"""Every public module with its public names."""

OPEN: tuple[str, ...] = (
    "airflow._shared", "airflow.api", "airflow.api_fastapi", "airflow.assets", "airflow.callbacks",
    "airflow.cli", "airflow.config_templates", "airflow.dag_processing", "airflow.example_dags",
    "airflow.executors", "airflow.jobs", "airflow.listeners.spec", "airflow.logging",
    "airflow.logging_config", "airflow.migrations", "airflow.models.asset",
    "airflow.models.asset_state_store", "airflow.models.backfill", "airflow.models.base",
    "airflow.models.callback", "airflow.models.connection_test", "airflow.models.crypto",
    "airflow.models.dag_favorite", "airflow.models.dag_version", "airflow.models.dagbundle",
    "airflow.models.dagcode", "airflow.models.dagrun", "airflow.models.dagwarning",
    "airflow.models.db_callback_request", "airflow.models.deadline",
    "airflow.models.deadline_alert", "airflow.models.errors", "airflow.models.expandinput",
    "airflow.models.hitl", "airflow.models.hitl_history", "airflow.models.log",
    "airflow.models.renderedtifields", "airflow.models.revoked_token",
    "airflow.models.serialized_dag", "airflow.models.task_state_store",
    "airflow.models.taskinstance", "airflow.models.taskinstancehistory", "airflow.models.tasklog",
    "airflow.models.taskmap", "airflow.models.taskreschedule", "airflow.models.team",
    "airflow.models.trigger", "airflow.observability", "airflow.policies", "airflow.sdk.api",
    "airflow.sdk.coordinators", "airflow.sdk.crypto", "airflow.sdk.definitions._internal",
    "airflow.sdk.definitions.decorators.condition",
    "airflow.sdk.definitions.decorators.setup_teardown",
    "airflow.sdk.definitions.decorators.task_group", "airflow.sdk.definitions.mappedoperator",
    "airflow.sdk.definitions.operator_resources", "airflow.sdk.execution_time.callback_runner",
    "airflow.sdk.execution_time.callback_supervisor", "airflow.sdk.execution_time.comms",
    "airflow.sdk.execution_time.connection_test_supervisor",
    "airflow.sdk.execution_time.coordinator", "airflow.sdk.execution_time.email_backend",
    "airflow.sdk.execution_time.execute_workload", "airflow.sdk.execution_time.lazy_sequence",
    "airflow.sdk.execution_time.request_handlers", "airflow.sdk.execution_time.schema",
    "airflow.sdk.execution_time.secrets", "airflow.sdk.execution_time.sentry",
    "airflow.sdk.execution_time.supervisor", "airflow.sdk.execution_time.task_mapping",
    "airflow.sdk.execution_time.task_runner", "airflow.sdk.observability", "airflow.sdk.serde",
    "airflow.secrets", "airflow.security", "airflow.serialization", "airflow.settings",
    "airflow.state", "airflow.stats", "airflow.ti_deps", "airflow.triggers.shared_stream",
    "airflow.typing_compat", "airflow.ui", "airflow.utils.cli", "airflow.utils.cli_action_loggers",
    "airflow.utils.code_utils", "airflow.utils.dag_cycle_tester", "airflow.utils.dag_edges",
    "airflow.utils.dag_version_inflation_checker", "airflow.utils.db", "airflow.utils.db_cleanup",
    "airflow.utils.db_manager", "airflow.utils.docs", "airflow.utils.dot_renderer",
    "airflow.utils.entry_points", "airflow.utils.event_scheduler", "airflow.utils.log",
    "airflow.utils.memray_utils", "airflow.utils.operator_resources",
    "airflow.utils.orm_event_handlers", "airflow.utils.providers_configuration_loader",
    "airflow.utils.retries", "airflow.utils.scheduler_health", "airflow.utils.serve_logs",
    "airflow.utils.span_status", "airflow.utils.sqlalchemy", "airflow.utils.thread_safe_dict",
)  # fmt: skip
"""Airflow's inside: servers, database, command line. Every module and name below these counts as
there; no DAG file needs them, and `refusals` has a sentence for each.
"""


FAMILIES = frozenset({"apache", "atlassian", "cncf", "common", "dbt", "microsoft"})
"""Packages of `airflow.providers` that hold providers and are none themselves."""

FAMILY_PACKAGES = frozenset(f"airflow.providers.{family}" for family in FAMILIES)

PACKAGES = frozenset(
    ".".join(module.split(".")[:length])
    for module in (
        *FAMILY_PACKAGES,
        *(*KNOWN, *ALIASES, *RENAMED, *OPEN),
    )
    for length in range(1, module.count(".") + 2)
)
"""Every module of Airflow's that can be imported, served or not, and every package above one."""


def is_open(module: str) -> bool:
    """Whether a module is of Airflow's inside, whose names are not listed one by one."""
    return f"{module}.".startswith(_OPEN)


def exists(module: str, name: str) -> bool:
    """Whether Airflow has this name in this module; for an older module, in the one it leads to."""
    home = ALIASES.get(module, module)
    if name in KNOWN.get(module, ()) or name in KNOWN.get(home, ()):
        return True
    return name in RENAMED.get(module, ()) or (is_open(home) and not name.startswith("__"))


_OPEN = tuple(f"{prefix}." for prefix in OPEN)
