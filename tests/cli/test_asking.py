"""Conf, params and dates, as they are written on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.cli.asking import read_conf, read_logical_date
from penstock.cli.times import format_moment, parse_moment, seconds_between, span
from penstock.errors import UsageError


def test_params_are_json_where_they_parse_and_text_elsewhere() -> None:
    params = ["n=3", "rate=0.5", "name=ada", "on=true", "list=[1, 2]", "text=a=b", "empty="]
    assert read_conf(None, params) == {
        "n": 3,
        "rate": 0.5,
        "name": "ada",
        "on": True,
        "list": [1, 2],
        "text": "a=b",
        "empty": "",
    }


def test_a_param_wins_over_conf(tmp_path: Path) -> None:
    file = tmp_path / "conf.json"
    file.write_text('{"a": 1, "b": 2}')
    assert read_conf(f"@{file}", ["b=3"]) == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("conf", "sentence"),
    [
        ("{not json", "is no JSON"),
        ("[1, 2]", "has to be a JSON object"),
        ("3", "has to be a JSON object"),
        ('{"a": NaN}', "NaN is no JSON"),
        ("@/nowhere/conf.json", "cannot be read"),
    ],
)
def test_conf_that_is_no_object_is_wrong_use(conf: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_conf(conf, [])


@pytest.mark.parametrize("param", ["novalue", "=3", ""])
def test_a_param_has_a_key_and_a_value(param: str) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        read_conf(None, [param])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:01", 1_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("2024-02-29T12:30:00.000001Z", 1_709_209_800_000_001),
    ],
)
def test_dates_without_a_zone_are_utc(text: str, moment: int) -> None:
    assert parse_moment(text) == moment


def test_a_moment_is_written_with_microseconds() -> None:
    assert format_moment(1_709_209_800_000_001) == "2024-02-29T12:30:00.000001Z"
    assert format_moment(None) is None


def test_a_logical_date_may_be_none_or_left_out() -> None:
    assert read_logical_date("none", default=7) is None
    assert read_logical_date(None, default=7) == 7
    assert read_logical_date("1970-01-01", default=7) == 0
    with pytest.raises(UsageError, match="is no date"):
        read_logical_date("tomorrow", default=7)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.0123, "12 ms"),
        (3.44, "3.4 s"),
        (65, "1 min 5 s"),
        (3725, "1 h 2 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_spans_are_said_as_people_say_them(seconds: float | None, text: str) -> None:
    assert span(seconds) == text


def test_seconds_between_needs_both() -> None:
    assert seconds_between("2024-01-01T00:00:00.5Z", "2024-01-01T00:00:02Z") == 1.5
    assert seconds_between(None, "2024-01-01T00:00:02Z") is None
