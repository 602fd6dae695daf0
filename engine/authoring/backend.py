"""What a running task may ask of the world outside its process: a port, passed in by the worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from penstock.events.questions import RunTimes, StatesFound, Triggered


@dataclass(frozen=True, slots=True)
class PulledXcom:
    """One XCom that was found: whose, and its Python value."""

    task: str
    index: int
    value: Any


GAVE_UP = "__fail__"
"""The method of a task that goes on without what it waited for; arguments: `error`, `late`."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """How a task goes on that had deferred itself: which of its methods, with what.

    `event` is among the arguments if its trigger has fired.
    """

    method: str
    kwargs: dict[str, Any]


class Backend(Protocol):
    """What `penstock.authoring.runtime` needs while it runs one attempt. Calls may block.

    - `pull` returns what is stored under `key` for these tasks of a run, ordered as the tasks were
      named and by map index; XComs that were never pushed are left out. `indexes` None: every one.
      The values are those of tries that won; this attempt's own pushes are seen too.
    - `elements` returns what a mapping over an XCom runs over: a list's elements or a dict's items;
      of a mapped task the values of its instances that are not None. None: nothing was pushed. Each
      element is made anew when it is taken.
    - `is_mapped` says whether a task of the run was expanded.
    - `push` keeps a value under `key` for this delivery; the last push of a key counts. A value
      that cannot be stored raises TypeError with a sentence.
    - `resumed` says how a deferred task goes on; None: it is executed from its beginning.
    - `trigger` returns a trigger that is to be run: its class's dotted path, and its arguments.
    - `skip` leaves tasks of this run out, once this attempt has succeeded: those of them that have
      not started by then are skipped.
    - `variable` returns a variable's text, None if it is not set; `variable_keys` the keys of those
      that begin with a prefix. `change_variable` sets one, or deletes it (value None), and returns
      when that is stored.
    - `connection` returns the fields of a connection, None if there is none.
    - `last_success` returns when the DAG's run was that succeeded last, by logical date, before
      this attempt's; None if there is none.
    - `trigger_run` triggers a run of a DAG, once for this attempt however often it is called, or
      raises PenstockError with the reason why not. `states` says how runs of a DAG stand, and tasks
      in them. Times are UTC microseconds.
    - `mask` returns once nothing that holds one of these texts leaves the machine with this
      attempt's output.
    """

    def pull(
        self, run: str, tasks: Sequence[str], key: str, indexes: Sequence[int] | None
    ) -> list[PulledXcom]: ...

    def elements(self, run: str, task: str, key: str) -> Sequence[Any] | None: ...

    def is_mapped(self, run: str, task: str) -> bool: ...

    def push(self, key: str, value: Any) -> None: ...

    def resumed(self) -> Resumed | None: ...

    def trigger(self) -> tuple[str, dict[str, Any]]: ...

    def skip(self, task_ids: Sequence[str]) -> None: ...

    def variable(self, key: str) -> str | None: ...

    def variable_keys(self, prefix: str) -> Sequence[str]: ...

    def change_variable(self, key: str, value: str | None, description: str | None) -> None: ...

    def connection(self, conn_id: str) -> dict[str, Any] | None: ...

    def last_success(self) -> RunTimes | None: ...

    def trigger_run(
        self,
        dag_id: str,
        run_id: str,
        *,
        logical_date: int | None,
        conf: dict[str, Any],
        unless_paused: bool,
    ) -> Triggered: ...

    def states(
        self,
        dag_id: str,
        *,
        run_ids: Sequence[str] = (),
        logical_dates: Sequence[int] = (),
        tasks: Sequence[str] = (),
        group: str = "",
    ) -> StatesFound: ...

    def mask(self, texts: Sequence[str]) -> None: ...
