"""Files as Airflow exports them: read and written; what is wrong is told without secrets."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from penstock.cli import exchange
from penstock.errors import UsageError

CONNECTIONS = {
    "lake": {
        "conn_type": "postgres",
        "description": None,
        "login": "ada",
        "password": "pa/ss=w0rd",
        "host": "db.example",
        "port": 5432,
        "schema": "lake",
        "extra": '{"sslmode": "require"}',
    },
    "bare": {"conn_type": "aws"},
}


def file_with(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_variables_are_read_as_airflow_writes_them(tmp_path: Path) -> None:
    said = {
        "text": "abc",
        "number": 3,
        "object": {"n": [1, 2]},
        "nothing": None,
        "told": {"value": "x", "description": "why"},
        "whole": {"value": {"value": 1}, "description": None},
    }
    file = file_with(tmp_path, "v.json", json.dumps(said))
    found = exchange.read_variables(file)
    assert found["text"] == {"value": "abc", "description": None}
    assert found["number"]["value"] == "3"
    assert json.loads(found["object"]["value"]) == {"n": [1, 2]}
    assert found["nothing"]["value"] == "null"
    assert found["told"] == {"value": "x", "description": "why"}
    assert json.loads(found["whole"]["value"]) == {"value": 1}


@pytest.mark.parametrize("kind", ["json", "yaml"])
def test_exported_variables_are_read_again(tmp_path: Path, kind: str) -> None:
    kept = {
        "text": {"value": "ein Täxt: #1"},
        "quoted": {"value": '"quoted"'},
        "number": {"value": "3"},
        "object": {"value": '{\n  "n": [\n    1\n  ]\n}'},
        "value": {"value": '{\n  "value": 1\n}', "description": "d"},
    }
    file = file_with(tmp_path, f"v.{kind}", exchange.variables_text(kept, kind))
    found = exchange.read_variables(file)
    assert {key: one["value"] for key, one in found.items()} == {
        key: one["value"] for key, one in kept.items()
    }
    assert found["value"]["description"] == "d"


@pytest.mark.parametrize("kind", ["json", "yaml", "env"])
def test_exported_connections_are_read_again(tmp_path: Path, kind: str) -> None:
    file = file_with(tmp_path, f"c.{kind}", exchange.connections_text(CONNECTIONS, kind))
    found = exchange.read_connections(file)
    for conn_id, fields in CONNECTIONS.items():
        wanted = {name: value for name, value in fields.items() if value is not None}
        assert {k: v for k, v in found[conn_id].items() if v != ""} == wanted


def test_connections_in_env_may_be_json_and_comments_are_left_out(tmp_path: Path) -> None:
    text = exchange.connections_text(CONNECTIONS, "env", as_json=True)
    file = file_with(tmp_path, "c.env", f"# ours\n\n{text}")
    assert exchange.read_connections(file)["lake"]["password"] == "pa/ss=w0rd"


def test_connections_may_be_uris_and_extra_an_object(tmp_path: Path) -> None:
    text = "a: http://u:p@h:80/s\nb: [aws://]\nc: {conn_type: x, extra: {n: 1}, port: '80'}\n"
    found = exchange.read_connections(file_with(tmp_path, "c.yaml", text))
    assert found["a"]["port"] == 80
    assert found["b"]["conn_type"] == "aws"
    assert found["c"] == {"conn_type": "x", "extra": '{"n": 1}', "port": 80}


def test_pools_are_read(tmp_path: Path) -> None:
    text = '{"gpu": {"slots": 2, "description": "", "include_deferred": false}}'
    assert exchange.read_pools(file_with(tmp_path, "p.json", text)) == {"gpu": 2}
    with pytest.raises(UsageError, match="pool 'gpu' has to have `slots`"):
        exchange.read_pools(file_with(tmp_path, "p.json", '{"gpu": 2}'))


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("c.json", '{"a": "hunter2"\n', r"c.json:2: this is no JSON"),
        ("c.json", "[" * 100_000, "nested too deeply"),
        ("c.json", "[]", "has to be one object"),
        ("c.yaml", "a: hunter2\n b: c\n", r"c.yaml:2: this is no YAML"),
        ("c.yaml", "", "has to be one object"),
        ("c.yaml", "1: 2", "has to be one object"),
        ("c.yaml", "a: !!python/object/apply:os.system [hunter2]", "this is no YAML"),
        ("c.env", "a hunter2", r"c.env:1: write this line as NAME=VALUE"),
        ("c.env", "a=aws://hunter2\na=b", r"c.env:2: 'a' is there twice"),
        ("c.env", "a=hunter2", "connection 'a': this is no URI"),
        ("c.json", '{"a": 1}', "connection 'a': it has to be a URI, or an object"),
        ("c.toml", "a = 1", "a file to import ends in .json, .yaml, .yml, .env"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, sentence: str
) -> None:
    file = file_with(tmp_path, name, text)
    with pytest.raises(UsageError, match=sentence) as caught:
        exchange.read_connections(file)
    assert file in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        exchange.read(str(tmp_path / "absent.json"))
    (tmp_path / "b.json").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no text in UTF-8"):
        exchange.read(str(tmp_path / "b.json"))


def test_an_export_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "there.json"
    file.write_text("earlier")
    file.chmod(0o644)
    exchange.write(str(file), "{}")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == "{}"


def test_what_is_no_line_is_not_exported_as_one() -> None:
    with pytest.raises(UsageError, match="'a' cannot be a line"):
        exchange.variables_text({"a": {"value": "two\nlines"}}, "env")
