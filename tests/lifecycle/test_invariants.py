"""A recount finds every counter that is wrong, and says where and what it should be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lifecycle.scene import SECOND, Scene, dag, task
from penstock.events.types import Delivery
from penstock.lifecycle.invariants import InvariantError, check
from penstock.lifecycle.state import Flight, Lost, RunState
from penstock.lifecycle.states import SUCCESS


def busy() -> Scene:
    """A scene with something in every counter."""
    tasks = (
        task("a", retries=2, callbacks=("retry",)),
        task("b", "a"),
        task("w", over=4, retries=1),
        task("e", "w", rule="all_done"),
    )
    scene = Scene(dag(*tasks, max_active_runs=1))
    scene.trigger()
    scene.trigger("next")
    scene.fail("a")
    scene.succeed("w", 0)
    scene.start("w", 1)
    scene.interrupt("w", 2)
    return scene


Damage = Callable[[RunState], object]

DAMAGES: dict[str, tuple[str, Damage]] = {
    "ends": ("e", lambda run: run.record("e").ends.__setitem__(SUCCESS, 0)),
    "open_upstreams": ("b", lambda run: setattr(run.record("b"), "open_upstreams", 0)),
    "left": ("w", lambda run: setattr(run.record("w"), "left", 4)),
    "number of states": ("w", lambda run: setattr(run.record("w"), "length", 5)),
    "number of tries": ("w", lambda run: run.record("w").tries.pop()),
    "places that wait for a moment": ("a", lambda run: run.record("a").due.clear()),
    "places in flight": (
        "w",
        lambda run: run.record("w").flights.update({3: Flight("w", Delivery(1, 1), SECOND)}),
    ),
    "lost places that are not live": (
        "w",
        lambda run: run.record("w").lost.update({0: Lost(1, Delivery(1, 1))}),
    ),
    "places lost too often": (
        "w",
        lambda run: run.record("w").lost.update({3: Lost(4, Delivery(1, 1))}),
    ),
    "again, though over": ("w", lambda run: run.record("w").again.add(0)),
    "more gathered than succeeded": ("w", lambda run: setattr(run.record("w"), "gathered", 2)),
    "tries of a waiting task": ("b", lambda run: run.record("b").tries.__setitem__(0, 1)),
    "try 4 of 3 within bounds": ("a", lambda run: run.record("a").tries.__setitem__(0, 4)),
    "live places without a row of their own": (
        "w",
        lambda run: run.record("w").tries.__setitem__(3, 2),
    ),
    "unfinished": ("", lambda run: setattr(run, "unfinished", 0)),
    "active": ("", lambda run: setattr(run, "active", 0)),
    "has a moment of its end": ("", lambda run: setattr(run, "ended_at", 1)),
    "callback's key": (
        "~retry:a",
        lambda run: run.callbacks.update({"x": run.callbacks.popitem()[1]}),
    ),
}


def test_a_state_that_the_fold_made_is_right() -> None:
    check(busy().state)


@pytest.mark.parametrize("field", DAMAGES)
def test_what_is_wrong_is_named(field: str) -> None:
    scene = busy()
    task, damage = DAMAGES[field]
    damage(scene.run())
    with pytest.raises(InvariantError) as caught:
        check(scene.state)
    assert (caught.value.run, caught.value.task, caught.value.field) == ("d/r", task, field)


def test_the_error_says_what_a_recount_finds_and_tells_the_story() -> None:
    scene = busy()
    scene.run().active += 1
    with pytest.raises(InvariantError) as caught:
        check(scene.state, lambda run: [f"first of {run}", f"last of {run}"])
    assert str(caught.value) == (
        "run d/r: active is 5, a recount says 4. The fold has a bug; keep the log, it shows the "
        "fact that did this.\n  first of d/r\n  last of d/r"
    )


def test_a_task_that_is_forgotten_is_found() -> None:
    """The hardest kind to see: nothing is wrong but that nobody looked."""
    scene = Scene(dag(task("a"), task("b", "a"), task("c")))
    scene.trigger()
    scene.succeed("a")
    forgotten = scene.run().record("b")
    forgotten.states[0], forgotten.tries[0], scene.run().active = 0, 0, 1
    forgotten.again.clear()
    with pytest.raises(InvariantError, match="verdict on a waiting task is 'start'"):
        check(scene.state)


def test_the_queue_of_a_dags_runs_is_recounted() -> None:
    scene = busy()
    scene.state.dags["d"].waiting.clear()
    with pytest.raises(
        InvariantError, match=r"run d: waiting is \[\], a recount says \['d/next'\]"
    ):
        check(scene.state)


def test_a_run_that_waits_though_it_may_start_is_found() -> None:
    scene = busy()
    scene.state.dags["d"].plan = next(iter(Scene(dag(task("a"))).state.plans.values()))
    with pytest.raises(InvariantError, match="runs that wait though they may start"):
        check(scene.state)


def test_a_run_that_is_stuck_is_found() -> None:
    scene = Scene(dag(task("a"), task("b", "a")))
    scene.trigger()
    record = scene.run().record("a")
    record.states[0], record.tries[0], scene.run().active = 0, 0, 0
    record.again.clear()
    with pytest.raises(InvariantError, match="stuck"):
        check(scene.state)
