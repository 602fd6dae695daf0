"""Is there room on the disk for one more run? Below a reserve nothing new is begun.

The reserve is for what is under way: its outcomes have to be stored. Who asks for a run is told; a
published request stays in its stream and is taken up again, a schedule's tick is made later. The
disk is that of the projection, which on one machine is that of everything.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from penstock.errors import PenstockError
from penstock.home import INTAKE_RESERVE


class NoRoomError(PenstockError):
    """The disk is too full for a new run; it can be asked for again once there is room."""


class Room:
    """folder: on the disk that counts. reserve: bytes. Each question looks anew: 2 us."""

    def __init__(self, folder: Path, reserve: int = INTAKE_RESERVE) -> None:
        self.folder, self.reserve = folder, reserve

    @property
    def trouble(self) -> str:
        """Why there is no room, "" if there is."""
        try:
            free = shutil.disk_usage(self.folder).free
        except OSError:
            return ""  # whoever writes there finds out, and says more
        if free >= self.reserve:
            return ""
        return (
            f"{self.folder}: the disk is nearly full: {free >> 20} MiB are free, "
            f"{self.reserve >> 20} MiB are kept for runs under way. No new run is taken until "
            "there is room"
        )

    def check(self) -> None:
        """Raise NoRoomError unless a new run may begin."""
        trouble = self.trouble
        if trouble:
            raise NoRoomError(trouble)
