"""What is secret stays out of sight: by its name, by its text, however it is written."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace
from typing import cast
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.authoring import masking
from penstock.authoring.backend import Backend
from penstock.authoring.context import asking
from penstock.authoring.masking import (
    MASK,
    Masker,
    is_sensitive,
    mask_secret,
    masked,
    redact,
    redacted_json,
    texts_in,
)
from penstock.worker.marks import LONGEST, End, Splitter, Text, mark, prefix

SECRET = "hunter2-s3cret/?"
START = prefix("0123456789ab")


# ---------------------------------------------------------------- what is secret


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "DB_PASSWORD",
        "my secret",
        "api-key",
        "x_apikey_y",
        "Authorization",
        "private_key",
    ],
)
def test_a_name_with_a_sensitive_word_is_a_secret_s(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize("name", ["region", "pass", "host", "", None, 3])
def test_other_names_are_not(name: object) -> None:
    assert not is_sensitive(name)


def test_of_a_dict_what_stands_under_secret_names_is_masked() -> None:
    found = {
        "host": "example",
        "token": "abcdef",
        "more": {"password": ["one-1", "two-2"], "n": 12345},
    }
    assert list(texts_in(found)) == ["abcdef", "one-1", "two-2"]
    assert list(texts_in({"secret": {"a": "deep-down"}})) == ["deep-down"]


def test_a_name_decides_whether_a_text_is_masked() -> None:
    assert list(texts_in("abcdef", "region")) == []
    assert list(texts_in("abcdef", "my_token")) == ["abcdef"]
    assert list(texts_in(["abcdef", "ghijkl"])) == ["abcdef", "ghijkl"]


def test_short_and_common_texts_are_not_masked() -> None:
    assert list(texts_in(["abcd", "", "airflow", "Penstock"])) == []


# ---------------------------------------------------------------- masking


@pytest.mark.parametrize("shown", [SECRET, quote(SECRET, safe=""), quote(SECRET), f"<{SECRET}>"])
def test_a_masked_text_is_found_as_it_may_be_shown(shown: str) -> None:
    mask_secret(SECRET)
    assert SECRET not in masked(shown)
    assert MASK in masked(shown)


def test_quotes_and_newlines_in_a_secret_are_found_in_json_and_line_by_line() -> None:
    key = '-----BEGIN KEY-----\nab"cd-efgh\n-----END KEY-----'
    mask_secret(key)
    assert json.loads(masked(json.dumps({"key": key}))) == {"key": MASK}
    assert masked('ab"cd-efgh') == MASK


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    mask_secret(["hunter", "hunter2-more"])
    assert masked("hunter2-more and hunter") == f"{MASK} and {MASK}"


def test_what_a_task_masked_is_forgotten_when_the_next_begins_alone() -> None:
    masking._masker.add([SECRET])
    masking.begin(lambda texts: None, alone=False)
    assert masked(SECRET) == MASK
    masking.begin(lambda texts: None, alone=True)
    assert masked(SECRET) == SECRET


def test_what_was_masked_outside_of_a_task_stays_and_is_told_to_each() -> None:
    mask_secret(SECRET)
    told: list[str] = []
    masking.begin(told.extend, alone=True)
    assert told == [SECRET]
    assert masked(SECRET) == MASK


def test_of_tasks_that_run_together_each_has_its_own_worker_told_once() -> None:
    first: list[str] = []
    second: list[str] = []
    with asking(backend_that_tells(first)):
        mask_secret(SECRET)
        with asking(backend_that_tells(second)):
            mask_secret([SECRET, "another-one"])
            mask_secret(SECRET)
    assert (first, second) == ([SECRET], [SECRET, "another-one"])


def backend_that_tells(masked: list[str]) -> Backend:
    return cast(Backend, SimpleNamespace(mask=masked.extend))


def test_redact_goes_by_names_and_by_what_was_masked() -> None:
    mask_secret(SECRET)
    found = {"password": "x", "list": [SECRET, 1, {"token": [1, "y"]}], "set": {"z"}, "t": (None,)}
    assert redact(found) == {
        "password": MASK,
        "list": [MASK, 1, {"token": [1, MASK]}],
        "set": ("z",),
        "t": (None,),
    }
    assert redact("x", "password") == MASK
    assert redact("x", "password", replacement="?") == "?"
    assert found["password"] == "x"


def test_what_cannot_be_gone_through_is_not_shown() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert redact(loop) == "<redaction-failed>"


def test_json_is_shown_without_its_secrets_and_else_as_it_was() -> None:
    assert redacted_json('{"token": "abc",  "n": 1}') == '{"token": "***", "n": 1}'
    assert redacted_json('{"a":   1}') == '{"a":   1}'
    assert redacted_json("no json") == "no json"
    assert redacted_json("no json", otherwise=MASK) == MASK


# ---------------------------------------------------------------- in the worker, however written


def lines_of(pieces: list[bytes], masker: Masker) -> list[bytes]:
    splitter = Splitter(START, lambda: 1, masker)
    found = [one for piece in pieces for one in splitter.feed(piece)] + splitter.finish()
    return [one.text for one in found if isinstance(one, Text)]


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(places)]


@settings(max_examples=200)
@given(
    before=st.text("xyz \n", max_size=30),
    after=st.text("xyz \n", max_size=30),
    writes=st.lists(st.integers(0, 100), max_size=5),
    reads=st.lists(st.integers(0, 500), max_size=8),
    stamped=st.booleans(),
)
def test_a_secret_is_masked_however_it_is_written_and_read(
    before: str, after: str, writes: list[int], reads: list[int], stamped: bool
) -> None:
    text = f"{before}{SECRET}{after}".encode()
    parts = cut(text, writes)
    if stamped:
        parts = [mark(START, "t", 7, 5, len(part)) + part for part in parts]
    pieces = cut(b"".join(parts) + mark(START, "e", 7, 6, 0) + b"\n", reads)
    lines = lines_of(pieces, Masker([SECRET]))
    assert SECRET.encode() not in b"".join(lines)
    assert f"{before}{MASK}{after}".encode().rstrip(b"\n") == b"\n".join(lines).rstrip(b"\n")


@pytest.mark.parametrize("short_of", range(len(SECRET) + 2))
def test_a_secret_where_a_long_line_is_split_is_masked(short_of: int) -> None:
    head = b"x" * (LONGEST - short_of)
    for pieces in (
        [head + SECRET.encode() + b"y" * 40_000 + b"\n"],
        [head, SECRET.encode(), b"\n"],
    ):
        lines = lines_of(pieces, Masker([SECRET]))
        assert max(map(len, lines)) <= 2 * LONGEST
        whole = b"".join(lines)
        assert SECRET.encode() not in whole
        assert whole.startswith(head + MASK.encode())


def test_ends_are_found_beside_secrets() -> None:
    splitter = Splitter(START, lambda: 1, Masker([SECRET]))
    found = splitter.feed(SECRET.encode() + mark(START, "e", 3, 1, 0) + b"\n")
    assert found == [Text(None, 1, MASK.encode()), End(3)]
