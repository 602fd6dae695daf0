"""What is not here yet, or deliberately otherwise: the file, and why its run differs.

The test holds this table exactly: a file that is in it has to differ, one that is not must not.
"""

ASSETS = "assets are not built yet"
HITL = "tasks that wait for a person are not built yet"
MAPPED_GROUPS = "a task group cannot be mapped yet"

KNOWN: dict[str, str] = {
    "asset_alias": ASSETS,
    "asset_all_and_any": ASSETS,
    "asset_function": ASSETS,
    "asset_of_a_failed_task": ASSETS,
    "asset_schedule": ASSETS,
    "fail_fast": (
        "a run that fail_fast ended has failed; in Airflow its leaves are skipped, so it succeeds"
    ),
    "hitl_approval_default": HITL,
    "hitl_default": HITL,
    "hitl_without_a_default": HITL,
    "map_task_group": MAPPED_GROUPS,
    "map_task_group_over_results": MAPPED_GROUPS,
    "operator_of_ones_own": (
        "post_execute of a class is given the result, as documented; Airflow 3.3.2 calls it without"
    ),
    "templates_run_type": "dag_run.run_type is a plain text here, no member of DagRunType",
    "xcom_of_an_earlier_run": "xcom_pull(include_prior_dates=True) is not built yet",
    "xcom_pull_default": (
        "the default of xcom_pull is for everything that is missing, as documented; Airflow 3.3.2 "
        "forgets it where no map index is asked for"
    ),
}
