"""The command line as a shell sees it: processes, exit codes, what is printed where."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

SECONDS = 60


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Shell:
    """Runs `penstock` in a folder, with temporary files in a folder that can be looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        named = ("PENSTOCK_", "XDG_")
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(named)
        }
        self.environment |= {"TMPDIR": str(self.temporary), "HOME": str(folder)}

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def start(self, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "penstock.cli", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def penstock(self, *arguments: object, **environment: str) -> Done:
        """Run a command to its end."""
        process = self.start(*arguments, **environment)
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate()
            raise AssertionError(f"penstock {arguments} did not end\n{out}\n{err}") from None
        return Done(process.returncode, out, err)

    def left(self) -> list[str]:
        """What lies in the folder for temporary files."""
        return sorted(os.listdir(self.temporary))

    @contextmanager
    def up(self, home: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
        """Run a daemon while the block runs; it is up when the block begins."""
        process = self.start("up", "--home", home, *arguments)
        said = []
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if line.startswith("penstock: up."):
                break
        else:
            raise AssertionError("penstock up ended:\n" + "".join(said))
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=SECONDS)


def wait_for_line(process: subprocess.Popen[str], text: str) -> str:
    """Return the first line on stderr that has the text."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if text in line:
            return line
    raise AssertionError(f"no {text!r} in:\n" + "".join(said))


def ended(pid: int, *, seconds: float = 20) -> bool:
    """Wait until a process that is not our child has ended."""
    import select

    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)
