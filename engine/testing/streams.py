"""What tasks print, told apart by task: it goes where it would go anyway, and is kept besides.

Which task prints is known by a context variable, so that triggers that wait side by side on one
event loop each have their own record. A thread that a task has started knows no context: what it
prints is the task's that runs in the foreground.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

from penstock.authoring.masking import masked
from penstock.worker.capture import LOG_FORMAT

_record: ContextVar[list[str] | None] = ContextVar("penstock_record", default=None)


_foreground: list[list[str]] = []


@contextmanager
def recording(record: list[str], *, foreground: bool = False) -> Iterator[None]:
    """Keep in `record` what is printed in here, by this task and what it awaits."""
    token = _record.set(record)
    if foreground:
        _foreground.append(record)
    try:
        yield
    finally:
        _record.reset(token)
        if foreground:
            _foreground.pop()


def current() -> list[str] | None:
    """Return the record of the task that runs here, None outside of one."""
    found = _record.get()
    return _foreground[-1] if found is None and _foreground else found


class _Tee(io.TextIOBase):
    """A stream that passes on what is written, and keeps it for the task that wrote it."""

    def __init__(self, stream: TextIO, *, echo: bool) -> None:
        self._stream, self._echo = stream, echo

    def write(self, text: str) -> int:
        shown = masked(text)
        record = current()
        if record is not None:
            record.append(shown)
        if record is None or self._echo:
            self._stream.write(shown)
            if "\n" in shown:
                self._stream.flush()  # so that stdout and stderr stay in order, also in a pipe
        return len(text)

    def flush(self) -> None:
        if not self._stream.closed:  # else Python 3.13 complains when this is thrown away
            self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def captured(*, echo: bool) -> Iterator[None]:
    """Have tasks' records kept, and their logging shown at INFO as a worker's children show it.

    echo: what they print goes on to the terminal as well.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_Tee(stream, echo=echo) for stream in before)
    handler = _OfTasks(sys.stdout)
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    root, level = logging.root, logging.root.level
    root.addHandler(handler)
    root.setLevel(min(level, logging.INFO))
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        sys.stdout, sys.stderr = before


class _OfTasks(logging.StreamHandler[Any]):
    """Shows what tasks log; what is logged besides is somebody else's."""

    def filter(self, record: logging.LogRecord) -> bool:
        return current() is not None and record.levelno >= logging.INFO
