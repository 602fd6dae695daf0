"""What people see: tables, progress, log lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from penstock.cli.lines import LinePrinter
from penstock.cli.output import table
from penstock.cli.progress import ROWS, Lines, Picture
from penstock.cli.report import MOST_ODD, WIDE, print_run
from penstock.events.types import Attempt, Delivery
from penstock.events.words import LogChunk, LogLine

Capture = pytest.CaptureFixture[str]


def instance(
    task: str, index: int = -1, state: str = "success", reason: str = ""
) -> dict[str, Any]:
    return {
        "task_id": task,
        "map_index": index,
        "state": state,
        "try_number": 1,
        "started_at": "2026-01-01T00:00:00.000000Z",
        "ended_at": "2026-01-01T00:00:01.500000Z",
        "reason": reason,
    }


def document(tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "dag_id": "nightly",
        "run_id": "r1",
        "state": "failed",
        "logical_date": None,
        "started_at": "2026-01-01T00:00:00.000000Z",
        "ended_at": "2026-01-01T00:01:05.000000Z",
        "tasks": tasks,
    }


def test_columns_stand_under_their_heads(capsys: Capture) -> None:
    table(("task", "state"), [("a-long-name", "success"), ("b", None)])
    assert capsys.readouterr().out == "task         state\na-long-name  success\nb            -\n"


def test_a_run_ends_with_its_state_and_how_long_it_took(capsys: Capture) -> None:
    print_run(document([instance("load"), instance("train", state="failed", reason="oops")]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["load", "success", "1", "1.5", "s"]
    assert lines[2].endswith("oops")
    assert lines[-1] == "nightly/r1  failed in 1 min 5 s"


def test_a_wide_task_is_counts_and_what_went_wrong(capsys: Capture) -> None:
    wide = [instance("each", index) for index in range(1000)]
    for index in range(0, 1000, 10):
        wide[index]["state"] = "failed"
    print_run(document(wide))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:5] == ["each", "900", "of", "1000", "success"]
    assert lines[2].split()[:5] == ["each", "100", "of", "1000", "failed"]
    assert len(lines) == 1 + 2 + MOST_ODD + 2
    assert WIDE < 1000


def notice(task: str | None, state: str, index: int = -1, **more: Any) -> dict[str, Any]:
    data = {"dag_id": "nightly", "run_id": "r1", "state": state, **more}
    return data if task is None else data | {"task_id": task, "map_index": index, "try_number": 1}


def test_plain_progress_is_a_line_for_each_end(capsys: Capture) -> None:
    lines = Lines()
    lines.open("nightly/r1")
    for data in (
        notice(None, "running"),
        notice("load", "running"),
        notice("load", "success"),
        notice("each", "success", 3),
        notice("each", "failed", 4, reason="oops"),
    ):
        lines.heard(data)
    lines.close()
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "nightly/r1: started\nload: success\neach[4]: failed: oops\n"


def rendered(picture: Picture) -> str:
    from io import StringIO

    from rich.console import Console

    console = Console(file=StringIO(), width=80)
    console.print(picture.draw())
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def test_the_picture_counts_a_wide_task_and_keeps_to_its_rows() -> None:
    picture = Picture([f"t{number}" for number in range(ROWS + 5)])
    for index in range(100):
        picture.heard(notice("t0", "queued", index))
    for index in range(40):
        picture.heard(notice("t0", "success", index))
    picture.heard(notice("t1", "success"))
    text = rendered(picture)
    assert "queued 60" in text
    assert "success 40" in text
    assert "and 5 more" in text
    assert " t1 " not in text  # what has ended made room


def test_plain_progress_says_once_that_a_try_waits(capsys: Capture) -> None:
    lines = Lines()
    for _ in range(3):
        lines.heard(notice("look", "up_for_reschedule"))
        lines.heard(notice("look", "queued"))
    lines.heard(notice("train", "deferred"))
    lines.heard(notice("each", "deferred", 3))
    assert capsys.readouterr().err.splitlines() == [
        "look: not there yet, looks again later",
        "train: waits, and holds no slot",
    ]


def chunk(first: int, *texts: str, delivery: int = 1, phase: int = 0) -> LogChunk:
    lines = tuple(LogLine(0, 1, text) for text in texts)
    attempt = Attempt("nightly/r1", "load", phase=phase)
    return LogChunk(attempt=attempt, delivery=Delivery(1, delivery), first=first, lines=lines)


@pytest.fixture
def printed(capsys: Capture) -> Callable[[], list[str]]:
    return lambda: [line[14:] for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_printed_once_however_often_it_comes(printed: Callable[[], list[str]]) -> None:
    printer = LinePrinter()
    for one in (chunk(0, "a", "b"), chunk(0, "a", "b"), chunk(1, "b", "c"), chunk(3, "d")):
        printer.print(one)
    assert printed() == ["a", "b", "c", "d"]


def test_another_sending_s_lines_are_told_apart(capsys: Capture) -> None:
    printer = LinePrinter()
    printer.print(chunk(0, "a"))
    printer.print(chunk(0, "a", delivery=2))
    out = capsys.readouterr().out.splitlines()
    assert out[1] == "-- load: sent again --"
    assert len(out) == 3


def test_a_try_that_waited_goes_on_in_the_same_log(capsys: Capture) -> None:
    printer = LinePrinter()
    printer.print(chunk(0, "not yet"))
    printer.print(chunk(0, "there", delivery=2, phase=1))
    assert capsys.readouterr().out.splitlines()[1] == "-- load: goes on --"


def test_lines_for_a_document_are_kept_not_printed(capsys: Capture) -> None:
    printer = LinePrinter(as_json=True)
    printer.print(chunk(0, "a"))
    assert capsys.readouterr().out == ""
    assert printer.printed == [{"at": "1970-01-01T00:00:00.000000Z", "stream": 1, "text": "a"}]


def test_what_is_written_over_several_lines_is_one_row_all_the_same(capsys: Capture) -> None:
    print_run(document([instance("train", state="failed", reason="no\nluck\x1b[2J\tü")]))
    assert "no\\nluck\\x1b[2J\\tü" in capsys.readouterr().out.splitlines()[1]


def test_values_are_shown_as_json_and_texts_as_they_are(capsys: Capture) -> None:
    values = [("list", [1, "a"]), ("none", None), ("yes", True), ("text", "a, b")]
    xcoms = [{"task_id": "t", "map_index": -1, "key": k, "value": v} for k, v in values]
    print_run(document([instance("t")]) | {"xcoms": xcoms})
    shown = [line.split(None, 2)[2] for line in capsys.readouterr().out.splitlines()[4:8]]
    assert shown == ['[1, "a"]', "null", "true", "a, b"]
