"""The state folder says at the start why it cannot be used."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from penstock import cli
from penstock import home as home_module
from penstock.home import Home, HomeError, default_home


def test_a_new_folder_is_made_and_says_its_version(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "b").prepare()
    assert home.version.read_text() == "1\n"
    assert home.blobs.is_dir()
    assert home.logs.is_dir()


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    before = sorted(os.listdir(tmp_path))
    home.prepare()
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize(("version", "who"), [("2", "a newer"), ("0", "another"), ("x", "another")])
def test_a_folder_of_another_version_is_refused(tmp_path: Path, version: str, who: str) -> None:
    (tmp_path / "version").write_text(version)
    with pytest.raises(HomeError, match=f"made by {who} version"):
        Home(tmp_path).prepare()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="is not a folder"):
        Home(tmp_path / "file").prepare()
    with pytest.raises(HomeError, match="is not a folder"):
        Home(tmp_path / "file" / "below").prepare()


def test_too_little_room_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match=r"is full: \d+ MiB are free"):
        Home(tmp_path).prepare(reserve=1 << 60)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.EROFS, "is on a read-only disk"),
        (errno.EACCES, "may not be written"),
        (errno.ENOSPC, "is on a full disk"),
        (errno.EIO, "cannot be used: Input/output error"),
    ],
)
def test_what_the_system_refuses_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path))

    monkeypatch.setattr(home_module.tempfile, "TemporaryFile", refuse)
    with pytest.raises(HomeError, match=sentence):
        Home(tmp_path).prepare()


def test_the_default_is_named_or_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_HOME", "/named")
    assert default_home() == Path("/named")
    monkeypatch.delenv("PENSTOCK_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_home() == Path("/state/penstock")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert default_home() == Path.home() / ".local/state/penstock"


def test_a_home_that_is_a_file_is_what_the_doctor_finds_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "file"
    home.touch()
    assert cli.invoke(["doctor", "--home", str(home), "--json"]) == 1
    wrong = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["todo"]]
    assert {"what": "state folder", "state": "wrong"}.items() <= wrong[0].items()
    assert cli.invoke(["runs", "list", "--home", str(home)]) == 1
    assert "No Penstock runs in" in capsys.readouterr().err
