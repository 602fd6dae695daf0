"""Variables: settings that are kept outside of DAG files, read and set while a task runs.

An environment variable `PENSTOCK_VAR_<KEY>` or `AIRFLOW_VAR_<KEY>` goes before what is stored. The
value of one whose key is a secret's (`db_password`) is masked from then on in what the task prints.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from typing import Any

from penstock.authoring.backend import Backend
from penstock.authoring.exceptions import AirflowNotFoundException, AirflowRuntimeError
from penstock.authoring.masking import mask_secret
from penstock.authoring.vocabulary import NOTSET

PREFIXES = ("PENSTOCK_VAR_", "AIRFLOW_VAR_")


class VariableNotFoundError(AirflowNotFoundException, AirflowRuntimeError, KeyError):
    """A variable is set nowhere. A KeyError as well, as it was in Airflow 2."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"there is no variable {key!r}. Set it (penstock variables set), name it in the "
            f"environment as {PREFIXES[0]}{key.upper()}, or give a default."
        )

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError shows its argument's repr


def lookup(key: str, backend: Backend | None) -> str | None:
    """Return a variable's text, None if it is set nowhere."""
    found = from_environment(PREFIXES, key)
    if found is None:
        if backend is None:
            raise AirflowRuntimeError(
                f"the variable {key!r} can only be read while a task runs: use "
                f"{{{{ var.value.{key} }}}} in a template or Variable.get inside the task, or set "
                f"{PREFIXES[0]}{key.upper()}."
            )
        found = backend.variable(key)
    if found is not None:
        mask(key, found)
    return found


def from_environment(prefixes: Sequence[str], name: str) -> str | None:
    """Return what the environment has under a prefix and the name in capitals."""
    for prefix in prefixes:
        if (found := os.environ.get(prefix + name.upper())) is not None:
            return found
    return None


def parsed(key: str, text: str) -> Any:
    """Return a variable's JSON as a value. Raises json.JSONDecodeError if it is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        said = f"the variable {key!r} is no JSON: {error.msg}"
        raise json.JSONDecodeError(said, text, error.pos) from None


def mask(key: str, text: str) -> None:
    """Mask a variable's text if its key is a secret's, and what is secret by the names in it."""
    mask_secret(text, key or None)
    if text[:1] in "{[":
        with contextlib.suppress(ValueError, RecursionError):
            mask_secret(json.loads(text), key or None)


class Variable:
    """A variable by its key. `Variable.get("region", default="eu")`."""

    def __init__(self, key: str, value: Any = None, description: str | None = None) -> None:
        self.key, self.value, self.description = key, value, description

    def __repr__(self) -> str:
        return f"Variable({self.key!r})"

    @classmethod
    def get(
        cls,
        key: str,
        default: Any = NOTSET,
        deserialize_json: bool = False,
        default_var: Any = NOTSET,
    ) -> Any:
        """Return a variable, from JSON if so asked.

        Raises VariableNotFoundError (an AirflowRuntimeError, and a KeyError) if it is set nowhere
        and there is no default, AirflowRuntimeError outside of a running task (unless the
        environment has it).
        """
        from penstock.authoring.context import current_backend

        fallback = default_var if default is NOTSET else default
        try:
            found = lookup(key, current_backend())
        except AirflowRuntimeError:
            if fallback is NOTSET:
                raise
            found = None
        if found is None:
            if fallback is NOTSET:
                raise VariableNotFoundError(key)
            if fallback:
                mask_secret(fallback, key)
            return fallback
        return parsed(key, found) if deserialize_json else found

    @classmethod
    def set(
        cls,
        key: str,
        value: Any,
        description: str | None = None,
        serialize_json: bool = False,
    ) -> None:
        """Set a variable; returns when it is stored. value: a text, or JSON if so asked.

        Raises AirflowRuntimeError outside of a running task.
        """
        text = json.dumps(value, indent=2) if serialize_json else str(value)
        mask(key, text)
        _backend_for(key, "set").change_variable(key, text, description)

    @classmethod
    def update(cls, key: str, value: Any, serialize_json: bool = False) -> None:
        """Set a variable that is there already. Raises VariableNotFoundError if it is not."""
        if _backend_for(key, "set").variable(key) is None:
            raise VariableNotFoundError(key)
        cls.set(key, value, serialize_json=serialize_json)

    @classmethod
    def setdefault(
        cls,
        key: str,
        default: Any,
        description: str | None = None,
        deserialize_json: bool = False,
    ) -> Any:
        """Return a variable; if it is not set, set it to `default` and return that."""
        found = cls.get(key, default=None, deserialize_json=deserialize_json)
        if found is None:
            cls.set(key, default, description, serialize_json=deserialize_json)
            return default
        return found

    @classmethod
    def delete(cls, key: str) -> None:
        """Delete a variable; one that is not there is no error."""
        _backend_for(key, "deleted").change_variable(key, None, None)

    @classmethod
    def keys(cls, prefix: str | None = None) -> Sequence[str]:
        """Return the keys of the stored variables, those that begin with `prefix`."""
        return _backend_for("*", "listed").variable_keys(prefix or "")


def _backend_for(key: str, what: str) -> Backend:
    from penstock.authoring.context import current_backend

    backend = current_backend()
    if backend is None:
        raise AirflowRuntimeError(
            f"the variable {key!r} can only be {what} while a task runs. At the top level of a DAG "
            "file nothing is stored; on the command line: penstock variables"
        )
    return backend


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
                raise VariableNotFoundError(key)
            return default
        return parsed(key, found) if self._from_json else found
