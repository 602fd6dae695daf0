"""Tasks that misbehave: each ends with a sentence, what is beside it goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.cli.shell import Shell

from .daemon import Daemon, daemon

TASKS = """
    import datetime, os, sys, threading, time, signal
    from penstock import DAG, task

    def deep():
        value = []
        for _ in range(100_000):
            value = [value]
        return value

    def surrogate_error():
        raise ValueError("half \\ud800")

    def unsayable_error():
        class Unsayable(Exception):
            def __str__(self):
                raise RuntimeError("no")
        raise Unsayable()

    def long_error():
        raise ValueError("x" * 20_000_000)

    def red_error():
        raise ValueError("first\\nsecond \\x1b[31mred")

    def unpicklable():
        return threading.Lock()

    def segfault():
        os.kill(os.getpid(), signal.SIGSEGV)

    def killed():
        os.kill(os.getpid(), signal.SIGKILL)

    def exits():
        os._exit(7)

    def interrupted():
        raise KeyboardInterrupt

    def recursion():
        return recursion()

    def endless():
        while True:
            pass

    class Endless:
        def __reduce__(self):
            while True:
                pass

    def endless_pickle():
        return Endless()

    class Bomb:
        def __reduce__(self):
            return os._exit, (9,)

    def forks():
        pid = os.fork()
        if pid == 0:
            return "copy"
        os.waitpid(pid, 0)
        return "original"

    def forks_away():
        pid = os.fork()
        if pid == 0:
            time.sleep(600)
        return pid

    def closes():
        os.close(1)
        os.close(2)
        sys.stdout.close()
        return "closed"

    def shouts():
        for _ in range(1_000_000):
            sys.stdout.write("x" * 99 + "\\n")

    def mumbles():
        os.write(1, b"\\xff\\xfe\\x00 no text\\n")
        print("half \\ud800")

    def half_text():
        return "\\ud800"

    def huge_number():
        return 10**400

    def large():
        return b"\\0" * 300_000_000

    def keys(ti=None):
        odd = ["a b", "a/b", "a.b", "\\u2603", "*", ">", "\\n", "x" * 1000]
        for key in odd:
            ti.xcom_push(key=key, value=key)
        return [key for key in odd if ti.xcom_pull(key=key, task_ids="it") != key]

    second = datetime.timedelta(seconds=1)
    for it, rest in [
        (deep, {}), (surrogate_error, {}), (unsayable_error, {}), (long_error, {}),
        (red_error, {}), (unpicklable, {}), (segfault, {}), (killed, {}), (exits, {}),
        (interrupted, {}), (recursion, {}), (endless, {"execution_timeout": second}),
        (endless_pickle, {"execution_timeout": second}), (forks, {}), (forks_away, {}),
        (closes, {}), (shouts, {}), (mumbles, {}), (half_text, {}), (huge_number, {}), (large, {}),
        (keys, {}),
    ]:
        with DAG(it.__name__, schedule=None):
            @task(task_id="beside")
            def beside():
                return "beside"
            task(task_id="it", **rest)(it)()
            beside()

    with DAG("bomb", schedule=None):
        @task
        def makes():
            return Bomb()
        @task
        def reads(value):
            return value
        reads(makes())

    with DAG("never", schedule=None):
        task(task_id="it")(endless)()
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    shell = Shell(tmp_path_factory.mktemp("tasks"))
    shell.write("dags/tasks.py", TASKS)
    with daemon(shell) as up:
        up.until_known("bomb", "never", "keys")
        yield up


@pytest.mark.parametrize(
    ("dag_id", "reason"),
    [
        ("deep", "the XCom 'return_value' cannot be stored: a builtins.list"),
        ("surrogate_error", "ValueError: half \\ud800"),
        ("unsayable_error", "Unsayable: (its __str__ raises RuntimeError)"),
        ("long_error", "ValueError: xxxxxxxxxx"),
        ("red_error", "ValueError: first second"),
        ("unpicklable", "a _thread.lock is neither JSON nor can it be pickled"),
        ("segfault", "its process was killed by SIGSEGV"),
        ("killed", "lost 4 times by the infrastructure, the last time: its process was killed by"),
        ("exits", "its process ended by itself with exit code 7"),
        ("interrupted", "KeyboardInterrupt"),
        ("recursion", "RecursionError: maximum recursion depth exceeded"),
        ("endless", "timed out after 1 s"),
        ("endless_pickle", "timed out after 1 s"),
    ],
)
def test_a_task_that_fails_says_why_and_what_is_beside_it_succeeds(
    up: Daemon, dag_id: str, reason: str
) -> None:
    done = up("trigger", dag_id, "--run-id", "r", "--wait")
    assert done.code == 1, done.err
    assert reason in done.out
    found = up.run(f"{dag_id}/r")
    assert (found["it"]["state"], found["beside"]["state"]) == ("failed", "success")
    assert found["it"]["try_number"] == 1
    assert len(found["it"]["reason"]) <= 600
    assert up("explain", f"{dag_id}/r", "it").code == 0


@pytest.mark.parametrize(
    ("dag_id", "value"),
    [
        ("forks", "original"),
        ("closes", "closed"),
        ("shouts", None),
        ("mumbles", None),
        ("half_text", "?"),
        ("keys", []),
    ],
)
def test_a_task_that_does_odd_things_succeeds(up: Daemon, dag_id: str, value: object) -> None:
    done = up("trigger", dag_id, "--run-id", "r", "--wait")
    assert done.code == 0, done.out + done.err
    found = up("runs", "show", f"{dag_id}/r", "--xcoms", "--json").document["xcoms"]
    returned = {one["task_id"]: one["value"] for one in found if one["key"] == "return_value"}
    assert returned.get("it") == value
    assert returned["beside"] == "beside"


@pytest.mark.parametrize("dag_id", ["large", "huge_number"])
def test_a_value_that_is_too_much_for_a_log_is_still_handed_on(up: Daemon, dag_id: str) -> None:
    done = up("trigger", dag_id, "--run-id", "r", "--wait")
    assert done.code == 0, done.out + done.err
    assert sum(len(line) for line in up("logs", f"{dag_id}/r", "it").out) < 10_000


def test_what_a_task_forked_ends_with_it(up: Daemon) -> None:
    assert up("trigger", "forks_away", "--run-id", "r", "--wait").code == 0
    xcoms = up("runs", "show", "forks_away/r", "--xcoms", "--json").document["xcoms"]
    pid = next(one["value"] for one in xcoms if one["task_id"] == "it")
    from tests.cli.shell import ended

    assert ended(pid)


def test_output_over_the_limit_is_cut_and_said(up: Daemon) -> None:
    assert up("trigger", "shouts", "--run-id", "cut", "--wait").code == 0
    last = up("logs", "shouts/cut", "it").out.splitlines()[-1]
    assert "Output beyond 52,428,800 bytes is dropped from here on." in last


def test_a_value_that_kills_who_reads_it_costs_only_the_reader(up: Daemon) -> None:
    done = up("trigger", "bomb", "--run-id", "r", "--wait")
    assert done.code == 1
    found = up.run("bomb/r")
    assert found["makes"]["state"] == "success"
    assert found["reads"]["reason"] == "its process ended by itself with exit code 9"


def test_a_task_that_never_ends_is_cancelled(up: Daemon) -> None:
    assert up("trigger", "never", "--run-id", "r").code == 0
    up.until(lambda: up.run("never/r")["it"]["state"] == "running")
    cancelled = up("runs", "cancel", "never/r")
    assert cancelled.code == 0, cancelled.err
    up.until(lambda: up("status", "--json").document["coordinator"]["workers"][0]["held"] == 0)
    up.goes_on()


def test_after_all_that_the_log_and_the_projection_agree(up: Daemon) -> None:
    up.goes_on()
    assert up("db", "check", "--json").document["differences"] == []
    assert up.process.poll() is None
    roles = {one["role"]: one["restarts"] for one in up("status", "--json").document["processes"]}
    assert (roles["coordinator"], roles["worker"], roles["nats"]) == (0, 0, 0)
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(timeout=60) == 0
