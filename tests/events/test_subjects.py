"""Ids of any kind survive the way through a subject, and never spill into another token."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from penstock.events.memory_server import matches
from penstock.events.subjects import Subjects, token, untoken
from penstock.events.types import Attempt

ids = st.text(min_size=0, max_size=40)
SUBJECTS = Subjects()


@given(ids)
@example("")
@example("a.b")
@example("*")
@example(">")
@example("%2E")
@example("%00")
@example("\x00")
@example("tab\tline\nspace ")
@example("größe/日本")
def test_an_id_comes_back_from_its_token(text: str) -> None:
    assert untoken(token(text)) == text


@given(ids)
def test_a_token_has_nothing_that_nats_gives_a_meaning_to(text: str) -> None:
    made = token(text)
    assert made
    assert made.isascii()
    assert not set(made) & set(".*> \t\r\n\x00")


@given(ids, ids)
def test_two_ids_never_share_a_token(one: str, other: str) -> None:
    assert (token(one) == token(other)) == (one == other)


@given(ids, ids)
def test_an_id_is_one_token_of_its_subject(dag_id: str, task_id: str) -> None:
    assert len(SUBJECTS.trigger(dag_id).split(".")) == 3
    assert len(SUBJECTS.task_event(dag_id, task_id, "success").split(".")) == 6
    attempt = Attempt(f"{dag_id.replace('/', '')}/run", task_id, 3, 1)
    assert len(SUBJECTS.log_of(attempt).split(".")) == 8


def test_patterns_mean_what_nats_means_by_them() -> None:
    table = {
        ("a.b", "a.b"): True,
        ("a.*", "a.b"): True,
        ("a.*", "a.b.c"): False,
        ("a.>", "a.b.c"): True,
        ("a.>", "a"): False,
        (">", "a"): True,
        ("a.*.c", "a.b.c"): True,
        ("a.*.c", "a.b.d"): False,
        ("a.b.c", "a.b"): False,
        ("a.b", "a.b.c"): False,
    }
    assert {row: matches(*row) for row in table} == table
