"""What waits survives a start: for a moment, a trigger, or the end of another DAG's run."""

from __future__ import annotations

from pathlib import Path

import pytest
from lifecycle.scene import SECOND, Scene, dag, task
from msgspec import Raw

from penstock.events.types import Awaited, Pause, Xcom
from penstock.lifecycle.compare import same
from penstock.lifecycle.invariants import check
from store.follower import Follower, folded
from store.test_projection_laws import log_of

RESUME = Xcom(key="resume", value=Raw(b'{"method":"done"}'))
WAITS = {
    "a moment": Pause(until=2_000 * SECOND),
    "a moment that ends it": Pause(until=2_000 * SECOND, resume=RESUME, ends=True),
    "a trigger": Pause(trigger=Xcom(key="trigger"), resume=RESUME, deadline=2_000 * SECOND),
    "a run's end": Pause(until=2_000 * SECOND, awaits=(Awaited("other", "o", live=True),)),
    "a task's end": Pause(
        until=2_000 * SECOND,
        resume=RESUME,
        awaits=(Awaited("other", logical_date=7, task="first"), Awaited("other", "later")),
    ),
}


@pytest.mark.parametrize("what", list(WAITS))
def test_what_waits_goes_on_after_a_start_as_if_there_had_been_none(
    what: str, tmp_path: Path
) -> None:
    scene = Scene(dag(task("wait"), task("use", "wait")), dag(task("first"), dag_id="other"))
    scene.trigger()
    scene.trigger("o", "other", logical_date=7)
    pause = WAITS[what]
    scene.pause("wait", **{name: getattr(pause, name) for name in pause.__struct_fields__})
    before = len(scene.entries)
    scene.succeed("first", run="other/o")
    if scene.states()["wait"] != "queued":
        scene.ring("resume")
    log = log_of(scene)
    follower = Follower(tmp_path / "waits.db")
    follower.follow(log[:before], 1)
    follower.restart()
    assert same(folded(log[:before]), follower.state) == []
    assert follower.state.awaited == folded(log[:before]).awaited
    check(follower.state)
    follower.follow(log[before:], 1)
    assert same(scene.state, follower.state) == []
    assert follower.state.awaited == {}
    follower.close()


def test_an_instance_among_many_that_waited_is_cancelled_alike_after_a_start(
    tmp_path: Path,
) -> None:
    """It has a row of its own from its first wait on, though its try is still the first."""
    for then in ("cancel", "fail"):
        scene = Scene(dag(task("each", over=3, retries=1)))
        scene.trigger()
        scene.pause("each", 1, until=scene.now + SECOND)
        scene.ring("resume")
        if then == "fail":
            scene.fail("each", 1)
        before = len(scene.entries)
        scene.cancel()
        log = log_of(scene)
        follower = Follower(tmp_path / f"{then}.db")
        follower.follow(log[:before], 1)
        follower.restart()
        assert same(folded(log[:before]), follower.state) == []
        follower.follow(log[before:], 1)
        assert same(scene.state, follower.state) == []
        follower.close()
        assert scene.wrong_rows() == []


def test_the_story_tells_of_a_wait_without_what_it_waits_with(tmp_path: Path) -> None:
    """A trigger's arguments may be secret, and are nobody's but the task's."""
    scene = Scene(dag(task("wait")))
    scene.trigger()
    secret = Xcom(key="trigger", value=Raw(b'"hunter2"'))
    scene.pause("wait", trigger=secret, resume=secret, xcoms=(secret,), deadline=7)
    follower = Follower(tmp_path / "story.db")
    follower.follow(log_of(scene), 1)
    rows = follower.connection.execute("SELECT body FROM event WHERE kind = 'attempt.paused'")
    [(body,)] = rows.fetchall()
    assert "hunter2" not in body
    assert '"deadline":7' in body
    follower.close()
