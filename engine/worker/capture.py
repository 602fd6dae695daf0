"""A child's half of the log: stamped streams in place of stdout and stderr, end marks, logging.

`print` and `logging` go through a stream that stamps each write (see `penstock.worker.marks`).
Native code and programs that a task starts write to the descriptors 1 and 2 themselves, with no
stamp. A task may close or replace all of it: after each attempt everything is put back, from
descriptors that were laid aside.
"""

from __future__ import annotations

import contextlib
import contextvars
import io
import logging
import os
import sys
import time
from typing import IO, Any

from penstock.authoring.masking import masked
from penstock.worker import kernel
from penstock.worker.marks import LONGEST_TEXT, mark, prefix

LOG_FORMAT = "[%(asctime)s] %(levelname)s - %(name)s - %(message)s"


def _write_all(fd: int, data: bytes) -> None:
    """Write, also where the task made the pipe non-blocking: then it is made blocking again."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            os.set_blocking(fd, True)


class _Stamped(io.RawIOBase):
    """Writes to a descriptor, each write with a stamp before it."""

    def __init__(self, capture: Capture, fd: int) -> None:
        self._capture, self._fd = capture, fd

    def write(self, data: Any) -> int:
        text = bytes(data[:LONGEST_TEXT])
        capture = self._capture
        now = time.time_ns() // 1000
        _write_all(self._fd, mark(capture.start, "t", capture.number, now, len(text)) + text)
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd


class _WholeLines(io.RawIOBase):
    """The same for one of many `async def` tasks: only whole lines go out, under its number."""

    def __init__(self, start: bytes, fd: int, number: int) -> None:
        self._start, self._fd, self._number = start, fd, number
        self._rest = b""

    def write(self, data: Any) -> int:
        text = bytes(data)
        whole, newline, self._rest = (self._rest + text).rpartition(b"\n")
        if newline:
            said = whole + newline
            for place in range(0, len(said), LONGEST_TEXT):
                part = said[place : place + LONGEST_TEXT]
                now = time.time_ns() // 1000
                _write_all(self._fd, mark(self._start, "t", self._number, now, len(part)) + part)
        return len(text)

    def end(self) -> None:
        if self._rest:
            self.write(b"\n")

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd


class _Masked(io.TextIOWrapper):
    """Text with what is secret masked, before any of it leaves the process."""

    def write(self, text: str) -> int:
        super().write(masked(text))
        return len(text)


def _text(raw: io.RawIOBase) -> io.TextIOWrapper:
    buffered = io.BufferedWriter(raw)
    return _Masked(buffered, "utf-8", errors="backslashreplace", line_buffering=True)


class Capture:
    """Everything that a sync task prints. out, err: the pipes, laid aside under high numbers."""

    def __init__(self, out: int, err: int, secret: str) -> None:
        self.start = prefix(secret)
        self.number = 0
        self.kept = (out, err)
        self._streams: list[io.TextIOWrapper] = []
        self.put_back()
        self._handler = logging.StreamHandler(self._streams[0])
        self._handler.setFormatter(logging.Formatter(LOG_FORMAT))

    def begin(self, number: int) -> None:
        self.number = number

    def put_back(self) -> None:
        """Descriptors 1 and 2 are the pipes, `sys.stdout` and `sys.stderr` the stamped streams."""
        for fd, kept in zip((1, 2), self.kept, strict=True):
            os.dup2(kept, fd)
        if not self._streams or any(stream.closed for stream in self._streams):
            self._streams = [_text(_Stamped(self, kept)) for kept in self.kept]
            if hasattr(self, "_handler"):
                self._handler.stream = self._streams[0]  # setStream would flush the closed one
        sys.stdout, sys.stderr = self._streams
        sys.__stdout__, sys.__stderr__ = self._streams  # type: ignore[misc]

    def reset_logging(self) -> None:
        """The root logger writes INFO and above to stdout's pipe, as people know it."""
        root = logging.root
        if root.handlers != [self._handler] or root.disabled:
            root.handlers[:] = [self._handler]
            root.disabled = False
        if root.level != logging.INFO:
            root.setLevel(logging.INFO)
        if root.manager.disable:
            logging.disable(logging.NOTSET)

    def end(self, number: int) -> None:
        """Flush all that was printed, put everything back, and mark the attempt's end."""
        for stream in {id(s): s for s in (sys.stdout, sys.stderr, *self._streams)}.values():
            with contextlib.suppress(Exception):  # the task's own stream may be closed or broken
                stream.flush()
        kernel.flush_native()
        self.put_back()
        at = time.time_ns() // 1000
        for kept in self.kept:
            _write_all(kept, mark(self.start, "e", number, at, 0) + b"\n")


_current: contextvars.ContextVar[tuple[IO[str], IO[str]]] = contextvars.ContextVar("streams")


class _Switch(io.TextIOBase):
    """stdout or stderr of a process that runs many tasks at once: goes to the current task's."""

    def __init__(self, which: int, otherwise: IO[str]) -> None:
        self._which, self._otherwise = which, otherwise

    def _stream(self) -> IO[str]:
        streams = _current.get(None)
        return self._otherwise if streams is None else streams[self._which]

    def write(self, text: str) -> int:
        return self._stream().write(text)

    def flush(self) -> None:
        self._stream().flush()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._which + 1

    @property
    def buffer(self) -> Any:
        return self._stream().buffer  # type: ignore[attr-defined]


class SharedCapture:
    """What many `async def` tasks print, told apart by the context that each of them runs in."""

    def __init__(self, out: int, err: int, secret: str) -> None:
        self.start = prefix(secret)
        self.kept = (out, err)
        for fd, kept in zip((1, 2), self.kept, strict=True):
            os.dup2(kept, fd)
        otherwise = [os.fdopen(os.dup(fd), "w", buffering=1) for fd in (1, 2)]
        sys.stdout, sys.stderr = (_Switch(which, otherwise[which]) for which in (0, 1))
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter(LOG_FORMAT))
        logging.root.handlers[:] = [handler]
        logging.root.setLevel(logging.INFO)

    def begin(self, number: int) -> list[_WholeLines]:
        """Call it in the context of the task; hand the result to `end`."""
        raws = [_WholeLines(self.start, kept, number) for kept in self.kept]
        out, err = (_text(raw) for raw in raws)
        _current.set((out, err))
        return raws

    def end(self, number: int, raws: list[_WholeLines]) -> None:
        streams = _current.get()
        at = time.time_ns() // 1000
        for stream, raw, kept in zip(streams, raws, self.kept, strict=True):
            with contextlib.suppress(Exception):
                stream.flush()
            raw.end()
            _write_all(kept, mark(self.start, "e", number, at, 0) + b"\n")
