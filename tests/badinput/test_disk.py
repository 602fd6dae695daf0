"""A disk that fills up under a daemon, and has room again: a small one, mounted for the test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Shell

from .daemon import daemon

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount"),
]

DAGS = """
    import os, time
    from penstock import DAG, task
    with DAG("steps", schedule=None):
        @task
        def step(n):
            time.sleep(0.2)
            with open(os.environ["STEPS"], "a") as file:
                file.write(f"{n}\\n")
            return n
        step.expand(n=list(range(40)))
    with DAG("large", schedule=None):
        @task
        def large():
            return os.urandom(150_000_000)
        @task
        def beside():
            return "beside"
        large()
        beside()
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(file: Path, *, leave: int = 0) -> None:
    """Write until `leave` bytes are free; 0: until nothing fits any more."""
    there = os.statvfs(file.parent)
    size = there.f_bavail * there.f_frsize - leave
    with open(file, "wb", buffering=0) as opened:
        for _ in range(size // (1 << 20) if leave else 1 << 20):
            try:
                if opened.write(b"\0" * (1 << 20)) < 1 << 20:
                    return
            except OSError:
                return


def test_a_full_disk_is_waited_out_and_nothing_is_lost(tmp_path: Path, disk: Path) -> None:
    shell = Shell(tmp_path)
    shell.write("dags/dags.py", DAGS)
    done = tmp_path / "steps"
    with daemon(shell, home=disk / "home", STEPS=str(done)) as up:
        up.until_known("steps")
        assert up("trigger", "steps", "--run-id", "r").code == 0
        up.until(lambda: done.exists() and len(done.read_text().split()) > 3)

        fill(disk / "first", leave=30 << 20)
        up.until(lambda: "is nearly full" in up.said)
        refused = up("trigger", "good")
        assert refused.code == 1
        assert "64 MiB are kept for runs under way. No new run is taken until" in refused.err

        fill(disk / "second")
        up.until(lambda: "the projection waits" in up.said)
        up.until(lambda: b"no space left" in (up.home / "nats" / "nats.log").read_bytes())
        trouble = up("status", "--json").document["coordinator"]["trouble"]
        assert "no room left on its disk. Make room, and it goes on" in trouble

        (disk / "first").unlink()
        (disk / "second").unlink()
        up.until(lambda: "has room again" in up.said)
        up.until(lambda: up("runs", "show", "r", "--json").document["ended_at"])
        found = up("runs", "show", "r", "--json").document
        assert found["state"] == "success"
        assert {one["try_number"] for one in found["tasks"]} == {1}
        assert sorted(map(int, done.read_text().split())) == list(range(40))
        assert up("status", "--json").document["coordinator"]["trouble"] == ""
        assert up("db", "check", "--json").document["differences"] == []
        up.goes_on()


def test_a_value_that_the_disk_has_no_room_for_fails_its_task_alone(
    tmp_path: Path, disk: Path
) -> None:
    shell = Shell(tmp_path)
    shell.write("dags/dags.py", DAGS)
    with daemon(shell, home=disk / "home", STEPS=str(tmp_path / "steps")) as up:
        up.until_known("large")
        failed = up("trigger", "large", "--run-id", "r", "--wait")
        assert failed.code == 1
        found = up.run("r")
        assert "the disk has no room for an XCom" in found["large"]["reason"]
        assert "Make room, or save the value elsewhere" in found["large"]["reason"]
        assert found["beside"]["state"] == "success"
        assert not [one for one in (up.home / "blobs").rglob("*") if one.is_file()]
        up.goes_on()
