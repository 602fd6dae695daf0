"""What a task may ask of the leader, answered in this process: XComs, variables, connections.

A `penstock.worker.questions.TaskBackend` asks here instead of over its socket.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from penstock.authoring.connections import Connection
from penstock.cli.exchange import connection_of
from penstock.errors import PenstockError
from penstock.events import questions as q
from penstock.events import types as t
from penstock.lifecycle.commands import XcomRows
from penstock.lifecycle.state import State
from penstock.testing.others import OtherDags
from penstock.worker import wire
from penstock.worker.questions import QuestionError

Rows = dict[tuple[str, str], dict[int, dict[str, t.Xcom]]]
"""XComs by run and task, then by map index, then by key."""


class GivenValueError(PenstockError):
    """A variable or connection that was given for a trial is not what it should be."""


class Answers:
    """variables: by key, as text. connections: the fields of each, by id. Both may change."""

    def __init__(
        self,
        state: State,
        variables: Mapping[str, Any] | None,
        connections: Mapping[str, Any] | None,
        find_blob: Callable[[str], str | None],
        others: OtherDags | None = None,
    ) -> None:
        self.state, self.find_blob = state, find_blob
        self.others = others or OtherDags(None)
        self.variables = {key: text_of(value) for key, value in (variables or {}).items()}
        self.connections = {
            conn_id: fields_of(conn_id, said) for conn_id, said in (connections or {}).items()
        }
        self.rows: Rows = {}
        self.by_kind: dict[type, Callable[[Any], Any]] = {
            q.AskXcoms: self.xcoms,
            q.AskVariable: lambda it: q.VariableFound(value=self.variables.get(it.key)),
            q.AskKeys: self.keys,
            q.ChangeVariable: self.change,
            q.AskConnection: lambda it: q.ConnectionFound(fields=self.connections.get(it.conn_id)),
            q.AskLastSuccess: lambda _: q.RunFound(run=None),
            q.AskTrigger: self.others.trigger,
            q.AskStates: self.others.find,
            wire.WhereIsBlob: self.blob,
            wire.Mask: lambda _: q.Changed(),
        }

    def __call__(self, question: Any) -> Any:
        answer = self.by_kind.get(type(question))
        if answer is None:
            raise QuestionError(
                f"a trial in one process cannot answer {type(question).__name__}: there is no "
                "coordinator. Run the DAG with `penstock run`."
            )
        return answer(question)

    def keep(self, command: XcomRows) -> None:
        """Take over what a try that won has pushed."""
        of_task = self.rows.setdefault((command.run, command.task), {})
        of_task[command.index] = {xcom.key: xcom for xcom in command.xcoms}

    def xcoms(self, asked: q.AskXcoms) -> q.XcomsFound:
        run = self.state.runs.get(asked.run)
        mapped = tuple(
            task
            for task in asked.tasks
            if run and (record := run.record(task)) is not None and record.length is not None
        )
        found = [
            q.FoundXcom(task, index, xcoms[asked.key])
            for task in dict.fromkeys(asked.tasks)
            for index, xcoms in sorted(self.rows.get((asked.run, task), {}).items())
            if asked.key in xcoms and (asked.indexes is None or index in asked.indexes)
        ]
        return q.XcomsFound(found=tuple(found), mapped=mapped)

    def keys(self, asked: q.AskKeys) -> q.KeysFound:
        return q.KeysFound(
            keys=tuple(k for k in sorted(self.variables) if k.startswith(asked.prefix))
        )

    def change(self, asked: q.ChangeVariable) -> q.Changed:
        if asked.value is None:
            self.variables.pop(asked.key, None)
        else:
            self.variables[asked.key] = asked.value
        return q.Changed()

    def blob(self, asked: wire.WhereIsBlob) -> wire.BlobFound:
        path = self.find_blob(asked.digest)
        if path is None or not os.path.exists(path):
            raise QuestionError(f"the blob {asked.digest} is not here")
        return wire.BlobFound(path=path)


def text_of(value: Any) -> str:
    """Return a variable's text: of what is none, its JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def fields_of(conn_id: str, said: Any) -> dict[str, Any]:
    """Return a connection's fields: of a Connection, a URI, JSON, or a dict of its fields."""
    if isinstance(said, Connection):
        return said.fields()
    if not isinstance(said, str | Mapping):
        raise GivenValueError(
            f"connection {conn_id!r}: give a URI, a dict of its fields, or a Connection; not "
            f"{type(said).__name__}."
        )
    return connection_of(conn_id, said if isinstance(said, str) else dict(said)).fields()
