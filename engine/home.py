"""The state folder: where everything is that must outlive a process, and whether it can be used.

One folder, one Penstock. Nothing here opens a database or a socket: a `Home` is a table of paths
and the checks that turn "no space left" at some later moment into a sentence at the start.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

from penstock.errors import PenstockError

LAYOUT = 1
"""The version of the folder's layout; the database in it has a version of its own."""

RESERVE = 64 * 1024 * 1024
"""Bytes that must be free before anything is started in the folder."""

INTAKE_RESERVE = RESERVE
"""Bytes that are kept for the runs under way: with less, no new run is taken."""


SECRET_KEY = "PENSTOCK_SECRET_KEY"
"""The environment variable with the key of sealed values, the coordinator's."""

NKEY_SEED = "PENSTOCK_NKEY_SEED"
"""The environment variable with the key that NATS lets its owner in by."""

KEYS = (SECRET_KEY, NKEY_SEED)
"""Environment variables that no process which runs user code has."""


class HomeError(PenstockError):
    """The state folder cannot be used as it is."""


class Home:
    """The state folder and what is where in it. Making one touches nothing; `prepare` does."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self.lock = self.folder / "lock"
        self.nats = self.folder / "nats"
        self.database = self.folder / "penstock.db"
        self.blobs = self.folder / "blobs"
        self.logs = self.folder / "logs"
        self.workers = self.folder / "workers"
        self.dags = self.folder / "dags"
        self.credentials = self.folder / "credentials.json"
        self.secret_key = self.folder / "secret.key"
        self.processes = self.folder / "processes.json"
        self.version = self.folder / "version"

    def __str__(self) -> str:
        return str(self.folder)

    def prepare(self, *, reserve: int = RESERVE) -> Home:
        """Make the folder usable and return it.

        Raises HomeError if it is no folder, may not be written, is of another version, or has
        less than `reserve` bytes free.
        """
        try:
            for folder in (self.folder, self.blobs, self.logs, self.workers):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._check_version()
            with tempfile.TemporaryFile(dir=self.folder) as file:
                file.write(b"\0" * 4096)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise HomeError(self._refusal(error)) from error
        free = shutil.disk_usage(self.folder).free
        if free < reserve:
            raise HomeError(
                f"{self}: the disk of this state folder is full: {free >> 20} MiB are free, "
                f"{reserve >> 20} MiB are needed. Make room, or choose another with --home."
            )
        return self

    def check(self) -> None:
        """Raise HomeError if somebody else's version of Penstock made this folder."""
        if self.version.exists():
            self._check_version()

    def _check_version(self) -> None:
        try:
            text = self.version.read_text("utf-8", "replace").strip()
        except FileNotFoundError:
            self.version.write_text(f"{LAYOUT}\n")
            return
        if text != str(LAYOUT):
            newer = "a newer" if text.isdigit() and int(text) > LAYOUT else "another"
            raise HomeError(
                f"{self}: this state folder was made by {newer} version of Penstock (layout "
                f"{text[:20]!r}; this one knows {LAYOUT}). Use that version, or another --home."
            )

    def _refusal(self, error: OSError) -> str:
        place = error.filename or self.folder
        what, remedy = {
            errno.EROFS: ("is on a read-only disk", "Choose another with --home."),
            errno.EACCES: ("may not be written", "Change its rights, or choose another: --home."),
            errno.EPERM: ("may not be written", "Change its rights, or choose another: --home."),
            errno.ENOSPC: ("is on a full disk", "Make room, or choose another with --home."),
            errno.EDQUOT: ("is over its quota", "Make room, or choose another with --home."),
            errno.ENOTDIR: ("is not a folder", "Choose another with --home."),
            errno.EEXIST: ("is not a folder", "Choose another with --home."),
        }.get(error.errno or 0, (f"cannot be used: {error.strerror}", "Choose another: --home."))
        return f"{self}: this state folder {what} ({place}). {remedy}"


def environment_without_keys() -> dict[str, str]:
    """Return this process's environment as one that runs user code may have it (law 11)."""
    return {name: value for name, value in os.environ.items() if name not in KEYS}


def default_home() -> Path:
    """Return PENSTOCK_HOME, else the folder for state that the XDG rules give."""
    named = os.environ.get("PENSTOCK_HOME")
    if named:
        return Path(named)
    state = os.environ.get("XDG_STATE_HOME", "")
    # The XDG rules say: a relative path there is to be ignored.
    root = Path(state) if os.path.isabs(state) else Path("~/.local/state").expanduser()
    return root / "penstock"
