"""Where in the author's file something was written: the file and line that every refusal names.

A place is found by walking up the stack to the first frame that is not Penstock's own, so it is the
line on which the author made the DAG or task, however many layers of ours lie in between.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import NamedTuple


class Place(NamedTuple):
    """A line of a file; line None if only the file is known."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


_TRANSPARENT = frozenset({"functools", "contextlib", "abc"})
"""Standard modules whose frames may lie between the author's line and ours."""


def caller_place() -> Place:
    """Return the nearest place on the stack that is not in this package."""
    frame: FrameType | None = sys._getframe(1)
    place = Place("<unknown>")
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        place = Place(frame.f_code.co_filename, frame.f_lineno)
        if name != "penstock" and not name.startswith("penstock.") and name not in _TRANSPARENT:
            break
        frame = frame.f_back
    return place
