"""Outcomes that the leader has not confirmed within a second, on disk for the next worker (law 7).

A file a worker, locked while it lives. Who starts later on the same folder takes over the files
whose lock is free: their workers are dead, and with them all of their children. It hands the names
on: should it die before it could tell the leader, its own successor tells of all of them.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from penstock.errors import PenstockError
from penstock.events.types import Delivery, Outcome

_SUFFIX = ".outcomes"

REMEMBERED = 32
"""Predecessors whose names are handed on; what a leader is never told costs a lease."""


class KeepError(PenstockError):
    """The file for the next worker cannot be made, or a dead worker's cannot be read."""


class _Line(Struct, omit_defaults=True):
    replaces: tuple[str, ...] = ()
    kept: tuple[Outcome, ...] = ()
    gone: tuple[Delivery, ...] = ()


_decode = msgspec.json.Decoder(_Line).decode


class Keep(Protocol):
    """Keeps outcomes for a successor.

    - `add` returns once they would survive the death of this process; OSError: none is kept.
    - `gone` forgets them. `inherited` tells what dead workers left: their names and those of their
      own predecessors, oldest first, and outcomes.
    - `close` removes everything, if nothing is kept.
    """

    def add(self, outcomes: Iterable[Outcome]) -> None: ...
    def gone(self, deliveries: Iterable[Delivery]) -> None: ...
    def inherited(self) -> tuple[tuple[str, ...], list[Outcome]]: ...
    def close(self) -> None: ...


class NoKeep:
    """For a worker without a state folder: its successor inherits nothing."""

    def add(self, outcomes: Iterable[Outcome]) -> None: ...
    def gone(self, deliveries: Iterable[Delivery]) -> None: ...
    def inherited(self) -> tuple[tuple[str, ...], list[Outcome]]:
        return (), []

    def close(self) -> None: ...


class FileKeep:
    """One worker's file in a folder. Raises KeepError if it cannot be made there."""

    def __init__(self, folder: Path | str, worker: str) -> None:
        self._folder = Path(folder)
        self._path = self._folder / (quote(worker, safe="") + _SUFFIX)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = open(self._path, "a+b", buffering=0)  # noqa: SIM115 (held: its lock)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError as error:
            raise KeepError(
                f"{self._path}: the file for outcomes that are not stored yet cannot be made: "
                f"{error.strerror}. Make room, or see to the folder's rights."
            ) from error
        self._kept: set[Delivery] = set()
        self._replaces: tuple[str, ...] = ()

    def add(self, outcomes: Iterable[Outcome]) -> None:
        line = _Line(kept=tuple(outcomes))
        self._append(line)
        self._kept.update(outcome.delivery for outcome in line.kept)

    def gone(self, deliveries: Iterable[Delivery]) -> None:
        gone = self._kept.intersection(deliveries)
        self._kept -= gone
        if gone and not self._kept:
            self._file.truncate(0)
            with contextlib.suppress(OSError):
                self._hand_on()
        elif gone:
            # On a full disk they stay: told again by a successor, and inert by then (law 6).
            with contextlib.suppress(OSError):
                self._append(_Line(gone=tuple(gone)))

    def inherited(self) -> tuple[tuple[str, ...], list[Outcome]]:
        names: dict[str, None] = {}
        outcomes: list[Outcome] = []
        dead = {
            path: left
            for path in sorted(self._folder.glob("*" + _SUFFIX))
            if path != self._path and (left := _take_over(path)) is not None
        }
        for path, (replaced, kept) in dead.items():
            names.update(dict.fromkeys(replaced))
            names[unquote(path.name.removesuffix(_SUFFIX))] = None
            outcomes += kept
        self._replaces = tuple(names)[-REMEMBERED:]
        # On a full disk they stay for a later worker as well: told twice, they are inert (law 6).
        with contextlib.suppress(OSError):
            self._hand_on()
            if outcomes:
                self.add(outcomes)
            for path in dead:  # ours before theirs goes
                path.unlink(missing_ok=True)
        return self._replaces, outcomes

    def close(self) -> None:
        if not self._kept:
            self._path.unlink(missing_ok=True)
        self._file.close()

    def _hand_on(self) -> None:
        if self._replaces:
            self._append(_Line(replaces=self._replaces))

    def _append(self, line: _Line) -> None:
        """Write a line whole, or raise OSError and leave nothing of it."""
        text, end = msgspec.json.encode(line) + b"\n", self._file.seek(0, os.SEEK_END)
        try:
            written = self._file.write(text)
            if written != len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(end)  # a torn line would take the next one with it
            raise


def _take_over(path: Path) -> tuple[tuple[str, ...], list[Outcome]] | None:
    """Return (predecessors, outcomes) of a dead worker's file; None if its worker lives."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            names: tuple[str, ...] = ()
            found: dict[Delivery, Outcome] = {}
            for text in file.read().split(b"\n"):
                with contextlib.suppress(msgspec.MsgspecError):  # a last line cut off by the death
                    line = _decode(text)
                    names = line.replaces or names
                    found.update((one.delivery, one) for one in line.kept)
                    for delivery in line.gone:
                        found.pop(delivery, None)
            return names, list(found.values())
    except (BlockingIOError, FileNotFoundError):
        return None
    except OSError as error:
        raise KeepError(
            f"{path}: what a dead worker left cannot be read: {error.strerror}. Mend it; remove it "
            "only if its outcomes may be lost."
        ) from error
