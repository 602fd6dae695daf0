"""`penstock up` and all that talks to it, for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .shell import Done, Shell, ended, wait_for_line

DAGS = """
    import time
    from penstock import DAG, Param, task
    with DAG("one", schedule="@daily", params={"n": Param(1, type="integer")}, tags=["a"]) as dag:
        @task
        def double(params=None):
            print("doubling", params["n"])
            return params["n"] * 2
        @task
        def show(value):
            print("showing", value)
        show(double())

    with DAG("wide", schedule=None):
        @task
        def each(n):
            return n
        each.expand(n=list(range(20)))

    with DAG("slow", schedule=None):
        @task
        def count():
            for number in range(600):
                print("counted", number, flush=True)
                time.sleep(0.1)
        count()

    with DAG("bad", schedule=None):
        @task
        def fail():
            raise ValueError("the lake is empty")
        fail()
"""
FAR = """
    import os
    from penstock import DAG, task
    with DAG("far", schedule=None):
        @task(queue="far")
        def worker():
            return [os.environ["WHERE"], os.environ.get("PENSTOCK_NKEY_SEED")]
        worker()
"""
EMPTY = """
    from penstock import DAG
    from penstock.steps.empty import EmptyOperator
    with DAG("empty", schedule=None):
        EmptyOperator(task_id="only")
"""


class Daemon(NamedTuple):
    """A daemon that runs, and the shell to ask it with."""

    shell: Shell
    home: Path
    process: subprocess.Popen[str]

    def __call__(self, *arguments: object) -> Done:
        return self.shell.penstock(*arguments, "--home", self.home)

    def pids(self) -> dict[str, int]:
        """Of every process, by role."""
        found = self("status", "--json").document["processes"]
        return {one["role"]: one["pid"] for one in found}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    shell = Shell(tmp_path_factory.mktemp("up"))
    shell.write("dags/all.py", DAGS)
    shell.write("dags/broken.py", "from penstock import dag\ndef (\n")
    home = shell.folder / "home"
    with shell.up(home, "--dags", "dags", "--slots", "2") as process:
        yield Daemon(shell, home, process)


def until_parsed(up: Daemon) -> None:
    """The folder is parsed at the start; a trigger of what is not there yet would be refused."""
    while len(up("dags", "list", "--json").document) < 4:
        pass


def test_status_lists_every_process(up: Daemon) -> None:
    found = up("status", "--json").document
    roles = [one["role"] for one in found["processes"]]
    assert roles[:4] == ["supervisor", "nats", "coordinator", "worker"]
    for one in found["processes"]:
        assert one["state"] == "running"
        assert one["rss_bytes"] > 1_000_000
        assert one["uptime_s"] > 0
    assert found["coordinator"]["workers"][0]["slots"] == 2
    assert "supervisor" in up("status").out


def test_dags_are_listed_and_shown_and_their_errors_too(up: Daemon) -> None:
    until_parsed(up)
    assert [dag["dag_id"] for dag in up("dags", "list", "--json").document] == [
        *("bad", "one", "slow", "wide")
    ]
    one = up("dags", "show", "one", "--json").document
    assert [task["task_id"] for task in one["tasks"]] == ["double", "show"]
    assert one["tags"] == ["a"]
    assert "double" in up("dags", "show", "one").out
    errors = up("dags", "errors", "--json")
    assert errors.code == 1
    (error,) = errors.document
    assert error["file"].endswith("broken.py")
    assert "SyntaxError" in error["error"]
    unknown = up("dags", "show", "won")
    assert unknown.code == 2
    assert "Did you mean 'one'?" in unknown.err


def test_trigger_answers_at_once_or_waits_for_the_end(up: Daemon) -> None:
    until_parsed(up)
    begun = up("trigger", "one", "--run-id", "begun", "--json")
    assert begun.code == 0, begun.err
    assert begun.document.keys() == {"dag_id", "run_id", "state"}
    done = up("trigger", "one", "--run-id", "waited", "--param", "n=4", "--wait", "--json")
    assert done.code == 0, done.err
    assert done.document == {"dag_id": "one", "run_id": "waited", "state": "success"}
    shown = up("runs", "show", "waited", "--xcoms", "--json").document
    assert [task["state"] for task in shown["tasks"]] == ["success", "success"]
    assert shown["xcoms"][0]["value"] == 8
    failed = up("trigger", "bad", "--wait")
    assert failed.code == 1
    assert "ValueError: the lake is empty" in failed.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trigger", "nope"], "no DAG 'nope'"),
        (["trigger", "one", "--conf", "[1]"], "JSON object"),
        (["trigger", "one", "--param", "n=x"], "'x' is not of type 'integer'"),
        (["runs", "show", "nope"], "There is no run 'nope'"),
        (["runs", "cancel", "nope"], "There is no run 'nope'"),
        (["explain", "nope"], "There is no run 'nope'"),
        (["story", "nope"], "There is no run 'nope'"),
        (["logs", "nope", "task"], "There is no run 'nope'"),
        (["dags", "pause", "nope"], "There is no DAG 'nope'"),
        (["pool", "delete", "nope"], "There is no pool 'nope'"),
        (["pool", "delete", "default_pool"], "cannot be deleted"),
        (["variables", "get", "nope"], "There is no variable 'nope'"),
    ],
)
def test_wrong_use_is_a_sentence_and_code_2(
    up: Daemon, arguments: list[str], sentence: str
) -> None:
    until_parsed(up)
    done = up(*arguments)
    assert done.code == 2, done.err
    assert sentence in done.err
    assert done.out == ""


def test_logs_are_those_of_the_instance_that_is_named(up: Daemon) -> None:
    until_parsed(up)
    assert up("trigger", "one", "--run-id", "logged", "--param", "n=5", "--wait").code == 0
    assert "doubling 5" in up("logs", "logged", "double").out
    found = up("logs", "one/logged", "show", "--json").document
    assert found["lines"][0]["text"] == "showing 10"
    assert (found["map_index"], found["try_number"]) == (-1, 1)
    assert up("trigger", "wide", "--run-id", "wide", "--wait").code == 0
    mapped = up("logs", "wide", "each")
    assert mapped.code == 2
    assert "say which with --map-index, 0 to 19" in mapped.err
    assert up("logs", "wide", "each", "--map-index", "7").code == 0
    assert up("logs", "wide", "each", "--map-index", "20").code == 2
    assert up("logs", "wide", "nope").code == 2


def test_a_run_is_followed_explained_and_cancelled(up: Daemon) -> None:
    until_parsed(up)
    assert up("trigger", "slow", "--run-id", "slow").code == 0
    following = up.shell.start("logs", "slow", "count", "--follow", "--home", up.home)
    assert following.stdout is not None
    assert "counted 0" in following.stdout.readline()
    assert "running" in up("explain", "slow", "count").out
    cancelled = up("runs", "cancel", "slow", "--json").document
    assert cancelled["state"] == "failed"
    _, err = following.communicate(timeout=30)
    assert following.returncode == 0, err
    kinds = [event["kind"] for event in up("story", "slow", "--json").document["events"]]
    assert kinds[0] == "run.triggered"
    assert "run.cancelled" in kinds


def test_a_schedule_is_switched_and_told(up: Daemon) -> None:
    until_parsed(up)
    ticks = up("dags", "next", "one", "--count", "2", "--json").document
    first, second = (tick["logical_date"] for tick in ticks["next"])
    assert first < second
    assert first.endswith("T00:00:00.000000Z")
    assert up("dags", "pause", "one", "--json").document["paused"] is True
    shown = up("dags", "next", "one")
    assert shown.out.splitlines()[0] == "one: daily at 00:00 (UTC)"
    assert shown.out.splitlines()[2].startswith(f"{first[:10]} 00:00:00  ")
    assert "is paused" in shown.err
    assert up("dags", "unpause", "one", "--json").document["paused"] is False


def test_pools_and_variables_are_set_and_deleted(up: Daemon) -> None:
    assert up("pool", "set", "gpu", "2").code == 0
    pools = {pool["name"]: pool["slots"] for pool in up("pool", "list", "--json").document}
    assert pools["gpu"] == 2
    assert up("pool", "delete", "gpu").code == 0
    assert up("variables", "set", "lake", "full").code == 0
    assert up("variables", "get", "lake").out == "full\n"
    assert up("variables", "list", "--json").document == [{"key": "lake", "value": "full"}]
    assert up("variables", "delete", "lake").code == 0
    assert up("variables", "list", "--json").document == []


def test_a_daemon_elsewhere_is_asked_by_address_and_key(up: Daemon) -> None:
    until_parsed(up)
    added = up("access", "add", "laptop", "--role", "admin", "--json").document
    elsewhere = {"PENSTOCK_NATS": added["url"], "PENSTOCK_NKEY_SEED": added["nkey_seed"]}
    done = up.shell.penstock("trigger", "one", "--wait", "--json", **elsewhere)
    assert done.code == 0, done.err
    assert up("access", "remove", "laptop").code == 0
    refused = up.shell.penstock("trigger", "one", **elsewhere)
    assert refused.code == 1
    assert "No Penstock can be reached" in refused.err


def test_a_second_daemon_is_refused_with_the_first_one_s_pid(up: Daemon) -> None:
    done = up("up", "--dags", "dags")
    assert done.code == 1
    assert f"process {up.process.pid}" in done.err
    assert up.pids()["supervisor"] == up.process.pid


def test_a_port_that_is_taken_is_a_sentence(up: Daemon) -> None:
    url = json.loads((up.home / "credentials.json").read_text())["url"]
    other = up.shell.folder / "other"
    done = up.shell.penstock("up", "--home", other, "--nats-port", url.rpartition(":")[2])
    assert done.code == 1
    assert "address already in use" in done.err


def test_run_on_a_running_daemon_s_home_is_that_daemon_s_run(up: Daemon) -> None:
    up.shell.write("more.py", EMPTY)
    done = up("run", "more.py", "--run-id", "handed", "--json")
    assert done.code == 0, done.err
    assert up("runs", "show", "handed", "--json").document["dag_id"] == "empty"
    up.shell.write("clash.py", EMPTY.replace('"empty"', '"one"'))
    clash = up("run", "clash.py")
    assert clash.code == 2
    assert "has the id of one that is registered from" in clash.err


def test_doctor_finds_the_daemon_well(up: Daemon) -> None:
    done = up("doctor", "--json")
    assert done.code == 0, done.out
    found = {one["what"]: one["state"] for one in done.document["findings"]}
    assert found["nats-server"] == found["daemon"] == found["state folder"] == "ok"


@pytest.mark.parametrize("role", ["worker", "coordinator", "nats"])
def test_a_role_that_is_killed_comes_back_and_the_run_goes_on(up: Daemon, role: str) -> None:
    until_parsed(up)
    before = up.pids()[role]
    os.kill(before, signal.SIGKILL)
    done = up("trigger", "one", "--wait", "--json")
    assert done.code == 0, done.err
    assert up.pids()[role] != before
    found: list[Any] = up("status", "--json").document["processes"]
    assert next(one["restarts"] for one in found if one["role"] == role) >= 1


def credentials(up: Daemon) -> dict[str, str]:
    return dict(json.loads((up.home / "credentials.json").read_text()))


def end(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    return process.returncode


def test_a_worker_elsewhere_takes_its_queue_s_tasks(up: Daemon) -> None:
    keys = credentials(up)
    place = ("--nats", keys["url"], "--home", up.shell.folder / "elsewhere")
    seed = {"PENSTOCK_NKEY_SEED": keys["worker"], "WHERE": "elsewhere"}
    worker = up.shell.start("worker", "--slots", "1", "--queue", "far", *place, **seed)
    try:
        while len(up("status", "--json").document["coordinator"]["workers"]) < 2:
            assert worker.poll() is None
        up.shell.write("far.py", FAR)
        done = up("run", "far.py", "--xcoms", "--json")
        assert done.code == 0, done.err
        assert done.document["xcoms"][0]["value"] == ["elsewhere", None]
    finally:
        assert end(worker) == 0


def test_a_second_coordinator_stands_by(up: Daemon) -> None:
    keys = credentials(up)
    place = ("--nats", keys["url"], "--home", up.shell.folder / "standby")
    standby = up.shell.start("coordinator", *place, PENSTOCK_NKEY_SEED=keys["coordinator"])
    database = up.shell.folder / "standby" / "penstock.db"
    try:
        while not database.exists():
            assert standby.poll() is None
        before = up("status", "--json").document["coordinator"]["leader"]
        assert up("trigger", "one", "--wait").code == 0
        assert up("status", "--json").document["coordinator"]["leader"] == before
    finally:
        assert end(standby) == 0


def test_nats_alone_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    process = shell.start("nats", "--home", tmp_path / "home")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("nats-server listens at nats://127.0.0.1:")
    second = shell.penstock("nats", "--home", tmp_path / "home")
    assert second.code == 1
    assert f"process {process.pid}" in second.err
    assert end(process) == 0


def test_the_database_agrees_with_the_log(up: Daemon) -> None:
    done = up("db", "check", "--json")
    assert done.document["differences"] == []


def test_sigterm_drains_and_a_killed_supervisor_leaves_a_folder_that_starts(
    tmp_path: Path,
) -> None:
    shell = Shell(tmp_path)
    shell.write("dags/all.py", DAGS)
    home = tmp_path / "home"
    with shell.up(home) as process:
        up = Daemon(shell, home, process)
        until_parsed(up)
        first = up.pids()
        process.kill()
        process.wait()
        assert all(ended(pid) for pid in first.values())
    assert shell.penstock("runs", "list", "--home", home).code == 0
    with shell.up(home) as process:
        up = Daemon(shell, home, process)
        second = up.pids()
        assert up("trigger", "one", "--wait").code == 0
        process.send_signal(signal.SIGTERM)
        wait_for_line(process, "penstock: stopped")
        assert process.wait(timeout=30) == 0
        assert all(ended(pid) for pid in second.values())
    assert shell.penstock("status", "--home", home).code == 1


def test_two_runs_of_one_moment_have_ids_of_their_own_also_when_one_is_over(up: Daemon) -> None:
    asked = ("trigger", "one", "--logical-date", "2020-02-02", "--wait", "--json")
    ids = [up(*asked).document["run_id"] for _ in range(3)]
    first = "manual__2020-02-02T00:00:00.000000+00:00"
    assert ids == [first, f"{first}_2", f"{first}_3"]


def test_a_dag_can_be_triggered_as_soon_as_the_daemon_answers(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    slow = EMPTY.replace("with DAG", "import time; time.sleep(2)\n    with DAG")
    shell.write("dags/empty.py", slow)
    with shell.up(tmp_path / "home", "--dags", "dags", "--slots", "1"):
        done = shell.penstock("trigger", "empty", "--wait", "--home", tmp_path / "home")
        assert done.code == 0, done.err


def test_logs_say_why_there_are_none(up: Daemon) -> None:
    until_parsed(up)
    up("trigger", "one", "--run-id", "silent", "--wait")
    third = up("logs", "silent", "show", "--try", "3")
    assert third.code == 2
    assert "Task 'show' of run silent has had no try 3: 1 so far." in third.err


def test_an_ended_run_is_explained_as_a_live_one_is(up: Daemon) -> None:
    until_parsed(up)
    up("trigger", "bad", "--run-id", "sunk", "--wait")
    run, task = up("explain", "sunk").out.splitlines()
    assert run.startswith("Run bad/sunk is failed since 20")
    assert run.endswith("Z: failed: 'fail': ValueError: the lake is empty")
    assert task == "Task 'fail' is failed, try 1 of 1: ValueError: the lake is empty"


def test_a_schedule_is_shown_with_its_time_zone(up: Daemon) -> None:
    until_parsed(up)
    assert "@daily (UTC)" in up("dags", "show", "one").out


def test_an_empty_home_has_no_database_to_check(tmp_path: Path) -> None:
    checked = Shell(tmp_path).penstock("db", "check", "--home", tmp_path / "none")
    assert (checked.code, "nothing has run there" in checked.err) == (1, True)
    assert not (tmp_path / "none").exists()
