"""A role under supervision: told its key, heard, started again, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from penstock.supervisor import role as role_module
from penstock.supervisor.role import DEATHS, SLOW, Key, Role, RoleError, pause_after
from penstock.supervisor.roster import Listed, mark_of, processes, read_roster, write_roster

from .shell import Shell

GOOD = """
import signal, sys
from penstock.supervisor.tether import hold
tether = hold(int(sys.argv[-1]))
print(*tether.credentials(), flush=True)
tether.ready()
signal.pause()
"""
BAD = """
import sys
from penstock.supervisor.tether import hold
tether = hold(int(sys.argv[-1]))
tether.credentials()
tether.failed("The lake is empty.", passing=False)
sys.exit(1)
"""
BREAKING = """
    import sys
    class Breaking:
        def find_spec(self, name, path=None, target=None):
            if name == "penstock.ROLE.main":
                raise ImportError("no keel")
    sys.meta_path.insert(0, Breaking())
"""
ONE = """
    from penstock import DAG, BashOperator
    with DAG("one"):
        BashOperator(task_id="only", bash_command="true")
"""
CRASHING = "import sys; sys.exit('no tether, no word')"


class Heard:
    """Collects what a role reports, and says when there was something."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.news = asyncio.Event()

    def __call__(self, sentence: str) -> None:
        self.sentences.append(sentence)
        self.news.set()


@asynccontextmanager
async def supervised(script: str, log: Path) -> AsyncIterator[tuple[Role, Heard]]:
    key, heard = Key(), Heard()
    command = [sys.executable, "-c", script]
    role = Role("tester", command, key, log=log, report=heard)
    task = asyncio.create_task(role.supervise())
    key.give("nats://there", "SUSEED")
    try:
        yield role, heard
    finally:
        role.kill()
        await role.gone()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_role_is_told_its_key_and_says_that_it_is_ready(tmp_path: Path) -> None:
    async with supervised(GOOD, tmp_path / "log") as (role, _):
        await role.ready.wait()
        assert (tmp_path / "log").read_text() == "nats://there SUSEED\n"
        assert role.state == "running"


async def test_a_killed_role_is_started_again_at_once(tmp_path: Path) -> None:
    async with supervised(GOOD, tmp_path / "log") as (role, heard):
        await role.ready.wait()
        first = role.pid
        os.kill(first, signal.SIGKILL)
        await heard.news.wait()
        await role.ready.wait()
        assert role.pid != first
        assert role.restarts == 1
        assert "killed by SIGKILL and is started again" in heard.sentences[0]


async def test_a_stopped_role_stays_ended(tmp_path: Path) -> None:
    async with supervised(GOOD, tmp_path / "log") as (role, heard):
        await role.ready.wait()
        await role.stop(patience=10)
        assert role.pid == 0
        assert heard.sentences == []


async def test_what_ignores_sigterm_is_killed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = GOOD.replace(
        "tether.ready()", "signal.signal(signal.SIGTERM, signal.SIG_IGN); tether.ready()"
    )
    monkeypatch.setattr(role_module, "HURRY", 0.05)
    async with supervised(deaf, tmp_path / "log") as (role, heard):
        await role.ready.wait()
        await role.stop(patience=0.05)
        assert role.pid == 0
        assert heard.sentences == ["tester did not end when it was told to, and was killed"]


async def test_a_start_that_failed_gives_its_sentence(tmp_path: Path) -> None:
    key = Key()
    key.give("nats://there", "SUSEED")
    role = Role("tester", [sys.executable, "-c", BAD], key, log=tmp_path / "log")
    with pytest.raises(RoleError, match=r"^The lake is empty\.$"):
        await role.supervise()


async def test_a_role_that_only_dies_is_given_up_with_what_it_said(tmp_path: Path) -> None:
    role = Role("tester", [sys.executable, "-c", CRASHING], Key(), log=tmp_path / "log")
    with pytest.raises(RoleError, match=r"tester does not start.*no tether, no word"):
        await role.supervise()
    assert role.restarts == DEATHS - 1


async def test_a_role_that_dies_whenever_it_is_ready_is_given_up_too(tmp_path: Path) -> None:
    key = Key()
    key.give("nats://there", "SUSEED")
    dying = GOOD.replace("signal.pause()", "sys.exit('the keel broke')")
    role = Role("tester", [sys.executable, "-c", dying], key, log=tmp_path / "log")
    with pytest.raises(RoleError, match=r"tester does not stay up.*the keel broke"):
        await role.supervise()


async def test_a_role_that_is_stopped_while_it_is_started_is_not_left_behind(
    tmp_path: Path,
) -> None:
    role = Role("tester", [sys.executable, "-c", GOOD], Key(), log=tmp_path / "log")
    task = asyncio.create_task(role.supervise())
    await asyncio.sleep(0)  # it is being started, and has no process yet
    assert role.pid == 0
    await role.stop(patience=10)
    await task
    assert role.started_at
    assert role.pid == 0


@pytest.mark.parametrize("role", ["coordinator", "worker"])
def test_a_role_that_breaks_at_its_import_ends_the_command_with_the_reason(
    tmp_path: Path, role: str
) -> None:
    shell = Shell(tmp_path)
    shell.write("broken/sitecustomize.py", BREAKING.replace("ROLE", role))
    shell.write("one.py", ONE)
    done = shell.penstock("run", "one.py", PYTHONPATH=str(tmp_path / "broken"))
    assert done.code == 1
    assert done.err == (
        "penstock: a bug of Penstock's own: ImportError: no keel (PENSTOCK_DEBUG=1 shows where; "
        "please report it)\n"
    )
    assert shell.left() == []


def test_early_deaths_wait_longer_each_time_and_then_long() -> None:
    pauses = [pause_after([0.0] * deaths, 1.0) for deaths in range(1, DEATHS + 1)]
    assert pauses == [0.02, 0.04, 0.08, 0.16, SLOW]
    assert pause_after([0.0] * DEATHS, 100.0) == 0.02


def test_a_role_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    supervisor = f"""
import asyncio, sys
from penstock.supervisor.role import Key, Role
async def main():
    key = Key()
    key.give("nats://there", "SUSEED")
    role = Role("tester", [sys.executable, "-c", {GOOD!r}], key)
    task = asyncio.create_task(role.supervise())
    await role.ready.wait()
    print(role.pid, flush=True)
    await task
asyncio.run(main())
"""
    command = [sys.executable, "-c", supervisor]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    # The role prints its key to the supervisor's stderr; the pid comes on stdout.
    pid = int(started.stdout.readline())
    watched = os.pidfd_open(pid)
    started.kill()
    started.wait()
    import select

    assert select.select([watched], [], [], 10)[0]
    os.close(watched)


def test_the_roster_tells_the_living_from_the_dead(tmp_path: Path) -> None:
    path = tmp_path / "processes.json"
    sleeper = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    listed = Listed(role="worker", pid=sleeper.pid, started_at=0, mark=mark_of(sleeper.pid))
    again = Listed(role="nats", pid=sleeper.pid, started_at=0, mark="1")
    write_roster(path, [listed, again])
    assert read_roster(path) == [listed, again]
    living, reused = processes(path)
    sleeper.kill()
    sleeper.wait()
    assert (living.state, reused.state) == ("running", "dead")
    assert living.rss_bytes > 1_000_000
    assert living.uptime_s > 0
    assert processes(path)[0].state == "dead"


def test_a_worker_s_own_processes_are_listed_with_it(tmp_path: Path) -> None:
    path = tmp_path / "processes.json"
    script = (
        "import subprocess, sys;"
        "p = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);"
        "print(p.pid, flush=True); p.wait()"
    )
    worker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    child = int(worker.stdout.readline())
    write_roster(path, [Listed(role="worker", pid=worker.pid, started_at=0)])
    found = {process.pid: process.role for process in processes(path)}
    os.kill(child, signal.SIGKILL)
    worker.wait()
    assert found == {worker.pid: "worker", child: "template"}


def test_no_roster_is_no_processes(tmp_path: Path) -> None:
    assert processes(tmp_path / "processes.json") == []
