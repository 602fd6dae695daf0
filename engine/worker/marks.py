"""Marks in a child's output: which attempt a piece of it belongs to, when, and where it ends.

File descriptors 1 and 2 of a child are pipes to its worker, so that native code's output is caught
too. Two pipes alone would lose the order between them; so what Python prints is stamped, in the
same write, with its attempt's number and time, and the worker sorts by that. At the end of each
attempt the child writes an end mark on both pipes. A mark starts with a secret of that child, so no
task's output is taken for one.

    NUL NUL secret  kind ("t": text, "e": the attempt ended)  number, time, length (4, 14, 6 hex)

length: how much of what follows the mark speaks of. What comes after that was written by native
code, at some time between this mark and the next one, or its arrival: the later is taken.

`Splitter` is the worker's half. Memory is bounded: a line longer than LONGEST is split. What is
secret is masked in whole lines: in pieces, or by native code, however it was written.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import NamedTuple

from penstock.authoring.masking import Masker

LONGEST = 16 * 1024
"""Bytes after which a line without an end is split."""

LONGEST_TEXT = 0xFFFFFF
"""Bytes that one mark can speak of."""

_HEADER = 1 + 4 + 14 + 6
NUMBERS = 0x10000


def new_secret() -> str:
    return secrets.token_hex(6)


def prefix(secret: str) -> bytes:
    """Return how every mark of a child begins."""
    return b"\0\0" + secret.encode()


def mark(start: bytes, kind: str, number: int, at: int, length: int) -> bytes:
    """Return a mark. start: `prefix(secret)`; at: microseconds; length: bytes it speaks of."""
    return b"%b%b%04x%014x%06x" % (start, kind.encode(), number % NUMBERS, at, length)


class Text(NamedTuple):
    """A line. number: the attempt's, None if the child did not say."""

    number: int | None
    at: int
    text: bytes


class End(NamedTuple):
    """Nothing more of this attempt comes through this pipe."""

    number: int


class Splitter:
    """Cuts one pipe's bytes into lines and ends.

    now: the clock for what is not stamped, microseconds. Times never go back within a pipe.
    masker: what is masked; may be replaced.
    """

    def __init__(self, start: bytes, now: Callable[[], int], masker: Masker | None = None) -> None:
        self._start, self._now = start, now
        self.masker = masker or Masker()
        self._rest = b""
        self._line: list[bytes] = []  # an unfinished line whose beginning has been taken already
        self._number: int | None = None  # whose that line is
        self._stamp: tuple[int, int] = (0, 0)  # number and time of the mark in force
        self._left = 0  # bytes that it still speaks of
        self.latest = 0

    def feed(self, data: bytes) -> list[Text | End]:
        data = self._rest + data
        cut = data.rfind(b"\n") + 1
        if len(data) - cut > LONGEST:
            # A mark that is cut off by the end of the data stays behind, whole.
            hole = data.find(b"\0", max(cut, len(data) - len(self._start) - _HEADER))
            cut = hole if hole >= 0 else len(data)
        self._rest = data[cut:]
        return self._take(data[:cut]) if cut else []

    def finish(self) -> list[Text | End]:
        """The pipe is at its end: return what is left."""
        rest, self._rest = self._rest, b""
        found = self._take(rest) if rest else []
        self._close_line(found)
        return found

    def _take(self, data: bytes) -> list[Text | End]:
        found: list[Text | End] = []
        text, *marked = data.split(self._start)
        for piece in marked:
            number, at = int(piece[1:5], 16), int(piece[5:19], 16)
            self._spoken(text, at, found)
            self._stamp, self._left = (number, at), int(piece[19:_HEADER], 16)
            text = piece[_HEADER:]
            if piece[:1] == b"e":
                self._close_line(found)
                found.append(End(number))
                self._left, text = 0, text[1:]  # without its own newline
        self._spoken(text, self._now(), found)
        return found

    def _spoken(self, text: bytes, until: int, found: list[Text | End]) -> None:
        """Take what stands before a mark: first what the last one speaks of, then native text."""
        if self._left:
            stamped, text = text[: self._left], text[self._left :]
            self._left -= len(stamped)
            self._text(stamped, *self._stamp, found)
        if text:
            self._text(text, None, until, found)

    def _text(self, data: bytes, number: int | None, at: int, found: list[Text | End]) -> None:
        if self._line and number is not None and number != self._number:
            self._close_line(found)  # another attempt's begins
        self.latest = at = max(self.latest, at)
        if not self._line:
            self._number = number
        *whole, last = data.split(b"\n")
        for part in whole:
            if self._line:
                part = b"".join(self._line) + part
                self._line = []
            self._emit(part, at, found)
            self._number = number
        if last:
            self._line.append(last)
            if sum(map(len, self._line)) > LONGEST:
                self._shorten_line(found)

    def _shorten_line(self, found: list[Text | End]) -> None:
        """Tell what there is of an overlong line; what may begin a secret waits for its end."""
        line = self.masker.bytes(b"".join(self._line))
        cut = len(line) - min(max(0, self.masker.longest - 1), LONGEST // 2)
        self._line = [line[cut:]] if cut < len(line) else []
        self._emit(line[:cut], self.latest, found)

    def _close_line(self, found: list[Text | End]) -> None:
        if self._line:
            part, self._line = b"".join(self._line), []
            self._emit(part, self.latest, found)

    def _emit(self, line: bytes, at: int, found: list[Text | End]) -> None:
        line = self.masker.bytes(line)
        for start in range(0, len(line), LONGEST) or (0,):
            found.append(Text(self._number, at, line[start : start + LONGEST]))
