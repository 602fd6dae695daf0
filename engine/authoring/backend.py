"""What a running task may ask of the world outside its process: a port, passed in by the worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class PulledXcom:
    """One XCom that was found: whose, and its Python value."""

    task: str
    index: int
    value: Any


class Backend(Protocol):
    """What `penstock.authoring.runtime` needs while it runs one attempt. Calls may block.

    - `pull` returns what is stored under `key` for these tasks of a run, ordered as the tasks were
      named and by map index; XComs that were never pushed are left out. `indexes` None: every one.
      The values are those of tries that won; this attempt's own pushes are seen too.
    - `is_mapped` says whether a task of the run was expanded.
    - `push` keeps a value under `key` for this delivery; the last push of a key counts. A value
      that cannot be stored raises TypeError with a sentence.
    - `variable` returns a variable's text, None if it is not set.
    """

    def pull(
        self, run: str, tasks: Sequence[str], key: str, indexes: Sequence[int] | None
    ) -> list[PulledXcom]: ...

    def is_mapped(self, run: str, task: str) -> bool: ...

    def push(self, key: str, value: Any) -> None: ...

    def variable(self, key: str) -> str | None: ...
