"""Callbacks: attempts of a kind of their own, at least once, that hold their run in memory."""

from __future__ import annotations

import pytest

from lifecycle.scene import Scene, dag, of, task
from penstock.lifecycle.commands import Notify, Ready, RunOver

ALL = ("success", "failure", "retry", "skipped")


def called(scene: Scene) -> list[str]:
    """The callbacks that were released so far, as `name:task[index] try`."""
    return [
        f"{ready.task[1:]} {ready.try_number}"
        for ready in scene.commands(Ready)
        if ready.task.startswith("~") and not ready.again
    ]


@pytest.mark.parametrize(
    ("end", "callback"), [("succeed", "success"), ("fail", "failure"), ("skip", "skipped")]
)
def test_an_end_calls_the_callback_of_its_name(end: str, callback: str) -> None:
    scene = Scene(dag(task("a", callbacks=ALL)))
    scene.trigger()
    getattr(scene, end)("a")
    assert called(scene) == [f"{callback}:a 1"]


def test_a_retry_calls_its_callback_for_each_try() -> None:
    scene = Scene(dag(task("a", retries=2, callbacks=ALL)))
    scene.trigger()
    scene.fail("a")
    scene.ring()
    scene.fail("a")
    assert called(scene) == ["retry:a 1", "retry:a 2"]


def test_what_an_upstream_passed_on_calls_nothing() -> None:
    scene = Scene(dag(task("a"), task("b", "a", callbacks=ALL), task("c", callbacks=())))
    scene.trigger()
    scene.skip("a")
    scene.succeed("c")
    assert called(scene) == []


def test_callbacks_that_the_author_did_not_set_are_not_called() -> None:
    scene = Scene(dag(task("a", callbacks=("failure",))))
    scene.trigger()
    scene.succeed("a")
    assert called(scene) == []


def test_a_task_that_is_stopped_while_it_runs_calls_failure() -> None:
    scene = Scene(dag(task("a", callbacks=ALL), task("b", callbacks=ALL)))
    scene.trigger()
    scene.start("a")
    scene.cancel()
    assert called(scene) == ["failure:a 1"]
    assert scene.run().callbacks["~failure:a/-1/1"].why == "cancelled by ann"


@pytest.mark.parametrize(("end", "callback"), [("succeed", "success"), ("fail", "failure")])
def test_a_runs_end_calls_the_dags_callback(end: str, callback: str) -> None:
    scene = Scene(dag(task("a"), callbacks=("success", "failure")))
    scene.trigger()
    getattr(scene, end)("a")
    assert called(scene) == [f"{callback}: 1"]
    assert of(RunOver, scene.succeed(f"~{callback}:")) == [RunOver("d/r")]


def test_a_run_leaves_the_memory_only_after_its_last_callback() -> None:
    scene = Scene(dag(task("a", callbacks=ALL), task("b", callbacks=ALL)))
    scene.trigger()
    scene.succeed("a")
    assert of(RunOver, scene.succeed("~success:a")) == []  # the run is not over
    scene.succeed("b")
    assert scene.run().state == "success"
    assert scene.commands(RunOver) == []
    assert of(RunOver, scene.fail("~success:b")) == [RunOver("d/r")]  # it was called: enough
    assert of(RunOver, scene.cancel()) == []


def test_a_callback_moves_no_state() -> None:
    scene = Scene(dag(task("a", callbacks=ALL), task("b")))
    scene.trigger()
    scene.succeed("a")
    assert scene.start("~success:a") == []
    assert of(Notify, scene.fail("~success:a")) == []


def test_a_lost_callback_is_made_again_as_often_as_a_try() -> None:
    scene = Scene(dag(task("a", callbacks=ALL)))
    scene.trigger()
    scene.succeed("a")
    for _ in range(3):
        [ready] = of(Ready, scene.interrupt("~success:a"))
        assert ready.again
    assert of(RunOver, scene.interrupt("~success:a")) == [RunOver("d/r")]
    assert scene.run().callbacks == {}


def test_a_callback_lost_before_it_began_does_not_count_and_is_told_once() -> None:
    scene = Scene(dag(task("a", callbacks=ALL)))
    scene.trigger()
    scene.succeed("a")
    for _ in range(5):
        held = scene.lend("~success:a", begun=False)
        assert of(Ready, scene.lose_worker(held)) != []
        assert scene.lose_worker(held) == []


def test_outcomes_of_callbacks_that_nobody_asked_for_are_inert() -> None:
    scene = Scene(dag(task("a", callbacks=ALL)))
    scene.trigger()
    scene.succeed("a")
    attempt, delivery = scene.pop("~success:a")
    scene.held[attempt] = delivery
    scene.succeed("~success:a")
    for again in (scene.succeed, scene.interrupt):
        scene.held[attempt] = delivery
        assert again("~success:a") == []
    assert not scene.state.is_wanted(attempt)
