"""What a shell may do to a command's streams: close them, fill them, read them without colours."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

PENSTOCK = [sys.executable, "-m", "penstock.cli"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_bug(closed: str) -> None:
    command = f"{sys.executable} -m penstock.cli version --json {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_an_answer_that_cannot_be_written_is_a_sentence() -> None:
    for options in ([], ["--json"]):
        with open("/dev/full", "w") as full:
            command = [*PENSTOCK, "version", *options]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 1
        assert done.stderr.startswith("penstock: ")
        assert "No space left on device" in done.stderr
        assert "bug" not in done.stderr


def seen_on_a_terminal(command: list[str], **environment: str) -> str:
    ours, theirs = pty.openpty()
    named = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    subprocess.run(command, stdout=theirs, stderr=theirs, env=named | environment)
    os.close(theirs)
    said = b""
    while True:
        try:
            said += os.read(ours, 65536)
        except OSError:  # all is read: nobody has the other end any more
            os.close(ours)
            return said.decode()


def test_colours_are_left_out_where_they_are_not_wanted(tmp_path: Path) -> None:
    command = [*PENSTOCK, "doctor", "--home", str(tmp_path)]
    assert "\x1b[" in seen_on_a_terminal(command, TERM="xterm")
    assert "\x1b[" not in seen_on_a_terminal(command, TERM="xterm", NO_COLOR="1")
    assert "\x1b[" not in seen_on_a_terminal(command, TERM="dumb")
