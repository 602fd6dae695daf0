"""What the shell sees: exit codes, one sentence on stderr, documents on stdout."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from penstock import cli
from penstock.cli import app, daemon
from penstock.cli.app import VERBS
from penstock.errors import PenstockError, UsageError


def test_help_lists_every_verb_and_imports_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"  {verb} " in said for verb in VERBS)


def test_help_is_fast_because_it_imports_little() -> None:
    """A time would hang on the machine; what is imported does not."""
    script = "import sys; from penstock.cli import invoke; invoke(['--help']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    heavy = {"asyncio", "nats", "rich", "msgspec", "sqlite3", "pendulum", "jinja2", "jsonschema"}
    assert not loaded & heavy


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_helps(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: penstock {verb}")


def test_an_unknown_verb_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["trigerr"]) == 2
    assert "Did you mean `trigger`?" in capsys.readouterr().err
    assert cli.invoke(["frobnicate"]) == 2
    assert cli.invoke(["version", "--wrong"]) == 2
    assert cli.invoke([]) == 2


def test_version_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["penstock"]
    assert cli.invoke(["--version"]) == 0
    assert capsys.readouterr().out.startswith("penstock ")


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (PenstockError("The lake is empty."), 1, "penstock: The lake is empty.\n"),
        (UsageError("That is no lake."), 2, "penstock: That is no lake.\n"),
        (
            ZeroDivisionError("oops"),
            1,
            "penstock: a bug of Penstock's own: ZeroDivisionError: oops",
        ),
        (KeyboardInterrupt(), 130, "penstock: interrupted\n"),
    ],
)
def test_an_error_is_one_sentence_and_a_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    sentence: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(app.penstock, "main", fail)
    monkeypatch.delenv("PENSTOCK_DEBUG", raising=False)
    assert cli.invoke(["version"]) == code
    said = capsys.readouterr()
    assert said.err.startswith(sentence)
    assert "Traceback" not in said.err
    assert said.out == ""


def test_debug_shows_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PenstockError("The lake is empty.")

    monkeypatch.setattr(app.penstock, "main", fail)
    monkeypatch.setenv("PENSTOCK_DEBUG", "1")
    assert cli.invoke(["version"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_broken_pipe_is_quiet() -> None:
    script = "from penstock.cli import main; main(['--help'])"
    writer = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writer.stdout is not None
    writer.stdout.close()
    _, said = writer.communicate(timeout=30)
    assert said == b""


def test_without_a_daemon_it_says_how_to_start_one(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in (["trigger", "x"], ["pool", "list"], ["explain", "x"], ["runs", "list"]):
        assert cli.invoke([*verb, "--home", str(tmp_path)]) == 1
        assert "Start one: penstock up --home" in capsys.readouterr().err


def test_status_of_nothing_is_a_document_and_a_failure(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.invoke(["status", "--home", str(tmp_path), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["processes"] == []
    assert found["running"] is False


def test_a_key_comes_from_the_environment_or_a_file(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    monkeypatch.delenv("PENSTOCK_NKEY_SEED", raising=False)
    file = Path(str(tmp_path)) / "key"
    file.write_text("SUBARE\n")
    assert daemon.seed_of(str(file), "admin") == "SUBARE"
    file.write_text('{"url": "nats://x", "nkey_seed": "SUADDED"}')
    assert daemon.seed_of(str(file), "admin") == "SUADDED"
    file.write_text('{"url": "nats://x", "admin": "SUADMIN", "worker": "SUWORKER"}')
    assert daemon.seed_of(str(file), "worker") == "SUWORKER"
    with pytest.raises(UsageError, match="has no key for a coordinator"):
        daemon.seed_of(str(file), "coordinator")
    with pytest.raises(UsageError, match="cannot be read"):
        daemon.seed_of("/nowhere", "admin")
    monkeypatch.setenv("PENSTOCK_NKEY_SEED", "SUENV")
    assert daemon.seed_of(str(file), "admin") == "SUENV"


def test_nobody_at_an_address_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["status", "--nats", "nats://127.0.0.1:1", "--json"]) == 1
    assert "No Penstock can be reached" in json.loads(capsys.readouterr().out)["problem"]
