"""Variables: settings that are kept outside of DAG files, read while a task runs.

An environment variable `PENSTOCK_VAR_<KEY>` or `AIRFLOW_VAR_<KEY>` goes before what is stored.
"""

from __future__ import annotations

import json
import os
from typing import Any

from penstock.authoring.backend import Backend
from penstock.authoring.exceptions import AirflowNotFoundException, AirflowRuntimeError
from penstock.authoring.vocabulary import NOTSET

PREFIXES = ("PENSTOCK_VAR_", "AIRFLOW_VAR_")


def lookup(key: str, backend: Backend | None) -> str | None:
    """Return a variable's text, None if it is set nowhere."""
    for prefix in PREFIXES:
        if (found := os.environ.get(prefix + key.upper())) is not None:
            return found
    if backend is None:
        raise AirflowRuntimeError(
            f"the variable {key!r} can only be read while a task runs: use "
            f"{{{{ var.value.{key} }}}} in a template or Variable.get inside the task, or set "
            f"{PREFIXES[0]}{key.upper()}."
        )
    return backend.variable(key)


class Variable:
    """A variable by its key. `Variable.get("region", default="eu")`."""

    @classmethod
    def get(
        cls,
        key: str,
        default: Any = NOTSET,
        deserialize_json: bool = False,
        default_var: Any = NOTSET,
    ) -> Any:
        """Return a variable, from JSON if so asked.

        Raises AirflowNotFoundException if it is set nowhere and there is no default,
        AirflowRuntimeError outside of a running task (unless the environment has it).
        """
        from penstock.authoring.context import current_backend

        fallback = default_var if default is NOTSET else default
        try:
            found = lookup(key, current_backend())
        except AirflowRuntimeError:
            if fallback is NOTSET:
                raise
            return fallback
        if found is None:
            if fallback is NOTSET:
                raise AirflowNotFoundException(f"there is no variable {key!r}.")
            return fallback
        return json.loads(found) if deserialize_json else found


class VariableAccessor:
    """`var.value` and `var.json` in templates: `var.value.region`, `var.json.get("limits", {})`."""

    def __init__(self, backend: Backend, *, from_json: bool) -> None:
        self._backend, self._from_json = backend, from_json

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        return self.get(key)

    def __getitem__(self, key: str) -> Any:
        return self.get(key)

    def get(self, key: str, default: Any = NOTSET) -> Any:
        found = lookup(key, self._backend)
        if found is None:
            if default is NOTSET:
                raise AirflowNotFoundException(f"there is no variable {key!r}.")
            return default
        return json.loads(found) if self._from_json else found
