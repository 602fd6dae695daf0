"""Whatever the pipe cuts the bytes into, the lines are the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.worker.marks import LONGEST, End, Splitter, Text, mark, prefix

START = prefix("0123456789ab")

pieces = st.lists(
    st.one_of(
        st.tuples(st.just("print"), st.text(alphabet="ab\0\n", max_size=12)),
        st.tuples(st.just("native"), st.text(alphabet="xy\0\n", max_size=12)),
        st.tuples(st.just("end"), st.just("")),
    ),
    max_size=12,
)


def written(story: list[tuple[str, str]]) -> bytes:
    data, number = b"", 0
    for at, (kind, text) in enumerate(story):
        if kind == "print":
            data += mark(START, "t", number, at, len(text)) + text.encode()
        elif kind == "native":
            data += text.encode()
        else:
            data += mark(START, "e", number, at, 0) + b"\n"
            number += 1
    return data


@given(story=pieces, cuts=st.lists(st.integers(1, 40), min_size=1, max_size=200))
def test_cuts_change_nothing(story: list[tuple[str, str]], cuts: list[int]) -> None:
    data = written(story)
    whole, cut = Splitter(START, lambda: 99), Splitter(START, lambda: 99)
    want = [*whole.feed(data), *whole.finish()]
    got, place = [], 0
    for size in cuts:
        got += cut.feed(data[place : place + size])
        place += size
    got += [*cut.feed(data[place:]), *cut.finish()]
    assert [(type(one), one[0], one[-1]) for one in got] == [
        (type(one), one[0], one[-1]) for one in want
    ]


@given(story=pieces)
def test_every_byte_that_was_printed_is_in_a_line(story: list[tuple[str, str]]) -> None:
    splitter = Splitter(START, lambda: 99)
    found = [*splitter.feed(written(story)), *splitter.finish()]
    printed = "".join(text for _, text in story).replace("\n", "")
    assert "".join(one.text.decode() for one in found if isinstance(one, Text)) == printed
    assert [one for one in found if isinstance(one, End)] == [
        End(number) for number in range(sum(kind == "end" for kind, _ in story))
    ]


def test_a_stamp_speaks_of_its_own_bytes_only() -> None:
    splitter = Splitter(START, lambda: 50)
    data = mark(START, "t", 3, 10, 4) + b"own\n" + b"native\n" + mark(START, "t", 4, 30, 2) + b"b\n"
    assert splitter.feed(data) == [
        Text(3, 10, b"own"),
        Text(None, 30, b"native"),
        Text(4, 30, b"b"),
    ]


def test_a_line_without_an_end_is_split_and_takes_no_memory() -> None:
    splitter = Splitter(START, lambda: 1)
    found = []
    for _ in range(100):
        found += splitter.feed(b"z" * 5000)
    assert all(len(one.text) <= LONGEST for one in found)
    assert sum(len(one.text) for one in found) > 450_000
