"""What can be wrong with the database, each a sentence that says what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from penstock.errors import PenstockError


class StoreError(PenstockError):
    """The database could not do it. Nothing of it was done."""


class StoreMissingError(StoreError):
    """There is no database at this path."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: there is no database. A coordinator makes it: penstock up")


class StoreSchemaError(StoreError):
    """The file is of another version of Penstock, or of another program."""


class StoreReadOnlyError(StoreError):
    """The file or its folder cannot be written."""


class StoreDamagedError(StoreError):
    """SQLite finds the file damaged, or it is no database at all."""


class StoreFullError(StoreError):
    """No room is left. The same batch can be committed again once there is."""


class StoreBusyError(StoreError):
    """Somebody else holds the database's write lock."""


SENTENCES: dict[str, tuple[type[StoreError], str]] = {
    "SQLITE_READONLY": (
        StoreReadOnlyError,
        "cannot be written. Give this user the right to write the file and its folder",
    ),
    "SQLITE_CANTOPEN": (
        StoreReadOnlyError,
        "cannot be opened or made. See that its folder exists and that this user may write in it",
    ),
    "SQLITE_PERM": (
        StoreReadOnlyError,
        "may not be opened by this user. Give it the right to read and write the file",
    ),
    "SQLITE_CORRUPT": (
        StoreDamagedError,
        "is damaged. Move it away and start again: it is rebuilt from the log",
    ),
    "SQLITE_NOTADB": (
        StoreDamagedError,
        "is no SQLite database, or is damaged. Move it away and start again: it is rebuilt from "
        "the log",
    ),
    "SQLITE_FULL": (
        StoreFullError,
        "has no room left on its disk. Make room, and it goes on",
    ),
    "SQLITE_IOERR": (
        StoreError,
        "could not be read or written: its disk reports an error. See the system's log",
    ),
    "SQLITE_BUSY": (
        StoreBusyError,
        "is being written by another process. Only one coordinator may use a state folder",
    ),
    "SQLITE_LOCKED": (StoreBusyError, "is locked by another connection. Try again"),
}
"""By SQLite's primary result code: the error, and what is said after the file's name."""


def explained(path: Path | str, error: sqlite3.Error) -> StoreError:
    """Return the error to raise in the place of SQLite's own."""
    name = getattr(error, "sqlite_errorname", "") or ""
    for code, (kind, says) in SENTENCES.items():
        if name == code or name.startswith(f"{code}_"):
            return kind(f"{path}: the database {says} (SQLite: {error})")
    return StoreError(f"{path}: the database refused: {error} ({name or type(error).__name__})")
