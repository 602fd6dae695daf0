"""Params: a run's settings, with defaults and a JSON Schema each.

What a task sees as `params` is the DAG's, under the task's own, under the run's conf.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from penstock.authoring.exceptions import ParamValidationError
from penstock.authoring.vocabulary import NOTSET


class Param:
    """One setting. default: its value unless a run says otherwise; without one it must be given.

    description: for people. Everything else is its JSON Schema (`type`, `minimum`, `enum`,
    `format`, ...) and what forms make of it (`title`, `section`, `examples`, `values_display`,
    `description_md`), or `schema` is. source: `dag` or `task`, for `filter_params_by_source`.

    `Param(3, type="integer", minimum=1, description="How deep the trees may be.")`.
    """

    def __init__(
        self,
        default: Any = NOTSET,
        description: str | None = None,
        source: str | None = None,
        **schema: Any,
    ) -> None:
        if default is not NOTSET:
            _check_json(default)
        self.source = source
        self.value = default
        self.description = description
        self.schema: dict[str, Any] = schema.pop("schema") if "schema" in schema else schema

    @property
    def has_value(self) -> bool:
        return self.value is not NOTSET and self.value is not None

    def resolve(self, value: Any = NOTSET, suppress_exception: bool = False) -> Any:
        """Return `value`, or the default. Raises ParamValidationError if the schema refuses it.

        suppress_exception: return None instead.
        """
        if suppress_exception:
            try:
                return self.resolve(value)
            except ParamValidationError:
                return None
        final = self.value if value is NOTSET else value
        if final is NOTSET:
            raise ParamValidationError("no value was given, and there is no default")
        if value is not NOTSET:
            _check_json(value)
        if self.schema:
            _check_schema(final, self.schema)
        return final

    def serialize(self) -> dict[str, Any]:
        """Return all of it as plain data, by Airflow's names."""
        value = None if self.value is NOTSET else self.value
        named = {"value": value, "description": self.description}
        return {**named, "schema": self.schema, "source": self.source}

    def dump(self) -> dict[str, Any]:
        """Return {"value": ..., "schema": ..., "description": ...} for the serialized DAG."""
        said: dict[str, Any] = {"schema": self.schema}
        if self.value is not NOTSET:
            said["value"] = self.value
        if self.description is not None:
            said["description"] = self.description
        return said

    def __repr__(self) -> str:
        return f"Param({self.value!r})"


class ParamsDict(MutableMapping[str, Any]):
    """Params by name. Reading one gives its value, checked; `get_param` gives the Param."""

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        self._params: dict[str, Param] = {}
        for name, value in _declared(params).items():
            self._params[name] = value if isinstance(value, Param) else Param(value)

    def __getitem__(self, name: str) -> Any:
        param = self._params[name]
        try:
            return param.resolve()
        except ParamValidationError as error:
            raise ParamValidationError(f"Invalid input for param {name}: {error}") from None

    def __setitem__(self, name: str, value: Any) -> None:
        if isinstance(value, Param) or name not in self._params:
            self._params[name] = value if isinstance(value, Param) else Param(value)
            return
        param = self._params[name]
        try:
            fresh = Param(
                param.resolve(value), param.description, param.source, schema=param.schema
            )
        except ParamValidationError as error:
            raise ParamValidationError(f"Invalid input for param {name}: {error}") from None
        self._params[name] = fresh

    def __delitem__(self, name: str) -> None:
        del self._params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def get_param(self, name: str) -> Param:
        return self._params[name]

    def filter_params_by_source(self, source: str) -> ParamsDict:
        """Return the params that were said by `dag` or by `task`."""
        return ParamsDict({name: it for name, it in self._params.items() if it.source == source})

    def declared(self) -> dict[str, Param]:
        """Return the Params themselves, by name."""
        return dict(self._params)

    def validate(self) -> dict[str, Any]:
        """Return every value. Raises ParamValidationError, naming the param that is wrong."""
        return {name: self[name] for name in self._params}

    def dump(self) -> dict[str, Any]:
        return {name: param.value for name, param in self._params.items() if param.has_value}

    def __repr__(self) -> str:
        return f"ParamsDict({self.dump()!r})"


def merged(
    dag: Mapping[str, Any], task: Mapping[str, Any] | None, conf: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a task sees as `params`: conf over the task's over the DAG's.

    The DAG's were checked with the conf when the run was accepted, so that is not done again in
    every child (jsonschema alone takes 90 ms to import): only where the task has params of its own.
    """
    params = ParamsDict(dag)
    if not task:
        given = {name: param.value for name, param in params.declared().items()} | dict(conf)
        return given if NOTSET not in given.values() else params.validate()
    for more in (task, conf):
        for name, value in _declared(more).items():
            params[name] = value
    return params.validate()


def _declared(params: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return params.declared() if isinstance(params, ParamsDict) else params or {}


def _check_json(value: Any) -> None:
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise ParamValidationError(f"a param must be JSON, and {value!r} is not: {error}") from None


def _check_schema(value: Any, schema: dict[str, Any]) -> None:
    try:
        _check_text(json.dumps(value), json.dumps(schema))
    except ParamValidationError:
        raise
    except (TypeError, ValueError) as error:
        raise ParamValidationError(f"a param must be JSON, and {value!r} is not: {error}") from None


@cache
def _formats() -> Any:
    """Return the checks of `format`: jsonschema's own has none of date-time."""
    import jsonschema

    formats = jsonschema.FormatChecker()

    @formats.checks("date-time", raises=ValueError)
    def is_moment(value: Any) -> bool:
        is_text = isinstance(value, str)
        return not is_text or datetime.fromisoformat(value.upper()).tzinfo is not None

    return formats


@lru_cache(maxsize=1024)
def _check_text(value_text: str, schema_text: str) -> None:
    """Check a value once: every attempt of a run sees the same ones, and a check takes 0.3 ms."""
    import jsonschema  # late: 40 ms, and most params have no schema

    value, schema = json.loads(value_text), json.loads(schema_text)
    try:
        jsonschema.validate(value, schema, format_checker=_formats())
    except jsonschema.ValidationError as error:
        where = "".join(f"[{step!r}]" for step in error.path)
        raise ParamValidationError(f"{error.message}{' at ' + where if where else ''}") from None
    except jsonschema.SchemaError as error:
        raise ParamValidationError(f"its schema is no JSON Schema: {error.message}") from None
