"""`penstock bench`: the cheap measures are taken for real, figures are judged by their aims."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from penstock.bench import measures, processes
from penstock.bench.figures import Figure, rows
from penstock.bench.yardstick import WORK, Pool, pool, seconds

from .shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_measure_that_there_is_not_is_refused_with_those_that_there_are(shell: Shell) -> None:
    done = shell.penstock("bench", "--only", "fan")
    assert done.code == 2
    assert "fan: there is no such measure" in done.err
    assert ", ".join(measures.NAMES) in done.err


def test_the_chain_is_measured_beside_a_bare_pool_and_nothing_is_left_behind(shell: Shell) -> None:
    done = shell.penstock("bench", "--only", "chain40", "--only", "help", "--repeat", "1", "--json")
    assert done.code == 0, done.err
    figures = {one["name"]: one for one in done.document["figures"]}
    assert list(figures) == ["help", "publish", "hop", "chain40"]
    assert 40 * figures["hop"]["value"] / 1000 < 4 * figures["chain40"]["value"]
    assert set(figures["chain40"]["peers"]) == {"pool"}
    assert figures["hop"]["aim"] == max(1.5, 2.5 * figures["publish"]["value"])
    assert figures["chain40"]["met"] is (figures["chain40"]["value"] <= 0.08)
    assert done.document["machine"]["cores"] >= 1
    assert shell.left() == []


@pytest.mark.skipif(sys.platform != "linux", reason="what processes use is read from /proc")
def test_an_idle_stack_is_weighed_with_all_its_processes(shell: Shell) -> None:
    done = shell.penstock("bench", "--only", "idle")
    assert done.code == 0, done.err
    memory = next(line for line in done.out.splitlines() if line.startswith("idle, PSS"))
    assert 30 < float(memory.split("MB")[0].split()[-1]) < 1000


def test_what_ends_while_it_is_looked_at_weighs_nothing() -> None:
    gone = 2**22 + 1
    assert processes.pss_bytes(gone) == processes.peak_bytes(gone) == 0
    assert processes.cpu_seconds(gone) == 0.0


def test_every_work_has_a_measure_and_every_measure_its_dag_files() -> None:
    assert set(WORK) <= set(measures.ON_STACK)
    files = {file for _, files in measures.ON_STACK.values() for file in files} | {"one"}
    assert files == {path.stem for path in measures.DAGS.glob("[a-z]*.py")}


def test_the_bare_pool_does_the_chain() -> None:
    with pool() as peer:
        assert isinstance(peer, Pool)
        assert seconds(peer, "chain40") > 0


def test_an_aim_is_a_ceiling_or_a_floor() -> None:
    slow = Figure(name="hop", what="hop", unit="ms", value=3.0, aim=1.5, peers={"pool": 0.3})
    wide = Figure(name="fan", what="fan", unit="tasks/s", value=6000.0, aim=5000.0, more=True)
    unknown = Figure(name="memory", what="memory", unit="MB", aim=200.0)
    assert (slow.met, wide.met, unknown.met) == (False, True, None)
    heads, lines = rows([slow, wide, unknown])
    assert heads == ["measure", "figure", "unit", "aim", "met", "pool"]
    assert lines == [
        ["hop", "3", "ms", "<= 1.5", "no", "0.3 (10.00x)"],
        ["fan", "6,000", "tasks/s", ">= 5,000", "yes", ""],
        ["memory", "-", "MB", "<= 200", "", ""],
    ]
