"""Two states are compared field by field, and a difference is told where it is."""

from __future__ import annotations

from lifecycle.scene import Scene, dag, task
from penstock.lifecycle.compare import same


def test_a_run_of_another_version_is_said_to_be_so() -> None:
    one, other = Scene(dag(task("a"))), Scene(dag(task("a"), task("b")))
    one.trigger()
    other.trigger()
    assert any("run d/r: version" in said for said in same(one.state, other.state))


def test_the_same_story_gives_the_same_state() -> None:
    one, other = Scene(dag(task("a"))), Scene(dag(task("a")))
    for scene in (one, other):
        scene.trigger()
        scene.succeed("a")
    assert same(one.state, other.state) == []
