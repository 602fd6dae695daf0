"""Sizes as people write them, and the limit that a task's memory gets by one."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from penstock.cli.sizes import parse_size

from .shell import Shell

GREEDY = """
    import time
    from penstock import DAG, task
    with DAG("greedy"):
        @task
        def take():
            taken = b"1" * 400_000_000
            time.sleep(60)
        take()
"""


@pytest.mark.parametrize(
    ("written", "size"),
    [("0", 0), ("4096", 4096), ("1k", 1024), ("1.5 M", 1_572_864), ("2GB", 2**31), ("2GiB", 2**31)],
)
def test_a_size_is_bytes_or_has_a_unit(written: str, size: int) -> None:
    assert parse_size(written) == size


@pytest.mark.parametrize("written", ["", "-1", "two", "1X", "G"])
def test_what_is_no_size_is_refused(written: str) -> None:
    with pytest.raises(click.BadParameter, match="is no size"):
        parse_size(written)


def test_a_run_keeps_its_tasks_within_the_memory_that_was_said(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.write("greedy.py", GREEDY)
    done = shell.penstock("run", "greedy.py", "--memory-limit", "200M", "--json")
    assert done.code == 1
    (instance,) = done.document["tasks"]
    assert "memory" in instance["reason"]
