"""What a context gives: to functions by their parameters, to processes as environment variables."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, MutableMapping
from typing import Any

from penstock.authoring.calls import call_arguments
from penstock.authoring.context import environment_variables


def determine_kwargs(
    func: Callable[..., Any], args: Collection[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return those of `kwargs` that a function takes; all, if it has `**kwargs`.

    ValueError if one of `args` falls on a parameter that `kwargs` has, too.
    """
    return call_arguments(func, list(args), {}, kwargs)[1]


class KeywordParameters:
    """The arguments by name that a function takes: `determine(...).unpacking()`."""

    def __init__(self, kwargs: Mapping[str, Any]) -> None:
        self._kwargs = kwargs

    @classmethod
    def determine(
        cls, func: Callable[..., Any], args: Collection[Any], kwargs: Mapping[str, Any]
    ) -> KeywordParameters:
        return cls(determine_kwargs(func, args, kwargs))

    def unpacking(self) -> Mapping[str, Any]:
        return self._kwargs


def make_kwargs_callable(func: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes any arguments by name, and gives `func` those that it takes."""

    @functools.wraps(func)
    def called(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **determine_kwargs(func, args, kwargs))

    return called


def apply_defaults(func: Callable[..., Any]) -> Callable[..., Any]:
    """Return a constructor as it is: default_args reach every operator without it."""
    return func


def context_merge(
    context: MutableMapping[str, Any], additions: Mapping[str, Any] | None = None, **kwargs: Any
) -> None:
    """Add entries to a context, in place."""
    context.update(additions or {}, **kwargs)


def context_copy_partial(source: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """Return the entries of a context that have these keys."""
    return {key: source[key] for key in keys if key in source}


_PLACES = ("dag_id", "task_id", "logical_date", "try_number", "dag_run_id", "dag_owner")

AIRFLOW_VAR_NAME_FORMAT_MAPPING = {
    f"AIRFLOW_CONTEXT_{name.upper()}": {
        "default": f"airflow.ctx.{name}",
        "env_var_format": f"AIRFLOW_CTX_{name.upper()}",
    }
    for name in (*_PLACES, "dag_email", "team_name")
}
"""How the variables of `context_to_airflow_vars` are called, in its two ways."""


def context_to_airflow_vars(
    context: Mapping[str, Any], in_env_var_format: bool = False
) -> dict[str, str]:
    """Return where a task is, as `airflow.ctx.dag_id` and its kin, or as AIRFLOW_CTX_DAG_ID ..."""
    said = environment_variables(dict(context))
    names = ((name, f"AIRFLOW_CTX_{name.upper()}") for name in _PLACES)
    return {
        variable if in_env_var_format else f"airflow.ctx.{name}": said[variable]
        for name, variable in names
        if said.get(variable)
    }
