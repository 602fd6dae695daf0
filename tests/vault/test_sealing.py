"""Sealed texts: opened by any of the keys, by nobody without one, and never plain on disk."""

from __future__ import annotations

import sqlite3
import stat
from base64 import b64decode, b64encode
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.coordinator.keeping import variable_get
from penstock.store.database import Database
from penstock.store.reading import Reading
from penstock.store.schema import APPLICATION, migrations
from penstock.store.vault import PREFIX, SecretKeyError, Vault, is_sealed, new_key

KEY = new_key()


@given(st.text(st.characters(codec="utf-8")))
def test_what_is_sealed_is_opened_and_cannot_be_read(text: str) -> None:
    vault = Vault(Path("/nowhere/secret.key"), KEY)
    sealed = vault.seal(text)
    assert is_sealed(sealed)
    assert vault.open(sealed, "it") == text
    assert len(text) < 5 or text not in sealed


def test_the_same_text_is_never_sealed_the_same_twice(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "secret.key")
    assert vault.seal("one") != vault.seal("one")


def test_a_key_is_made_when_it_is_needed_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    vault = Vault(file)
    assert not file.exists()
    sealed = vault.seal("lake")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    assert Vault(file).open(sealed, "it") == "lake"


def test_what_was_kept_before_there_were_keys_is_read_as_it_is(tmp_path: Path) -> None:
    assert Vault(tmp_path / "secret.key").open("plain", "it") == "plain"
    assert list(tmp_path.iterdir()) == []


def test_the_first_key_seals_and_all_of_them_open(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    file = tmp_path / "secret.key"
    of_old = Vault(file, old).seal("lake")
    both = Vault(file, f"{new}, {old}")
    assert both.open(of_old, "it") == "lake"
    of_new = both.seal("lake")
    assert Vault(file, new).open(of_new, "it") == "lake"
    with pytest.raises(SecretKeyError, match="variable 'x' was sealed with a key that is not here"):
        Vault(file, new).open(of_old, "variable 'x'")


def test_a_named_key_goes_before_the_file_s_which_still_opens(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    of_file = Vault(file).seal("lake")
    named = Vault(file, KEY)
    assert named.open(of_file, "it") == "lake"
    assert Vault(Path("/nowhere/secret.key"), KEY).open(named.seal("x"), "it") == "x"


def test_a_key_that_another_process_added_is_found(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    vault, other = Vault(file), Vault(file)
    vault.seal("one")
    other.add_key()
    assert vault.open(other.seal("two"), "it") == "two"


def test_an_added_key_seals_and_the_earlier_ones_still_open(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    vault = Vault(file)
    before = vault.seal("one")
    vault.add_key()
    newest = Vault(Path("/nowhere"), file.read_text().split()[0])
    assert newest.open(vault.seal("two"), "it") == "two"
    assert vault.open(before, "it") == "one"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("key", ["short", "x" * 44, "ü" * 32, KEY[:-2]])
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, key: str) -> None:
    with pytest.raises(SecretKeyError, match="PENSTOCK_SECRET_KEY: key 2 is no key") as caught:
        Vault(tmp_path / "secret.key", f"{KEY},{key}").seal("x")
    assert key not in str(caught.value)


def test_a_damaged_text_is_refused_as_one_of_another_key_is(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "secret.key", KEY)
    box = bytearray(b64decode(vault.seal("lake").removeprefix(PREFIX)))
    box[-1] ^= 1
    with pytest.raises(SecretKeyError):
        vault.open(PREFIX + b64encode(box).decode(), "it")
    with pytest.raises(SecretKeyError, match="is damaged"):
        vault.open(PREFIX + "%%%", "variable 'x'")


async def test_a_database_from_before_there_were_connections_is_read(tmp_path: Path) -> None:
    file = tmp_path / "penstock.db"
    number, _, text = migrations()[0]
    with closing(sqlite3.connect(file)) as old:
        old.executescript(
            f"{text}; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {number};"
            "INSERT INTO variable VALUES ('region', 'eu');"
        )
    database = await Database.open(file)
    await database.close()
    with Reading(file) as reading:
        assert (reading.variables(), reading.connections()) == ({"region": "eu"}, {})
        assert variable_get(reading, {"key": "region"})["value"] == "eu"


def test_a_key_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(SecretKeyError, match="cannot be written"):
        Vault(tmp_path / "absent" / "secret.key").seal("x")
