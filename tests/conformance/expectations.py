"""What a DAG file of `dags/` says must become of it, and how that is compared with what became.

The docstring of a file is its subject and, below a line `---`, YAML:

    logical_date: 2026-01-05T00:00:00+00:00   # the default; `none` for a run without one
    conf: {n: 1}
    run: success                              # the run's state
    tasks: {a: success, b[0]: success 2}      # state and, where it is not the usual, try number
    xcoms: {a: 5, b[0]#key: [1]}              # all of them; the key is return_value if none is said
    runs: [...]                               # several runs, one after the other, as the above
    others: {dag_id: {run, tasks, xcoms}}     # runs that follow in other DAGs of the file
    files: {name: text}                       # what callbacks wrote, lines in any order
    refused: true                             # the trigger is refused

The usual try is 0 for what never started (skipped, upstream_failed, no state) and else 1. This
module knows neither Penstock nor Airflow: it is read in both of their environments.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "dags"
LOGICAL_DATE = datetime(2026, 1, 5, tzinfo=UTC)
RUN_ID = "conformance_{}"
ENDED = ("success", "failed", "quarantined")

ENVIRONMENT = {
    "AIRFLOW_VAR_CONFORMANCE_CITY": "Oslo",
    "AIRFLOW_VAR_CONFORMANCE_JSON": '{"n": 3}',
    "AIRFLOW_CONN_CONFORMANCE_URI": "postgres://me:secret@db.example.org:5433/sales?ssl=on",
    "AIRFLOW_CONN_CONFORMANCE_JSON": (
        '{"conn_type": "http", "host": "api.example.org", "extra": {"retries": 3}}'
    ),
    "AIRFLOW_CONN_FS_DEFAULT": "fs://",
}
"""What the files count on; beside it CONFORMANCE_FILES, the folder that they may write to, and
CONFORMANCE_RUN_SECONDS, the time of a run that has to end by it: longer than all tasks need."""


@dataclass(frozen=True)
class Given:
    """What a run is triggered with."""

    conf: dict[str, Any] | None
    logical_date: datetime | None


@dataclass(frozen=True)
class Subject:
    """A DAG to be run: its id, the name of its file, and of one of ours the YAML as it stands."""

    name: str
    file: str
    about: str = ""
    expected: dict[str, Any] = field(default_factory=dict)

    @property
    def runs(self) -> list[dict[str, Any]]:
        return self.expected.get("runs") or [self.expected]

    @property
    def others(self) -> dict[str, dict[str, Any]]:
        return self.expected.get("others") or {}

    @property
    def files(self) -> dict[str, str]:
        return self.expected.get("files") or {}

    def given(self) -> list[Given]:
        return [Given(run.get("conf"), _date(run.get("logical_date"))) for run in self.runs]


def _date(said: Any) -> datetime | None:
    if said is None:
        return LOGICAL_DATE
    if said == "none":
        return None
    return said if isinstance(said, datetime) else datetime.fromisoformat(str(said))


def read(path: Path) -> Subject:
    """Read the docstring of a DAG file. One without `---` is an error of that file."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    about, mark, rest = text.partition("\n---")
    if not mark:
        raise ValueError(f"{path.name}: its docstring has no line `---`; see {__name__}")
    return Subject(path.stem, path.stem, " ".join(about.split()), yaml.safe_load(rest) or {})


def subjects() -> list[Subject]:
    return [read(path) for path in sorted(FOLDER.glob("*.py"))]


def name_of(task: str, map_index: int, key: str = "return_value") -> str:
    """Return how tables name a task instance, or with a key one of its XComs."""
    index = "" if map_index < 0 else f"[{map_index}]"
    return f"{task}{index}" + ("" if key == "return_value" else f"#{key}")


def is_compared(key: str) -> bool:
    """Say whether an XCom is the task's: branches keep books in one, links for people in others."""
    return key != "skipmixin_key" and not key.startswith("_link_")


def state_of(state: str | None, tries: int) -> str:
    """Return how tables write a state: with its try, where that is not the usual one."""
    usual = 0 if state in (None, "skipped", "upstream_failed") else 1
    return f"{state or 'none'}" if tries == usual else f"{state or 'none'} {tries}"


def plain(value: Any) -> Any:
    """Return an XCom as JSON has it: moments by ISO 8601, what else it has no word for as repr."""
    return json.loads(json.dumps(value, default=_text_of))


def _text_of(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else repr(value)


def differences(subject: Subject, observed: dict[str, Any]) -> list[str]:
    """Return a sentence for each thing that is not as the file says; none: all is.

    observed: {"runs": [{"run", "tasks", "xcoms"} or {"refused"}], "others", "files"}, or {"error"}
    where the file could not be read at all.
    """
    if "error" in observed:
        return [f"the file is refused: {observed['error']}"]
    found = []
    pairs = zip(subject.runs, observed["runs"], strict=True)
    for number, (wanted, seen) in enumerate(pairs, 1):
        place = f"run {number}: " if len(subject.runs) > 1 else ""
        found += [place + line for line in _of_run(wanted, seen)]
    for dag_id, wanted in subject.others.items():
        found += [f"{dag_id}: {line}" for line in _of_run(wanted, observed["others"][dag_id])]
    for name, text in subject.files.items():
        seen = observed["files"].get(name) or ""
        if sorted(seen.splitlines()) != sorted(text.splitlines()):
            found.append(f"{name} holds {seen!r}, expected {text!r}")
    return found


def _of_run(wanted: dict[str, Any], seen: dict[str, Any]) -> Iterator[str]:
    if seen.get("refused") or wanted.get("refused"):
        if not wanted.get("refused"):
            yield f"the trigger is refused: {seen['refused']}"
        elif not seen.get("refused"):
            yield f"the trigger is taken, and the run is {seen['run']}; it should be refused"
        return
    if wanted.get("run") != seen["run"]:
        yield f"the run is {seen['run']}, expected {wanted.get('run')}"
    yield from _of_tables("is", wanted.get("tasks"), seen["tasks"])
    yield from _of_tables("has the XCom", wanted.get("xcoms"), seen["xcoms"])


def _of_tables(verb: str, wanted: dict[str, Any] | None, seen: dict[str, Any]) -> Iterator[str]:
    wanted = {str(name): plain(value) for name, value in (wanted or {}).items()}
    for name in sorted(wanted.keys() | seen.keys()):
        ours, theirs = seen.get(name, _NOTHING), wanted.get(name, _NOTHING)
        if ours != theirs:
            yield f"{name} {verb} {_text(ours)}, expected {_text(theirs)}"


_NOTHING = object()


def _text(value: Any) -> str:
    return "none" if value is _NOTHING else json.dumps(value, ensure_ascii=False)
