"""Letting services in while nothing runs: what is printed is said to be what it is."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from penstock import cli
from penstock.events.server import Credentials
from penstock.home import Home

Capture = pytest.CaptureFixture[str]


def add(home: Path, capsys: Capture) -> tuple[dict[str, str], str]:
    assert cli.invoke(["access", "add", "shop", "--home", str(home), "--json"]) == 0
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def test_the_address_of_an_earlier_start_is_told_as_such(tmp_path: Path, capsys: Capture) -> None:
    home = Home(tmp_path).prepare()
    old = Credentials(url="nats://127.0.0.1:4222", coordinator="", worker="", admin="")
    home.credentials.write_bytes(msgspec.json.encode(old))
    found, said = add(tmp_path, capsys)
    assert found["url"] == "nats://127.0.0.1:4222"
    assert found["nkey_seed"].startswith("SU")
    assert "the address is the last start's" in said


def test_before_the_first_start_there_is_no_address(tmp_path: Path, capsys: Capture) -> None:
    found, said = add(Home(tmp_path).prepare().folder, capsys)
    assert (found["url"], said) == ("", "")
