"""Dynamic mapping: one task becomes as many instances as what it is mapped over has members."""

from __future__ import annotations

import pytest

from lifecycle.scene import Scene, a_list, a_value, dag, mapped_over, of, task
from penstock.authoring.serialized import MappedOver
from penstock.lifecycle.commands import InstanceRow, Notify, Ready
from penstock.lifecycle.instances import WIDEST


def reason_of(scene: Scene, task: str) -> str:
    """The reason that the last row of this task's shows."""
    rows = [row for row in scene.commands(InstanceRow) if row.task == task]
    return str(rows[-1].reason)


def test_a_literal_is_expanded_as_one_range() -> None:
    scene = Scene(dag(task("square", over=3)))
    commands = scene.trigger()
    [ready] = of(Ready, commands)
    assert (ready.task, ready.first, ready.last, ready.try_number) == ("square", 0, 3, 1)
    [notice] = of(Notify, commands)
    assert (notice.state, notice.first, notice.last) == ("queued", 0, 3)
    assert of(InstanceRow, commands) == []  # three instances at rest need no rows of their own


def test_the_product_of_several_arguments_is_expanded() -> None:
    scene = Scene(dag(task("names"), task("pair", "names", over=(2, "names"))))
    scene.trigger()
    scene.succeed("names", xcoms=a_list(3))
    assert scene.run().record("pair").length == 6


@pytest.mark.parametrize(("how", "length"), [("least", 2), ("most", 3), ("sum", 5)])
def test_several_results_made_into_one_are_expanded(how: str, length: int) -> None:
    both = (mapped_over("names"), mapped_over("ages"))
    over = MappedOver(argument="each", how=how, parts=both)
    scene = Scene(dag(task("names"), task("ages"), task("greet", "names ages", over=(over, 2))))
    scene.trigger()
    scene.succeed("names", xcoms=a_list(3))
    assert scene.states()["greet"] == "none"
    scene.succeed("ages", xcoms=a_list(2))
    assert scene.run().record("greet").length == 2 * length


def test_one_of_them_that_is_missing_decides() -> None:
    over = MappedOver(argument="", how="sum", parts=(mapped_over("names"), mapped_over("ages")))
    scene = Scene(dag(task("names"), task("ages"), task("greet", "names ages", over=over)))
    scene.trigger()
    scene.succeed("names", xcoms=a_list(3))
    scene.succeed("ages", xcoms=a_value())
    assert scene.states() == {"names": "success", "ages": "failed", "greet": "upstream_failed"}


def test_the_run_goes_on_when_the_last_instance_has_ended() -> None:
    scene = Scene(dag(task("square", over=2), task("sum", "square")))
    scene.trigger()
    scene.succeed("square", 1)
    assert scene.states()["sum"] == "none"
    scene.succeed("square", 0)
    scene.succeed("sum")
    assert scene.run_told() == ["queued", "running", "success"]


def test_mapping_over_an_empty_list_skips_one_row_without_an_index() -> None:
    scene = Scene(dag(task("names"), task("greet", "names", over="names"), task("end", "greet")))
    scene.trigger()
    scene.succeed("names", xcoms=a_list(0))
    assert scene.states() == {"names": "success", "greet": "skipped", "end": "skipped"}
    assert scene.told("greet", -1) == ["skipped"]
    assert reason_of(scene, "greet") == "mapped over nothing"
    assert scene.run_told()[-1] == "success"


@pytest.mark.parametrize("xcoms", [(), a_value(), a_value(is_none=True), a_list(2, "other")])
def test_a_result_that_cannot_be_mapped_over_fails_the_upstream(xcoms: tuple) -> None:
    scene = Scene(dag(task("names"), task("greet", "names", over="names")))
    scene.trigger()
    scene.succeed("names", xcoms=xcoms)
    assert scene.states() == {"names": "failed", "greet": "upstream_failed"}
    assert "mapped over" in reason_of(scene, "names")


def test_the_upstream_may_try_again_for_a_better_result() -> None:
    scene = Scene(dag(task("names", retries=1), task("greet", "names", over="names")))
    scene.trigger()
    scene.succeed("names")
    assert scene.states()["names"] == "up_for_retry"
    scene.ring()
    scene.succeed("names", xcoms=a_list(1))
    assert scene.states() == {"names": "success", "greet[0]": "queued"}


def test_gathered_nones_are_left_out() -> None:
    """A mapped task's results are gathered to a list; a None is no member of it."""
    scene = Scene(dag(task("load", over=4), task("use", "load", over="load", rule="all_done")))
    scene.trigger()
    scene.succeed("load", 0, a_value())
    scene.succeed("load", 1, a_value(is_none=True))
    scene.succeed("load", 2)
    scene.fail("load", 3)
    assert scene.run().record("use").length == 1


def test_a_gathered_list_that_is_empty_skips() -> None:
    scene = Scene(dag(task("load", over=2), task("use", "load", over="load", rule="all_done")))
    scene.trigger()
    scene.fail("load", 0)
    scene.succeed("load", 1)
    assert scene.states()["use"] == "skipped"


def test_another_xcom_than_the_result_can_be_mapped_over() -> None:
    scene = Scene(dag(task("find"), task("use", "find", over="find.files")))
    scene.trigger()
    scene.succeed("find", xcoms=(*a_value(), *a_list(2, "files")))
    assert scene.states() == {"find": "success", "use[0]": "queued", "use[1]": "queued"}


def test_an_xcom_that_was_never_pushed_fails_the_mapped_task() -> None:
    scene = Scene(dag(task("find"), task("use", "find", over="find.files")))
    scene.trigger()
    scene.succeed("find")
    assert scene.states()["use"] == "upstream_failed"
    assert reason_of(scene, "use") == "'find' left no XCom 'files' to map over"


@pytest.mark.parametrize("rule", ["always", "one_success", "one_done"])
def test_a_mapped_task_waits_for_what_it_is_mapped_over_whatever_its_rule(rule: str) -> None:
    tasks = task("quick"), task("names"), task("greet", "quick names", over="names", rule=rule)
    scene = Scene(dag(*tasks))
    scene.trigger()
    scene.succeed("quick")
    assert scene.states()["greet"] == "none"
    scene.succeed("names", xcoms=a_list(2))
    assert scene.states()["greet[1]"] == "queued"


def test_mapping_over_a_task_that_failed_is_upstream_failed_whatever_the_rule() -> None:
    tasks = task("names"), task("greet", "names", over="names", rule="all_done")
    scene = Scene(dag(*tasks))
    scene.trigger()
    scene.fail("names")
    assert scene.states()["greet"] == "upstream_failed"
    assert "'names'" in reason_of(scene, "greet")


def test_mapping_over_a_task_that_was_skipped_skips_whatever_the_rule() -> None:
    scene = Scene(dag(task("names"), task("greet", "names", over="names", rule="none_failed")))
    scene.trigger()
    scene.skip("names")
    assert scene.states()["greet"] == "skipped"


def test_each_instance_has_tries_of_its_own() -> None:
    scene = Scene(dag(task("load", over=2, retries=1)))
    scene.trigger()
    scene.fail("load", 0)
    assert scene.states() == {"load[0]": "up_for_retry", "load[1]": "queued"}
    scene.succeed("load", 1)
    scene.ring()
    assert scene.current("load", 0).try_number == 2
    scene.succeed("load", 0)
    assert scene.run_told()[-1] == "success"


def test_one_failed_instance_is_enough_for_all_success_to_give_up() -> None:
    scene = Scene(dag(task("load", over=3), task("use", "load")))
    scene.trigger()
    scene.fail("load", 1)
    assert scene.states()["use"] == "upstream_failed"
    assert scene.run_told()[-1] == "running"  # the others are still under way


def test_a_mapping_that_would_fill_the_memory_fails_and_says_so() -> None:
    scene = Scene(dag(task("wide", over=(WIDEST, 2))))
    scene.trigger()
    assert scene.states() == {"wide": "failed"}
    assert reason_of(scene, "wide") == (
        f"mapped over {2 * WIDEST:,} members, more than {WIDEST:,}: map over batches of them"
    )
