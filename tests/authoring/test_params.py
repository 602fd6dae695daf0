"""Param: a setting with a JSON Schema, and every option that it has."""

from __future__ import annotations

from typing import Any

import pytest

from penstock import Param
from penstock.authoring.exceptions import ParamValidationError
from penstock.authoring.params import ParamsDict


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer", "minimum": 1}, 1, 0),
        ({"type": ["null", "string"], "minLength": 2}, None, "a"),
        ({"enum": ["a", "b"]}, "b", "c"),
        ({"const": 5}, 5, 6),
        ({"type": "string", "pattern": "^[a-z]+$"}, "abc", "a1"),
        ({"type": "string", "format": "date"}, "2025-01-31", "2025-02-31"),
        ({"type": "string", "format": "time"}, "12:13:14", "25:00:00"),
        ({"type": "string", "format": "date-time"}, "2025-01-31T10:00:00+01:00", "2025-01-31"),
        ({"type": "string", "format": "date-time"}, "2025-01-31T10:00:00z", "yesterday"),
        ({"type": "string", "format": "multiline", "title": "T", "section": "S"}, "x", 1),
        ({"type": "array", "items": {"type": "number"}}, [1, 2.5], ["x"]),
        ({"type": "object", "required": ["a"]}, {"a": 1}, {}),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, True, "yes"),
    ],
)
def test_schemas(schema: dict[str, Any], good: Any, bad: Any) -> None:
    for param in (Param(good, **schema), Param(good, schema=schema)):
        assert param.resolve() == good
        with pytest.raises(ParamValidationError):
            param.resolve(bad)
        assert param.resolve(bad, suppress_exception=True) is None


def test_what_is_not_for_the_schema() -> None:
    param = Param(3, "how many", "task", type="integer")
    assert (param.description, param.source, param.schema) == (
        "how many",
        "task",
        {"type": "integer"},
    )
    assert param.serialize() == {
        "value": 3,
        "description": "how many",
        "schema": {"type": "integer"},
        "source": "task",
    }


def test_a_param_without_a_value() -> None:
    assert not Param().has_value
    with pytest.raises(ParamValidationError, match="no value was given"):
        Param(type="string").resolve()
    assert Param().serialize()["value"] is None


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ParamValidationError, match="must be JSON"):
        Param(object())


def test_params_can_be_told_apart_by_where_they_were_said() -> None:
    params = ParamsDict({"a": Param(1, source="dag"), "b": Param(2, source="task"), "c": 3})
    assert dict(params.filter_params_by_source("task")) == {"b": 2}
    params["b"] = 4
    assert dict(params.filter_params_by_source("task")) == {"b": 4}
