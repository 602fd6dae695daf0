"""What is not about runs: DAGs in force, files in error, pools, variables, workers, leaders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lifecycle.scene import SECOND, Scene, dag, of, task
from penstock.authoring.serialized import SerializedSchedule
from penstock.events.types import (
    ConnectionSet,
    DagPaused,
    DagRemoved,
    FileBroken,
    FileMended,
    LeaderElected,
    PoolSet,
    Record,
    VariableSet,
    WorkerJoined,
    WorkerLost,
)
from penstock.lifecycle.advance import Entry, entries_of
from penstock.lifecycle.commands import (
    Command,
    ConnectionRow,
    DagRow,
    FileRow,
    PlanTicks,
    PoolChanged,
    PoolRow,
    VariableRow,
    WorkerRow,
)


def test_a_record_is_as_many_facts_as_it_has_in_order() -> None:
    first, second = DagRemoved(dag_id="a"), DagRemoved(dag_id="b")
    record = Record(epoch=3, number=7, at=5, events=(first, second))
    assert entries_of(record) == [Entry(3, 7, 0, 5, first), Entry(3, 7, 1, 5, second)]
    assert [entry.id for entry in entries_of(record)] == [f"{record.id}.0", f"{record.id}.1"]


def test_the_highest_epoch_counts_and_the_clock_never_goes_back() -> None:
    scene = Scene()
    scene.say(LeaderElected(epoch=4, leader="c2", rules=1))
    scene.now -= SECOND
    scene.say(LeaderElected(epoch=2, leader="c1", rules=1))
    assert (scene.state.epoch, scene.state.now) == (4, scene.now + SECOND)


def test_a_new_version_is_in_force_and_its_schedule_counts_from_then() -> None:
    scene = Scene(dag(task("a")))
    registered = scene.now
    scene.now += SECOND
    scene.register(dag(task("a"), task("b")))
    assert scene.state.dags["d"].since == registered  # the same schedule as before
    scene.register(dag(task("a"), schedule=SerializedSchedule(kind="once")))
    assert scene.state.dags["d"].since == scene.now
    assert len(scene.state.plans) == 3


def test_a_dag_is_paused_as_its_author_or_its_user_says() -> None:
    scene = Scene(dag(task("a"), paused_upon_creation=True))
    assert scene.state.dags["d"].paused
    commands = scene.say(DagPaused(dag_id="d", paused=False))
    assert commands == [DagRow("d"), PlanTicks("d")]
    assert scene.say(DagPaused(dag_id="d", paused=False)) == []
    assert scene.say(DagPaused(dag_id="nobody", paused=True)) == []


def test_a_dag_whose_file_is_gone_comes_back_with_it() -> None:
    scene = Scene(dag(task("a")))
    assert of(PlanTicks, scene.say(DagRemoved(dag_id="d"))) == [PlanTicks("d")]
    assert scene.state.dags["d"].gone
    assert scene.say(DagRemoved(dag_id="nobody")) == []
    scene.register(dag(task("a")))
    assert not scene.state.dags["d"].gone


def test_a_broken_file_is_kept_with_its_error_until_it_is_mended() -> None:
    scene = Scene()
    broken = FileBroken(file="/dags/d.py", error="SyntaxError", line=3)
    assert scene.say(broken) == [FileRow("/dags/d.py")]
    assert scene.state.broken == {"/dags/d.py": ("SyntaxError", 3)}
    assert scene.say(FileMended(file="/dags/d.py")) == [FileRow("/dags/d.py")]
    assert scene.say(FileMended(file="/dags/d.py")) == []


def test_pools_and_variables_are_set_and_deleted() -> None:
    scene = Scene()
    assert scene.say(PoolSet(name="gpu", slots=2)) == [PoolRow("gpu"), PoolChanged("gpu", 2)]
    assert scene.state.pools == {"default_pool": 128, "gpu": 2}
    scene.say(PoolSet(name="gpu", slots=None))
    assert "gpu" not in scene.state.pools
    assert scene.say(VariableSet(key="k", value="v")) == [VariableRow("k")]
    assert scene.state.variables == {"k": "v"}
    scene.say(VariableSet(key="k", value=None))
    assert scene.state.variables == {}
    assert scene.say(ConnectionSet(conn_id="lake", value="sealed")) == [ConnectionRow("lake")]
    assert scene.state.connections == {"lake": "sealed"}
    scene.say(ConnectionSet(conn_id="lake", value=None))
    assert scene.state.connections == {}


def test_a_worker_is_known_from_its_joining_until_it_is_lost() -> None:
    scene = Scene()
    joined = WorkerJoined(worker="w", host="h", pid=7, slots=4)
    assert scene.say(joined) == [WorkerRow("w")]
    assert scene.state.workers["w"].slots == 4
    assert scene.say(WorkerLost(worker="w", reason="fell silent")) == [WorkerRow("w")]
    assert scene.say(WorkerLost(worker="w", reason="fell silent")) == []


def test_a_plan_finds_its_steps_by_task() -> None:
    scene = Scene(dag(task("a"), task("b", "a")))
    [plan] = scene.state.plans.values()
    step = plan.step("b")
    assert step is not None
    assert [plan.steps[up].task.task_id for up in step.upstream] == ["a"]
    assert plan.step("nobody") is None


# ---------------------------------------------------------------- one fold, any process

TELL = """
from lifecycle.test_registry import busy_commands
import msgspec
print(msgspec.json.encode(busy_commands()).decode())
"""


def busy_commands() -> list[list[Command]]:
    """The commands of a story that meets most of what sets and dicts could put out of order."""
    tasks = [task(name, retries=1, callbacks=("failure", "retry")) for name in "abcdefgh"]
    wide = task("wide", over=9, retries=1)
    end = task("end", "a b c wide", rule="one_failed")
    scene = Scene(dag(*tasks, wide, end, max_active_runs=2, fail_fast=True))
    for run in ("one", "two", "three", "four"):
        scene.trigger(run)
    for index in (7, 2, 5):
        scene.fail("wide", index, run="d/one")
        scene.start("wide", index - 1, run="d/one")
    scene.lose_worker(scene.lend("a", run="d/one"), scene.lend("wide", 3, run="d/two"))
    scene.fail("b", final=True, run="d/one")
    scene.cancel("d/two")
    return scene.steps


def test_every_process_folds_the_same_facts_to_the_same_commands() -> None:
    """Strings are hashed anew in each process: no order may hang on that."""
    said = set()
    for seed in ("1", "2", "3"):
        tests = str(Path(__file__).parents[1])
        paths = os.pathsep.join([tests, *(path for path in sys.path if path)])
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths}
        done = subprocess.run(
            [sys.executable, "-c", TELL],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        said.add(done.stdout)
    assert len(said) == 1
    assert "fail_fast" in said.pop()
