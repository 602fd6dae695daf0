"""`penstock run`, for real: every process started, one run, everything gone."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .shell import Shell, ended, wait_for_line

ONE = """
    from penstock import DAG, Param, task
    with DAG("one", schedule="@daily", params={"n": Param(1, type="integer", minimum=0)}) as dag:
        @task
        def double(params=None, logical_date=None):
            print("doubling")
            return params["n"] * 2
        double()
"""
BAD = """
    from penstock import DAG, task
    with DAG("bad", schedule=None) as dag:
        @task(retries=1, retry_delay=0.01)
        def fetch():
            raise ValueError("the lake is empty")
        @task
        def train(data):
            pass
        train(fetch())
"""
SLOW = """
    import time
    from penstock import DAG, task
    with DAG("slow", schedule=None) as dag:
        @task
        def sleep():
            print("sleeping", flush=True)
            time.sleep(600)
        sleep()
"""
TWO = """
    from penstock import DAG
    from penstock.steps.empty import EmptyOperator
    for name in ("left", "right"):
        with DAG(name, schedule=None):
            EmptyOperator(task_id="only")
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_run_is_one_document_and_leaves_nothing(shell: Shell) -> None:
    shell.write("one.py", ONE)
    done = shell.penstock("run", "one.py", "--json", "--xcoms", "--run-id", "r1", "--param", "n=21")
    assert done.code == 0, done.err
    found = done.document
    assert (found["dag_id"], found["run_id"], found["state"]) == ("one", "r1", "success")
    (instance,) = found["tasks"]
    assert instance["started_at"] <= instance["ended_at"]
    del instance["started_at"], instance["ended_at"]
    assert instance == {
        "task_id": "double",
        "map_index": -1,
        "state": "success",
        "try_number": 1,
        "reason": "",
    }
    assert found["xcoms"] == [
        {"task_id": "double", "map_index": -1, "key": "return_value", "value": 42}
    ]
    assert shell.left() == []
    assert sorted(os.listdir(shell.folder)) == ["one.py", "temporary"]


def test_a_run_for_people_is_a_table(shell: Shell) -> None:
    shell.write("one.py", ONE)
    done = shell.penstock("run", "one.py", "--logical-date", "2026-01-31", "-v")
    assert done.code == 0, done.err
    heads, row, _, last = done.out.splitlines()
    assert heads.split() == ["task", "index", "state", "try", "took", "reason"]
    assert row.split()[:3] == ["double", "success", "1"]
    assert last.startswith("one/manual__2026-01-31T00:00:00.000000+00:00  success in ")
    assert "doubling" in done.err
    assert "double: success" in done.err


def test_a_failed_run_says_so_in_code_and_words(shell: Shell) -> None:
    shell.write("bad.py", BAD)
    done = shell.penstock("run", "bad.py", "--json")
    assert done.code == 1
    states = {
        task["task_id"]: (task["state"], task["try_number"]) for task in done.document["tasks"]
    }
    assert states == {"fetch": ("failed", 2), "train": ("upstream_failed", 0)}
    assert done.document["tasks"][0]["reason"] == "ValueError: the lake is empty"
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothere.py"], "there is no such file"),
        (["."], "is no file"),
        (["two.py"], "has 2 DAGs: say which one, as FILE::DAG_ID (left, right)"),
        (["two.py::middle"], "has no DAG 'middle' (it has: left, right)"),
        (["two.py::left", "--conf", "{"], "--conf is no JSON"),
        (["two.py::left", "--conf", "[]"], "has to be a JSON object"),
        (["two.py::left", "--param", "x"], "KEY=VALUE"),
        (["two.py::left", "--logical-date", "soon"], "is no date"),
        (["two.py::left", "--slots", "0"], "--slots"),
        (["one.py", "--param", "n=-1"], "-1 is less than the minimum of 0"),
        (["one.py", "--conf", '{"n": "x"}'], "'x' is not of type 'integer'"),
    ],
)
def test_wrong_use_is_a_sentence_and_code_2(
    shell: Shell, arguments: list[str], sentence: str
) -> None:
    shell.write("one.py", ONE)
    shell.write("two.py", TWO)
    done = shell.penstock("run", *arguments)
    assert done.code == 2, done.err
    assert sentence in done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert shell.left() == []


def test_one_dag_of_several_is_chosen(shell: Shell) -> None:
    shell.write("two.py", TWO)
    done = shell.penstock("run", "two.py::right", "--json")
    assert done.code == 0, done.err
    assert done.document["dag_id"] == "right"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1\ndef (\n", "bad.py:2: SyntaxError"),
        ("import nothing_of_this_name\n", "bad.py:1: "),
        ("while True:\n    pass\n", "longer than 1 s"),
        ("import os\nos._exit(3)\n", "ended"),
        ("x = 1\n", "there is no DAG in this file"),
        (
            "from penstock import DAG\nfrom penstock.steps.empty import EmptyOperator as E\n"
            "with DAG('c', schedule=None):\n    a = E(task_id='a')\n    b = E(task_id='b')\n"
            "    a >> b\n    b >> a\n",
            "cycle: a >> b >> a",
        ),
        (
            "from penstock import DAG\nfrom penstock.steps.empty import EmptyOperator as E\n"
            "with DAG('c', schedule=None):\n    E(task_id='a')\n    E(task_id='a')\n",
            "bad.py:5: ",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_a_sentence_and_code_1(
    shell: Shell, text: str, sentence: str
) -> None:
    (shell.folder / "bad.py").write_text(text)
    done = shell.penstock("run", "bad.py", "--json", PENSTOCK_PARSE_SECONDS="1")
    assert done.code == 1, done.err
    assert sentence in done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert shell.left() == []


def test_a_named_home_keeps_the_runs(shell: Shell) -> None:
    shell.write("one.py", ONE)
    first = shell.penstock("run", "one.py", "--home", "home", "--run-id", "a", "--json", "--xcoms")
    again = shell.penstock("run", "one.py", "--home", "home", "--run-id", "a")
    assert first.code == 0, first.err
    assert again.code == 2
    assert "has a run 'a' already" in again.err
    shown = shell.penstock("runs", "show", "a", "--home", "home", "--json", "--xcoms")
    assert shown.document == first.document
    listed = shell.penstock("runs", "list", "--home", "home", "--json")
    assert [run["run_id"] for run in listed.document] == ["a"]
    checked = shell.penstock("db", "check", "--home", "home", "--json")
    assert checked.document["ok"] is True, checked.out
    story = shell.penstock("story", "one/a", "--home", "home", "--json").document["events"]
    assert story[0]["kind"] == "run.triggered"
    assert story[-1]["caused_by"] == story[0]["id"]
    why = shell.penstock("explain", "a", "double", "--home", "home")
    assert why.out == "Task 'double' is success, try 1 of 1\n"


def test_ctrl_c_cancels_the_run_and_leaves_nothing_running(shell: Shell) -> None:
    shell.write("slow.py", SLOW)
    process = shell.start("run", "slow.py", "-v", "--home", "home")
    wait_for_line(process, "sleeping")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert err.endswith("penstock: interrupted\n")
    (run,) = shell.penstock("runs", "list", "--home", "home", "--json").document
    assert run["state"] == "failed"
    assert shell.left() == []


def test_a_killed_command_takes_its_processes_with_it(shell: Shell) -> None:
    shell.write("slow.py", SLOW)
    process = shell.start("run", "slow.py", "-v", "--home", "home")
    wait_for_line(process, "sleeping")
    status = shell.penstock("status", "--home", "home", "--json").document
    roles = {one["role"] for one in status["processes"]}
    assert roles == {"supervisor", "nats", "coordinator", "worker", "template", "child"}
    process.kill()
    process.communicate()
    assert all(ended(one["pid"]) for one in status["processes"])


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
@pytest.mark.parametrize(
    ("options", "sentence"), [("ro", "read-only disk"), ("size=1m", "is full: 0 MiB are free")]
)
def test_a_home_that_cannot_be_used_is_a_sentence(
    shell: Shell, options: str, sentence: str
) -> None:
    shell.write("one.py", ONE)
    with mounted(shell.folder / "disk", options) as disk:
        for verb in (["run", "one.py"], ["up", "--dags", "."]):
            done = shell.penstock(*verb, "--home", disk)
            assert done.code == 1
            assert sentence in done.err
            assert "Traceback" not in done.err
        assert shell.penstock("doctor", "--home", disk).code == 1


def test_a_home_of_another_version_is_refused(shell: Shell) -> None:
    shell.write("one.py", ONE)
    shell.write("home/version", "999")
    done = shell.penstock("run", "one.py", "--home", "home")
    assert done.code == 1
    assert "made by a newer version" in done.err


def test_no_nats_server_says_how_to_get_one(shell: Shell) -> None:
    shell.write("one.py", ONE)
    done = shell.penstock("run", "one.py", PENSTOCK_NATS_SERVER="/nowhere/nats-server")
    assert done.code == 1
    assert "PENSTOCK_NATS_SERVER names '/nowhere/nats-server'" in done.err
    assert shell.left() == []
