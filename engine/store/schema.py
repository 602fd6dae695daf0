"""Which tables there are: numbered migrations, applied in order, their number kept in the file.

A file that a newer Penstock wrote, or another program, is refused; nothing is changed in it.
"""

from __future__ import annotations

import sqlite3
from importlib import resources
from pathlib import Path

from penstock.store.errors import StoreSchemaError

APPLICATION = 0x50454E53
"""SQLite's `application_id` of our files: the letters PENS."""


def migrations() -> list[tuple[int, str, str]]:
    """Return (number, name, SQL) of each `migrations/NNNN_name.sql`, in order."""
    folder = resources.files("penstock.store") / "migrations"
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return [(int(name[:4]), name[5:-4], (folder / name).read_text("utf-8")) for name in files]


def version_of(connection: sqlite3.Connection, path: Path | str) -> int:
    """Return the number of the last migration applied, 0 for an empty file.

    Raises StoreSchemaError for a file that is not ours, or newer than this Penstock.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if application != APPLICATION:
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise StoreSchemaError(
                f"{path}: this database is not Penstock's (application id {application:#x}). "
                "Name another state folder: --home DIR"
            )
        return 0
    newest = migrations()[-1][0]
    if version > newest:
        raise StoreSchemaError(
            f"{path}: the database has schema version {version}, this Penstock knows up to "
            f"{newest}. Install the Penstock that wrote it, or a newer one; or move the file away "
            "and it is rebuilt from the log"
        )
    return version


def migrate(connection: sqlite3.Connection, path: Path | str) -> None:
    """Bring the schema up to date, each migration in a transaction of its own."""
    version = version_of(connection, path)
    for number, _, text in migrations():
        if number > version:
            connection.executescript(
                f"BEGIN IMMEDIATE; {text}\n"
                f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {number}; COMMIT;"
            )


def require_current(connection: sqlite3.Connection, path: Path | str) -> None:
    """Raise StoreSchemaError unless the schema is the one that this Penstock reads."""
    version, newest = version_of(connection, path), migrations()[-1][0]
    if version < newest:
        raise StoreSchemaError(
            f"{path}: the database has schema version {version}, {newest} is needed. "
            "A coordinator brings it up to date: penstock up"
        )
