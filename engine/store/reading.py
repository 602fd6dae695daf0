"""The projection as others read it: the API, the command line, the web page.

A connection of its own, read-only and synchronous; it sees what is committed, beside a coordinator
that writes or without one. Each answer is of one moment. What the leader has folded and not yet
projected is not seen: `position` says up to where the answers go.
"""

from __future__ import annotations

import functools
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any

from penstock.authoring.serialized import SerializedDag, load
from penstock.errors import PenstockError
from penstock.events.questions import FoundXcom, RunTimes
from penstock.lifecycle.states import CODES, SUCCESS
from penstock.store.database import connect_read_only
from penstock.store.documents import (
    Document,
    Instance,
    TaskRun,
    dag_details,
    dag_summary,
    decode_xcom,
    instance_details,
    instance_document,
    moment,
    run_summary,
    spread,
    story_line,
    xcom_document,
)
from penstock.store.errors import explained
from penstock.store.queries import query
from penstock.store.vault import Vault

FEW = 64
"""So many map indexes are looked up one by one; more are picked from all."""


class UnknownRunError(PenstockError):
    """No run has this key."""

    def __init__(self, run: str) -> None:
        super().__init__(f"There is no run {run!r}. See: penstock runs list")


class Reading:
    """An open projection. Runs are named by their key. May be used from any thread.

    Raises StoreMissingError, StoreSchemaError, StoreDamagedError when opened.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.connection = connect_read_only(self.path)
        self.connection.row_factory = sqlite3.Row
        self.lock = threading.RLock()
        self.dag_of = functools.lru_cache(maxsize=64)(self.read_dag)

    def __enter__(self) -> Reading:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        with self.lock:
            self.connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """All that is read within is of one moment."""
        with self.lock:
            try:
                if self.connection.in_transaction:
                    yield self.connection
                    return
                self.connection.execute("BEGIN")
                try:
                    yield self.connection
                finally:
                    self.connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise explained(self.path, error) from error

    def rows(self, name: str, parameters: Any = ()) -> list[sqlite3.Row]:
        with self.snapshot() as connection:
            return connection.execute(query(name), parameters).fetchall()

    def position(self) -> int:
        """Return the sequence in LOG up to which the answers go, 0 if nothing is projected."""
        found = self.rows("position")
        return int(found[0]["sequence"]) if found else 0

    # ------------------------------------------------------------ runs

    def run_document(self, run: str, *, xcoms: bool = True) -> Document:
        """Return the run with every task instance, those at rest included, and its XComs.

        Tasks come in topological order, their instances by map index. `reason` is there if the run
        has one. Raises UnknownRunError.
        """
        with self.snapshot():
            row = self.run_row(run)
            document: Document = {
                "dag_id": row["dag_id"],
                "run_id": row["run_id"],
                "state": row["state"],
                "logical_date": moment(row["logical_date"]),
                "started_at": moment(row["started_at"]),
                "ended_at": moment(row["ended_at"]),
                "tasks": [instance_document(one) for one in self.instances_of(row)],
            }
            if row["reason"]:
                document["reason"] = row["reason"]
            if xcoms:
                document["xcoms"] = self.xcom_documents(row)
            return document

    def run(self, run: str) -> Document:
        """Return the run without its tasks. Raises UnknownRunError."""
        return run_summary(self.run_row(run))

    def run_state(self, run: str) -> str | None:
        """Return the state of a run, None if there is no such run."""
        found = self.rows("read_run_state", (run,))
        return str(found[0]["state"]) if found else None

    def runs_for(
        self, dag_id: str, run_ids: Sequence[str], logical_dates: Sequence[int]
    ) -> list[sqlite3.Row]:
        """Return runs of a DAG by their ids, and the newest one of each of these dates."""
        named = [self.rows("read_run", (f"{dag_id}/{run_id}",)) for run_id in run_ids]
        dated = [self.rows("read_runs_dated", (dag_id, date)) for date in logical_dates]
        return [found[0] for found in (*named, *dated) if found]

    def find_runs(self, name: str) -> list[str]:
        """Return the keys of the runs that have this key (it comes first) or this run id."""
        found = [str(row["run"]) for row in self.rows("read_runs_called", {"name": name})]
        return found[:1] if name in found else found

    def runs(
        self,
        dag_id: str | None = None,
        state: str | None = None,
        *,
        limit: int = 50,
        before: str | None = None,
    ) -> list[Document]:
        """Return runs, the newest first. before: the key of a run; only older ones are wanted."""
        asked = {"dag_id": dag_id, "state": state, "limit": limit, "before": before}
        return [run_summary(row) for row in self.rows("read_runs", asked)]

    def run_counts(self, dag_id: str | None = None) -> dict[str, dict[str, int]]:
        """Return how many runs there are: {dag_id: {state: number}}."""
        counts: dict[str, dict[str, int]] = {}
        for row in self.rows("read_run_counts", {"dag_id": dag_id}):
            counts.setdefault(row["dag_id"], {})[row["state"]] = row["runs"]
        return counts

    def instances(self, run: str, task: str | None = None) -> list[Document]:
        """Return the instances of a task, or of all, with all that is known of each."""
        with self.snapshot():
            found = self.instances_of(self.run_row(run), task)
            return [instance_details(one) for one in found]

    def counts(self, run: str) -> dict[str, dict[str, int]]:
        """Return {task_id: {state: how many instances}}, tasks in topological order."""
        with self.snapshot():
            found = self.instances_of(self.run_row(run))
            return {
                task: dict(Counter(one.state for one in group))
                for task, group in groupby(found, key=lambda one: one.task)
            }

    def waiting(self, run: str) -> list[Document]:
        """Return what has not ended: spans of instances of one task, state, try and due time.

        map_index is that of the first, count how many follow each other from there.
        """
        spans: list[Document] = []
        with self.snapshot():
            for one in self.instances_of(self.run_row(run)):
                if CODES[one.state] >= SUCCESS:
                    continue
                said = (one.task, one.state, one.try_number, moment(one.due), one.reason)
                last = spans[-1] if spans else None
                after = None if last is None else last["map_index"] + last["count"]
                if last is not None and last["said"] == said and one.map_index == after:
                    last["count"] += 1
                    continue
                spans.append({"said": said, "map_index": one.map_index, "count": 1})
        names = ("task_id", "state", "try_number", "due", "reason")
        return [dict(zip(names, span.pop("said"), strict=True)) | span for span in spans]

    def story(self, run: str) -> list[Document]:
        """Return every fact about the run, the oldest first, each with its cause."""
        return [story_line(row) for row in self.rows("read_story", (run,))]

    # ------------------------------------------------------------ XComs

    def xcoms(
        self,
        run: str,
        tasks: Sequence[str],
        key: str = "return_value",
        indexes: Sequence[int] | None = None,
    ) -> list[FoundXcom]:
        """Return what these tasks left under `key`: tasks as named, then by map index.

        indexes: None for all. What was never pushed is left out.
        """
        found: list[FoundXcom] = []
        wanted = None if indexes is None else sorted(set(indexes))
        with self.snapshot() as connection:
            for task in tasks:
                if wanted is not None and len(wanted) <= FEW:
                    for index in wanted:
                        asked = (run, task, index, key)
                        for (text,) in connection.execute(query("read_xcom"), asked):
                            found.append(FoundXcom(task, index, decode_xcom(text)))
                    continue
                some = None if wanted is None else frozenset(wanted)
                rows = connection.execute(query("read_xcoms_of_task"), (run, task, key))
                for index, text in rows:
                    if some is None or index in some:
                        found.append(FoundXcom(task, index, decode_xcom(text)))
        return found

    def last_success(self, run: str) -> RunTimes | None:
        """Return the times of the run of its DAG that succeeded last before it, by logical date."""
        found = self.rows("last_success", {"run": run})
        return RunTimes(*found[0]) if found else None

    def mapped(self, run: str, tasks: Sequence[str]) -> list[str]:
        """Return which of these tasks were expanded in this run."""
        lengths = {row["task"]: row["length"] for row in self.rows("read_tasks", (run,))}
        return [task for task in tasks if lengths.get(task) is not None]

    # ------------------------------------------------------------ DAGs

    def dags(self) -> list[Document]:
        """Return every DAG that was ever registered (`gone`: its file is), by id."""
        with self.snapshot():
            counts = self.run_counts()
            return [
                dag_summary(row, self.dag_of(row["version"]), counts.get(row["dag_id"], {}))
                for row in self.rows("read_dags", {"dag_id": None})
            ]

    def dag(self, dag_id: str) -> Document | None:
        """Return all about a DAG in the version in force, None if there is none."""
        with self.snapshot():
            found = self.rows("read_dags", {"dag_id": dag_id})
            if not found:
                return None
            versions = [
                {"version": row["version"], "registered_at": moment(row["registered_at"])}
                for row in self.rows("read_versions", (dag_id,))
            ]
            counts = self.run_counts(dag_id).get(dag_id, {})
            return dag_details(found[0], self.dag_of(found[0]["version"]), counts, versions)

    def errors(self) -> list[Document]:
        """Return the DAG files that could not be parsed: file, line (or null), error."""
        return [
            {"file": row["file"], "line": row["line"], "error": row["error"]}
            for row in self.rows("broken_files")
        ]

    # ------------------------------------------------------------ other things

    @functools.cached_property
    def vault(self) -> Vault:
        """What opens the values of variables and connections: the keys beside this database."""
        return Vault.of(self.path.parent)

    def pools(self) -> dict[str, int]:
        """Return the slots of each pool, -1 for no limit."""
        return {row["name"]: row["slots"] for row in self.rows("pools")}

    def variables(self) -> dict[str, str]:
        """Return the sealed value of each variable (`penstock.store.vault`)."""
        return {row["key"]: row["value"] for row in self.rows("variables")}

    def connections(self) -> dict[str, str]:
        """Return the sealed fields of each connection."""
        return {row["conn_id"]: row["value"] for row in self.rows("connections")}

    # ------------------------------------------------------------ what answers are made of

    def read_dag(self, version: str) -> SerializedDag:
        return load(self.rows("serialized_dag", (version,))[0]["dag"])

    def run_row(self, run: str) -> sqlite3.Row:
        found = self.rows("read_run", (run,))
        if not found:
            raise UnknownRunError(run)
        return found[0]

    def instances_of(self, run: sqlite3.Row, task: str | None = None) -> Iterator[Instance]:
        """Yield the run's instances, tasks in topological order, then by map index."""
        wholes = {row["task"]: TaskRun(*row) for row in self.rows("read_tasks", (run["run"],))}
        rows = self.rows("read_instances", {"run": run["run"], "task": task})
        found = {
            name: [Instance(*row) for row in group]
            for name, group in groupby(rows, key=lambda row: row["task"])
        }
        for step in self.dag_of(run["version"]).tasks:
            name = step.task_id
            if task in (None, name):
                yield from spread(name, wholes.get(name), found.get(name, ()), run)

    def xcom_documents(self, run: sqlite3.Row) -> list[Document]:
        tasks = self.dag_of(run["version"]).tasks
        order = {task.task_id: number for number, task in enumerate(tasks)}
        rows = self.rows("read_xcoms_of_run", (run["run"],))
        rows.sort(key=lambda row: (order[row["task"]], row["map_index"], row["key"]))
        return [xcom_document(*row) for row in rows]
