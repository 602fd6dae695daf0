"""A DAG's next tick follows from the folded state; the same run is never made twice."""

from __future__ import annotations

from lifecycle.scene import Scene, dag, task
from penstock.authoring.serialized import SerializedSchedule
from penstock.events.types import DagPaused, DagRemoved, RunTriggered
from penstock.lifecycle.ticks import next_tick, tick_event

MINUTE = 60 * 1_000_000


def scheduled(**options: object) -> Scene:
    schedule = SerializedSchedule(kind="cron", cron="* * * * *", start=0, catchup=True)
    return Scene(dag(task("a"), schedule=schedule, **options))  # type: ignore[arg-type]


def tick(scene: Scene) -> RunTriggered | None:
    found = next_tick(scene.state.dags["d"], scene.now)
    return None if found is None else tick_event(scene.state.dags["d"], found)


def test_each_tick_is_a_run_named_by_its_date() -> None:
    scene = scheduled()
    first = tick(scene)
    assert first is not None
    assert (first.run_id, first.run_type) == ("scheduled__1970-01-01T00:00:00+00:00", "scheduled")
    assert first.interval_start == first.interval_end == first.logical_date == 0
    scene.say(first)
    second = tick(scene)
    assert second is not None
    assert second.logical_date == MINUTE


def test_a_tick_that_was_made_is_never_made_again_even_when_its_run_has_left() -> None:
    scene = scheduled()
    first = tick(scene)
    assert first is not None
    scene.say(first)
    scene.succeed("a", run=first.run)
    del scene.state.runs[first.run]
    assert not any(isinstance(it, RunTriggered) for it in scene.say(first))
    assert first.run not in scene.state.runs


def test_no_more_runs_are_made_than_may_be_under_way() -> None:
    scene = scheduled(max_active_runs=1)
    first = tick(scene)
    assert first is not None
    scene.say(first)
    assert tick(scene) is None
    scene.succeed("a", run=first.run)
    assert tick(scene) is not None


def test_a_paused_dag_and_one_whose_file_is_gone_make_no_runs() -> None:
    scene = scheduled()
    scene.say(DagPaused(dag_id="d", paused=True))
    assert tick(scene) is None
    scene.say(DagPaused(dag_id="d", paused=False))
    assert tick(scene) is not None
    scene.say(DagRemoved(dag_id="d"))
    assert tick(scene) is None


def test_a_continuous_dag_has_one_run_at_a_time() -> None:
    scene = Scene(dag(task("a"), schedule=SerializedSchedule(kind="continuous", start=0)))
    first = tick(scene)
    assert first is not None
    scene.say(first)
    assert tick(scene) is None
