"""Airflow's fixed words: trigger rules, weight rules, the names in a context.

Words only. What a trigger rule does is in `lifecycle`, what a schedule means in `timetables`.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, TypeGuard


class TriggerRule(str, Enum):  # noqa: UP042 - as in Airflow, for its repr
    """When a task may start, in terms of how its direct upstream tasks ended.

    `EmptyOperator(task_id="join", trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)`.
    """

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"
    ALL_DONE_SETUP_SUCCESS = "all_done_setup_success"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    NONE_SKIPPED = "none_skipped"
    ALL_SKIPPED = "all_skipped"
    ALWAYS = "always"

    def __str__(self) -> str:
        return self.value


class WeightRule(str, Enum):  # noqa: UP042
    """Whose weights a task's priority adds up: descendants', ancestors', or none but its own.

    `@task(priority_weight=10, weight_rule=WeightRule.ABSOLUTE)`.
    """

    DOWNSTREAM = "downstream"
    UPSTREAM = "upstream"
    ABSOLUTE = "absolute"

    def __str__(self) -> str:
        return self.value


CONTEXT_KEYS: Final = frozenset(
    [
        "asset_state_store",
        "conn",
        "dag",
        "dag_run",
        "data_interval_end",
        "data_interval_start",
        "ds",
        "ds_nodash",
        "exception",
        "expanded_ti_count",
        "inlet_events",
        "inlets",
        "logical_date",
        "macros",
        "map_index_template",
        "outlet_events",
        "outlets",
        "params",
        "partition_date",
        "partition_key",
        "prev_data_interval_end_success",
        "prev_data_interval_start_success",
        "prev_end_date_success",
        "prev_start_date_success",
        "reason",
        "run_id",
        "task",
        "task_instance",
        "task_instance_key_str",
        "task_reschedule_count",
        "task_state_store",
        "templates_dict",
        "test_mode",
        "ti",
        "triggering_asset_events",
        "try_number",
        "ts",
        "ts_nodash",
        "ts_nodash_with_tz",
        "var",
    ]
)
"""Names that a task's function may ask for as parameters, and gets from its context."""


class NotSet:
    """The type of NOTSET: no value was given, which is different from None."""

    def __repr__(self) -> str:
        return "NOTSET"

    def __bool__(self) -> bool:
        return False

    def __copy__(self) -> NotSet:
        return self

    def __deepcopy__(self, memo: Any) -> NotSet:
        return self

    def __reduce__(self) -> str:
        return "NOTSET"


NOTSET: Final = NotSet()


def is_set(value: Any) -> TypeGuard[Any]:
    """Whether a value was given at all."""
    return value is not NOTSET
