"""Penstock: an event-driven orchestrator for machine-learning workflows.

The public face: `from penstock import DAG, task, ...`. Names are imported when they are asked for,
so that `import penstock` alone costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # checkers know the name; importing it from typing costs 4 ms
if TYPE_CHECKING:
    from typing import Any

    from penstock.authoring.connections import Connection
    from penstock.authoring.context import Context, get_current_context
    from penstock.authoring.dag import DAG, dag, get_parsing_context
    from penstock.authoring.decorators import setup, task, teardown
    from penstock.authoring.edges import Label, chain, chain_linear, cross_downstream
    from penstock.authoring.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowSkipException,
    )
    from penstock.authoring.group import TaskGroup, task_group
    from penstock.authoring.hooks import BaseHook
    from penstock.authoring.masking import mask_secret
    from penstock.authoring.operator import BaseOperator
    from penstock.authoring.params import Param
    from penstock.authoring.sensor import BaseSensorOperator, PokeReturnValue
    from penstock.authoring.variables import Variable
    from penstock.authoring.vocabulary import TriggerRule, WeightRule
    from penstock.authoring.xcom_arg import XComArg, literal
    from penstock.errors import PenstockError
    from penstock.steps.bash import BashOperator
    from penstock.steps.branch import BaseBranchOperator, SkipMixin
    from penstock.steps.empty import EmptyOperator
    from penstock.steps.latest_only import LatestOnlyOperator
    from penstock.steps.other_python import (
        BranchExternalPythonOperator,
        BranchPythonVirtualenvOperator,
        ExternalPythonOperator,
        PythonVirtualenvOperator,
    )
    from penstock.steps.python import BranchPythonOperator, PythonOperator, ShortCircuitOperator
    from penstock.steps.smooth import SmoothOperator
    from penstock.steps.times import BranchDateTimeOperator, BranchDayOfWeekOperator

_HOMES = {
    "penstock.authoring.connections": ("Connection",),
    "penstock.authoring.context": ("Context", "get_current_context"),
    "penstock.authoring.dag": ("DAG", "dag", "get_parsing_context"),
    "penstock.authoring.decorators": ("setup", "task", "teardown"),
    "penstock.authoring.edges": ("Label", "chain", "chain_linear", "cross_downstream"),
    "penstock.authoring.exceptions": (
        "AirflowException",
        "AirflowFailException",
        "AirflowSkipException",
    ),
    "penstock.authoring.group": ("TaskGroup", "task_group"),
    "penstock.authoring.hooks": ("BaseHook",),
    "penstock.authoring.masking": ("mask_secret",),
    "penstock.authoring.operator": ("BaseOperator",),
    "penstock.authoring.params": ("Param",),
    "penstock.authoring.sensor": ("BaseSensorOperator", "PokeReturnValue"),
    "penstock.authoring.variables": ("Variable",),
    "penstock.authoring.vocabulary": ("TriggerRule", "WeightRule"),
    "penstock.authoring.xcom_arg": ("XComArg", "literal"),
    "penstock.errors": ("PenstockError",),
    "penstock.steps.bash": ("BashOperator",),
    "penstock.steps.branch": ("BaseBranchOperator", "SkipMixin"),
    "penstock.steps.empty": ("EmptyOperator",),
    "penstock.steps.latest_only": ("LatestOnlyOperator",),
    "penstock.steps.other_python": (
        "BranchExternalPythonOperator",
        "BranchPythonVirtualenvOperator",
        "ExternalPythonOperator",
        "PythonVirtualenvOperator",
    ),
    "penstock.steps.python": ("BranchPythonOperator", "PythonOperator", "ShortCircuitOperator"),
    "penstock.steps.smooth": ("SmoothOperator",),
    "penstock.steps.times": ("BranchDateTimeOperator", "BranchDayOfWeekOperator"),
}
_WHERE = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "DAG",
    "AirflowException",
    "AirflowFailException",
    "AirflowSkipException",
    "BaseBranchOperator",
    "BaseHook",
    "BaseOperator",
    "BaseSensorOperator",
    "BashOperator",
    "BranchDateTimeOperator",
    "BranchDayOfWeekOperator",
    "BranchExternalPythonOperator",
    "BranchPythonOperator",
    "BranchPythonVirtualenvOperator",
    "Connection",
    "Context",
    "EmptyOperator",
    "ExternalPythonOperator",
    "Label",
    "LatestOnlyOperator",
    "Param",
    "PenstockError",
    "PokeReturnValue",
    "PythonOperator",
    "PythonVirtualenvOperator",
    "ShortCircuitOperator",
    "SkipMixin",
    "SmoothOperator",
    "TaskGroup",
    "TriggerRule",
    "Variable",
    "WeightRule",
    "XComArg",
    "chain",
    "chain_linear",
    "cross_downstream",
    "dag",
    "get_current_context",
    "get_parsing_context",
    "literal",
    "mask_secret",
    "setup",
    "task",
    "task_group",
    "teardown",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("penstock")
    if name not in _WHERE:
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_WHERE[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
