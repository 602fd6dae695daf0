"""One state folder, one Penstock: an advisory lock that is held until its last user is dead.

nats-server does not lock its store, and two of them on one folder both come up. So the supervisor
locks the folder and lets each process it starts inherit the descriptor: the kernel lets go of the
lock when the last of them has ended, however it ended.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from penstock.errors import PenstockError

_PAUSE = 0.02


class FolderLockedError(PenstockError):
    """Another Penstock uses the state folder. pid: the process that locked it, 0 if unknown."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.pid = pid
        who = f"process {pid}" if pid else "another process"
        if pid and not _alive(pid):
            who = f"what process {pid} started (it has ended itself)"
        super().__init__(
            f"{folder}: another Penstock uses this state folder: {who}. "
            f"Stop it first, or choose another folder with --home."
        )


class FolderLock:
    """The lock on a state folder, held from `acquire` on; `fd` is what children inherit."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "lock"
        self.fd = -1

    def acquire(self, *, patience: float = 2.0) -> FolderLock:
        """Lock the folder, made if need be. Blocks the thread for at most `patience` seconds.

        The patience is for what a killed predecessor leaves: its nats-server ends a moment later.
        Raises FolderLockedError if somebody else keeps it, OSError if the folder is not writable.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                pid = _read_pid(fd)
                # Somebody alive and in charge will not go away within our patience.
                if time.monotonic() >= until or (pid and _alive(pid)):
                    os.close(fd)
                    raise FolderLockedError(self.folder, pid) from None
                time.sleep(_PAUSE)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self.fd = fd
        return self

    def release(self) -> None:
        """Let go of this process's hold; children that inherited it keep theirs."""
        if self.fd >= 0:
            os.ftruncate(self.fd, 0)  # who holds it from now on is not us
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> FolderLock:
        return self if self.fd >= 0 else self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.release()


def holder(folder: Path | str) -> int | None:
    """Return the pid that locked `folder`, 0 if it is locked by an unknown one, None if free."""
    try:
        fd = os.open(Path(folder) / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_pid(fd)
    finally:
        os.close(fd)
    return None


def _read_pid(fd: int) -> int:
    text = os.pread(fd, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
