"""A branch says which tasks its success leaves out: they are skipped before any of them starts."""

from __future__ import annotations

from lifecycle.scene import Scene, about, dag, task
from penstock.events.types import AttemptSucceeded


def choose(scene: Scene, branch: str, *left_out: str) -> None:
    attempt, delivery = scene.pop(branch)
    facts = about(attempt, delivery, scene.now)
    scene.say(AttemptSucceeded(**facts, skip=left_out))


def test_what_a_branch_leaves_out_is_skipped_and_the_rest_goes_on() -> None:
    scene = Scene(
        dag(
            task("branch"),
            task("left", "branch"),
            task("right", "branch"),
            task("join", "left right", rule="none_failed_min_one_success"),
        )
    )
    scene.trigger()
    choose(scene, "branch", "right")
    assert scene.states() == {
        "branch": "success",
        "left": "queued",
        "right": "skipped",
        "join": "none",
    }
    assert scene.told("right") == ["skipped"]
    scene.succeed("left")
    scene.succeed("join")
    assert scene.run().state == "success"


def test_a_task_far_below_can_be_left_out_whatever_its_own_rule_says() -> None:
    scene = Scene(dag(task("stop"), task("a", "stop"), task("b", "a", rule="all_done")))
    scene.trigger()
    choose(scene, "stop", "a", "b")
    assert scene.states() == {"stop": "success", "a": "skipped", "b": "skipped"}
    assert scene.run().state == "success"


def test_a_mapped_task_is_left_out_before_it_expands() -> None:
    scene = Scene(dag(task("branch"), task("each", "branch", over=3)))
    scene.trigger()
    choose(scene, "branch", "each")
    assert scene.states() == {"branch": "success", "each": "skipped"}


def test_what_has_started_or_is_unknown_is_left_alone() -> None:
    scene = Scene(dag(task("branch"), task("early"), task("late", "branch early")))
    scene.trigger()
    choose(scene, "branch", "early", "nowhere", "late")
    assert scene.states() == {"branch": "success", "early": "queued", "late": "skipped"}
    scene.succeed("early")
    assert scene.run().state == "success"


def test_the_reason_names_who_left_it_out() -> None:
    scene = Scene(dag(task("branch"), task("right", "branch")))
    scene.trigger()
    choose(scene, "branch", "right")
    record = scene.run().record("right")
    assert record is not None
    assert record.reason == "'branch' left it out"
