"""What a running task asks, by way of its worker, and what the leader answers."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from penstock.events.types import Xcom


class Ask(Struct, frozen=True, kw_only=True, tag_field="ask"):
    """A question of a worker, answered by the leader from what is stored (law 11: JSON only).

    epoch: the highest that the worker has seen. A leader of a lower one is none any more, and may
    not know what the one that sent the attempt knew; it does not answer.
    """

    epoch: int = 0


class AskXcoms(Ask, frozen=True, kw_only=True, tag="xcoms"):
    """The XComs of these tasks of a run. indexes: None for all; spans one task at a time.

    Answered by `XcomsFound`: by task, in the order of map indexes.
    """

    run: str
    tasks: tuple[str, ...]
    key: str = "return_value"
    indexes: tuple[int, ...] | None = None


class AskVariable(Ask, frozen=True, kw_only=True, tag="variable"):
    """The value of a variable. Answered by `VariableFound`."""

    key: str


class AskConnection(Ask, frozen=True, kw_only=True, tag="connection"):
    """The fields of a connection. Answered by `ConnectionFound`."""

    conn_id: str


class AskKeys(Ask, frozen=True, kw_only=True, tag="keys"):
    """The keys of the variables that begin with `prefix`. Answered by `KeysFound`."""

    prefix: str = ""


class ChangeVariable(Ask, frozen=True, kw_only=True, tag="change_variable"):
    """Set a variable, or delete it (value None). Answered by `Changed` once it is stored.

    Asked again it does the same again, so an answer that is lost does no harm.
    """

    key: str
    value: str | None
    description: str | None = None


class AskLastSuccess(Ask, frozen=True, kw_only=True, tag="last_success"):
    """Which run of the same DAG succeeded last, by logical date, before this one?

    Answered by `RunFound`; a run without a logical date has none before it.
    """

    run: str


class AskTrigger(Ask, frozen=True, kw_only=True, tag="trigger"):
    """Trigger a run of a DAG. Answered by `Triggered`, or `Refused` with the reason why not.

    by: the attempt that asks; asked again by the same one it is the same run. conf: a JSON object.
    unless_paused: not if the DAG is paused; then the state in the answer is `paused`.
    """

    dag_id: str
    run_id: str
    by: str
    logical_date: int | None = None
    conf: Raw = Raw(b"{}")
    unless_paused: bool = False


class AskStates(Ask, frozen=True, kw_only=True, tag="states"):
    """How runs of a DAG stand, and tasks in them. Answered by `StatesFound`.

    Of several runs of one logical date the newest counts. group: all tasks of a task group.
    """

    dag_id: str
    run_ids: tuple[str, ...] = ()
    logical_dates: tuple[int, ...] = ()
    tasks: tuple[str, ...] = ()
    group: str = ""


Question = (
    AskXcoms
    | AskVariable
    | AskConnection
    | AskKeys
    | ChangeVariable
    | AskLastSuccess
    | AskTrigger
    | AskStates
)


class FoundRun(Struct, frozen=True, kw_only=True):
    """How a run stands. live: it has not ended. tasks: {task: {state: how many instances}}."""

    run_id: str
    logical_date: int | None
    state: str
    live: bool
    tasks: dict[str, dict[str, int]] = {}


class Triggered(Struct, frozen=True, kw_only=True, tag="triggered"):
    """The run is there, in this state. is_new: because of who asked; else it was there before."""

    run_id: str
    state: str
    is_new: bool


class FoundXcom(Struct, frozen=True, array_like=True):
    """One answer row: whose XCom, and the XCom."""

    task: str
    index: int
    xcom: Xcom


class XcomsFound(Struct, frozen=True, kw_only=True, tag="xcoms"):
    """The rows asked for. mapped: which of the asked tasks are mapped in this run."""

    found: tuple[FoundXcom, ...]
    mapped: tuple[str, ...] = ()


class VariableFound(Struct, frozen=True, kw_only=True, tag="variable"):
    value: str | None


class ConnectionFound(Struct, frozen=True, kw_only=True, tag="connection"):
    """fields: those that are set, by name; None if there is no such connection."""

    fields: dict[str, Any] | None


class RunTimes(Struct, frozen=True, array_like=True):
    """When a run was and what it stood for."""

    interval_start: int | None
    interval_end: int | None
    started_at: int | None
    ended_at: int | None


class RunFound(Struct, frozen=True, kw_only=True, tag="run"):
    run: RunTimes | None


class KeysFound(Struct, frozen=True, kw_only=True, tag="keys"):
    keys: tuple[str, ...]


class StatesFound(Struct, frozen=True, kw_only=True, tag="states"):
    """runs: those that are there. missing: what the DAG in force has not, as a sentence, or ""."""

    runs: tuple[FoundRun, ...]
    missing: str = ""


class Changed(Struct, frozen=True, kw_only=True, tag="changed"):
    """It is in the log."""


class Refused(Struct, frozen=True, kw_only=True, tag="refused"):
    """The question could not be answered. why: a sentence for people."""

    why: str


Answer = (
    XcomsFound
    | VariableFound
    | ConnectionFound
    | KeysFound
    | Changed
    | RunFound
    | Triggered
    | StatesFound
    | Refused
)


decode_question = msgspec.json.Decoder(Question).decode
decode_answer = msgspec.json.Decoder(Answer).decode
