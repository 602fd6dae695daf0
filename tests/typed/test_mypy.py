"""mypy --strict on a user's project, with the plugin: right wirings pass, wrong ones do not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

RIGHT = """
from datetime import timedelta
from typing import Any

from penstock import DAG, BashOperator, Param, TaskGroup, XComArg, chain, dag
from penstock import setup, task, task_group, teardown


@task
def load(path: str, ti: Any, limit: int = 10) -> list[int]:
    return [len(path), limit, ti.try_number]


@task(retries=2, retry_delay=timedelta(seconds=1))
def total(numbers: list[int], more: int | None = None) -> int:
    return sum(numbers) + (more or 0)


@task
async def fetch(url: str) -> dict[str, int]:
    return {url: 1}


@task.branch
def choose(count: int) -> str | list[str]:
    return "report" if count > 3 else []


@task.bash
def say(word: str) -> str:
    return f"echo {word}"


@task
def report(counts: dict[str, int], *values: int, **context: Any) -> None:
    print(counts, values, context["ds"])


@setup
def up(size: int) -> str:
    return "a" * size


@teardown(on_failure_fail_dagrun=True)
def down(name: str) -> None: ...


@task_group(tooltip="twice")
def twice(count: int) -> Any:
    return choose(count)


@task_group
def bare() -> None:
    say("bare")


@dag
def plain(limit: int = 5) -> None:
    twice(total([limit]))
    bare() >> say("x")


@dag(schedule="@daily", params={"path": Param("a", type="string")})
def nightly() -> None:
    numbers = load("a")
    first: XComArg[int] = total(numbers)
    second = total([1, first, 2], more=first)
    counts = fetch("here")
    with TaskGroup("end"):
        report(counts, first, 3)
        report({"a": second, "b": 2})
        report(counts=counts)
    first >> choose(first) >> [say("no"), BashOperator(task_id="bye", bash_command="true")]
    total.override(task_id="again", retries=3)(numbers)
    total.partial(more=1).expand(numbers=[[1], [2]])
    chain(first, second)
    cluster = up(3)
    with cluster >> down(cluster):
        total(numbers.map(lambda number: number + 1))


nightly()
made: DAG = plain(limit=3)
with DAG("context") as here:
    total(load("b", limit=total([1])))
    here.get_task("load").set_downstream(total(load("c")))
"""

WRONG = """
from penstock import task


@task
def name() -> str:
    return "a"


@task
def double(x: int, *, times: int = 2) -> int:
    return x * times


double(name())  # refused
double("a")  # refused
double(1, times=name())  # refused
double()  # refused
double(1, 2)  # refused
double(1, time=3)  # refused
double(double(1), times=double(2))
double.override(retries=1)(name())  # refused
"""


ROOT = Path(__file__).parents[2]


def marked(source: str) -> set[int]:
    return {number for number, line in enumerate(source.splitlines(), 1) if "# refused" in line}


def test_right_and_wrong_wirings(tmp_path: Path) -> None:
    """The package is laid out as it is installed, since mypy follows no import hooks."""
    api = pytest.importorskip("mypy.api")
    package = tmp_path / "installed" / "penstock"
    package.mkdir(parents=True)
    for inside in [*(ROOT / "engine").iterdir(), ROOT / "events", ROOT / "steps"]:
        (package / inside.name).symlink_to(inside)
    config = tmp_path / "pyproject.toml"
    config.write_text(
        f"""
        [tool.mypy]
        strict = true
        follow_imports = "silent"
        mypy_path = "{package.parent}"
        plugins = ["penstock.mypy_plugin"]
        """
    )
    for name, source in (("right", RIGHT), ("wrong", WRONG)):
        (tmp_path / f"{name}.py").write_text(source)
    files = [str(tmp_path / name) for name in ("right.py", "wrong.py")]
    cache = ["--cache-dir", str(tmp_path / "cache")]
    said, trouble, _ = api.run(["--config-file", str(config), *cache, *files])
    assert not trouble
    assert "right.py" not in said, said
    assert {int(line) for line in re.findall(r"wrong\.py:(\d+): error", said)} == marked(WRONG), (
        said
    )
