"""What is ready is handed out in order, within every limit, and nothing that may go waits."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.scene import Scene, dag, task
from penstock.events.types import Attempt
from penstock.lifecycle.commands import Ready
from penstock.lifecycle.limits import Item, ReadyQueue, Taken
from penstock.lifecycle.state import State

LANES = [("default", False), ("gpu", False), ("default", True)]


class Desk:
    """A queue over a scene's state, and everything that it handed out."""

    def __init__(self, scene: Scene, **pools: int) -> None:
        self.scene = scene
        scene.state.pools.update(pools)
        self.out: dict[Attempt, Taken] = {}
        self.queue = ReadyQueue(scene.state, self.out.__contains__)
        for step in scene.steps:
            for command in step:
                if isinstance(command, Ready):
                    self.queue.add(command)

    def take(self, *lanes: tuple[str, bool]) -> str | None:
        item = self.queue.peek(lanes or LANES)
        if item is None:
            return None
        taken = self.queue.take(item)
        self.out[taken.attempt] = taken
        return name_of(taken.attempt)

    def release(self, name: str) -> None:
        attempt = next(it for it in self.out if name_of(it) == name)
        self.queue.release(self.out.pop(attempt))


def name_of(attempt: Attempt) -> str:
    where = "" if attempt.index < 0 else f"[{attempt.index}]"
    return f"{attempt.task}{where}"


def triggered(*tasks: object, **options: object) -> Scene:
    scene = Scene(dag(*tasks, **options))  # type: ignore[arg-type]
    scene.trigger()
    return scene


# ---------------------------------------------------------------- in order


def test_the_heavier_goes_first_then_who_came_first() -> None:
    desk = Desk(triggered(task("light"), task("heavy", weight=5), task("later")))
    assert [desk.take() for _ in range(4)] == ["heavy", "light", "later", None]


def test_a_mapped_task_is_one_item_and_goes_by_index() -> None:
    desk = Desk(triggered(task("m", over=3)))
    assert [desk.take() for _ in range(4)] == ["m[0]", "m[1]", "m[2]", None]


def test_a_worker_is_given_only_what_its_queues_take() -> None:
    desk = Desk(triggered(task("here"), task("there", queue="gpu"), task("waits", is_async=True)))
    assert desk.take(("gpu", False)) == "there"
    assert desk.take(("gpu", False)) is None
    assert desk.take(("default", True)) == "waits"
    assert desk.take(("default", False)) == "here"


def test_callbacks_go_before_everything_and_hold_no_slots() -> None:
    scene = triggered(task("a", callbacks=("success",)), task("b"), max_active_tasks=1)
    scene.succeed("a")
    desk = Desk(scene)
    assert [desk.take(), desk.take(), desk.take()] == ["~success:a", "b", None]


# ---------------------------------------------------------------- within limits


def test_a_full_pool_parks_and_a_slot_that_comes_back_wakes() -> None:
    desk = Desk(triggered(task("m", over=3, pool="gpu"), task("free")), gpu=1)
    assert [desk.take(), desk.take(), desk.take()] == ["m[0]", "free", None]
    desk.release("m[0]")
    assert desk.take() == "m[1]"


def test_what_needs_two_slots_does_not_hold_back_what_needs_one() -> None:
    wide = task("wide", pool="gpu", pool_slots=2, weight=9)
    desk = Desk(
        triggered(task("first", pool="gpu", weight=10), wide, task("m", over=2, pool="gpu")), gpu=2
    )
    assert [desk.take(), desk.take(), desk.take()] == ["first", "m[0]", None]
    desk.release("first")
    desk.release("m[0]")
    assert [desk.take(), desk.take()] == ["wide", None]


def test_a_pool_that_does_not_exist_is_waited_for_and_said() -> None:
    scene = triggered(task("a", pool="gpu"))
    desk = Desk(scene)
    assert desk.take() is None
    attempt = Attempt("d/r", "a", -1, 1)
    assert "does not exist" in (desk.queue.why(attempt) or "")
    scene.state.pools["gpu"] = 1
    desk.queue.resize("gpu", 1)
    assert desk.take() == "a"


def test_a_waiting_attempt_says_who_holds_the_slots() -> None:
    desk = Desk(triggered(task("m", over=9, pool="gpu"), task("b")), gpu=1)
    desk.take()
    desk.take()
    desk.take()
    why = desk.queue.why(Attempt("d/r", "m", 4, 1))
    assert why == "waits for pool 'gpu': 1 of 1 slots held by d/r m[0] try 1"
    assert desk.queue.why(Attempt("d/r", "nowhere", -1, 1)) is None


def test_one_in_line_says_how_many_are_before_it() -> None:
    desk = Desk(triggered(task("a"), task("b")))
    why = desk.queue.why(Attempt("d/r", "b", -1, 1))
    assert why == "waits for a free slot of a worker of queue 'default', 1 before it"


def test_many_holders_are_counted_not_listed() -> None:
    desk = Desk(triggered(task("m", over=9, pool="gpu")), gpu=7)
    for _ in range(8):
        desk.take()
    assert "and 2 more" in (desk.queue.why(Attempt("d/r", "m", 8, 1)) or "")


def test_max_active_tis_per_dag_counts_over_all_runs() -> None:
    scene = triggered(task("m", over=2, max_active_tis_per_dag=1))
    scene.trigger("r2")
    desk = Desk(scene)
    assert [desk.take(), desk.take()] == ["m[0]", None]


def test_max_active_tis_per_dagrun_counts_in_each_run() -> None:
    scene = triggered(task("m", over=2, max_active_tis_per_dagrun=1))
    scene.trigger("r2")
    desk = Desk(scene)
    assert [desk.take(), desk.take(), desk.take()] == ["m[0]", "m[0]", None]
    assert {attempt.run for attempt in desk.out} == {"d/r", "d/r2"}
    desk.release("m[0]")
    assert desk.take() == "m[1]"
    scene.state.runs.pop("d/r2")
    desk.queue.forget("d/r2")
    assert not any("d/r2" in name for name in desk.queue.limits)


def test_who_is_woken_and_parks_elsewhere_wakes_the_next() -> None:
    held = task("held", pool="p", weight=9)
    picky = task("picky", over=2, pool="p", weight=8, max_active_tis_per_dag=1)
    desk = Desk(triggered(held, picky, task("last", pool="p")), p=2)
    assert [desk.take(), desk.take(), desk.take()] == ["held", "picky[0]", None]
    desk.release("held")  # the slot wakes picky[1], which its own limit stops
    assert [desk.take(), desk.take()] == ["last", None]


# ---------------------------------------------------------------- what is not wanted any more


def test_what_a_run_does_not_want_any_more_is_dropped_at_once() -> None:
    scene = triggered(task("m", over=100_000))
    desk = Desk(scene)
    desk.take()
    scene.cancel()
    assert desk.take() is None
    assert all(not lane for lane in desk.queue.lanes.values())


def test_what_is_out_already_is_not_handed_out_again() -> None:
    desk = Desk(triggered(task("m", over=3)))
    desk.queue.add(Ready("d/r", "m", 0, 3, 1, "", True))  # a new leader cannot tell at once
    assert [desk.take() for _ in range(4)] == ["m[0]", "m[1]", "m[2]", None]


def test_a_run_that_left_the_memory_is_forgotten() -> None:
    scene = triggered(task("a"))
    desk = Desk(scene)
    desk.take()
    desk.release("a")
    desk.queue.forget("d/r")
    del scene.state.runs["d/r"]
    desk.queue.add(Ready("d/r", "a", -1, 0, 1, ""))
    assert desk.take() is None
    assert desk.queue.adopt(Attempt("d/r", "a", -1, 1)) is None
    assert not any("d/r" in name for name in desk.queue.limits)


def test_an_attempt_of_an_earlier_leader_holds_its_slots() -> None:
    desk = Desk(triggered(task("m", over=2, pool="gpu")), gpu=1)
    attempt = Attempt("d/r", "m", 1, 1)
    taken = desk.queue.adopt(attempt)
    assert taken is not None
    desk.out[attempt] = taken
    assert desk.take() is None
    desk.release("m[1]")
    desk.queue.release(taken)  # once more: nothing is given back twice
    assert desk.take() == "m[0]"


# ---------------------------------------------------------------- the law


@st.composite
def desks(draw: st.DrawFn) -> Desk:
    tasks = [
        task(
            f"t{number}",
            over=draw(st.sampled_from([(), 1, 2, 4])),
            pool=draw(st.sampled_from(["default_pool", "p", "q"])),
            pool_slots=draw(st.integers(1, 2)),
            weight=draw(st.integers(1, 3)),
            queue=draw(st.sampled_from(["default", "gpu"])),
            max_active_tis_per_dag=draw(st.sampled_from([None, 1, 2])),
            max_active_tis_per_dagrun=draw(st.sampled_from([None, None, 1, 2])),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    scene = Scene(dag(*tasks, max_active_tasks=draw(st.sampled_from([1, 2, 16]))))
    for number in range(draw(st.integers(1, 2))):
        scene.trigger(f"r{number}")
    return Desk(scene, p=draw(st.integers(1, 3)), q=draw(st.integers(2, 3)))


def best(desk: Desk, lane: tuple[str, bool], ready: list[Item]) -> Item | None:
    """What ought to come next, by looking at everything."""
    fit = [
        item
        for item in ready
        if item.lane == lane
        and item.attempt() not in desk.out
        and all(limit.fits(limit.need(item)) for limit in item.limits)
    ]
    return min(fit, default=None)


@settings(max_examples=200)
@given(desk=desks(), data=st.data())
def test_what_comes_next_is_the_first_of_all_that_fit(desk: Desk, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 25))):
        if desk.out and data.draw(st.booleans()):
            attempt = data.draw(st.sampled_from(sorted(desk.out, key=str)))
            desk.scene.succeed(attempt.task, attempt.index, run=attempt.run)
            desk.queue.release(desk.out.pop(attempt))
            continue
        lane = data.draw(st.sampled_from(LANES))
        wanted = best(desk, lane, everything(desk.queue, desk.scene.state))
        found = desk.queue.peek([lane])
        assert (None if found is None else found.order) == (wanted and wanted.order)
        if found is not None:
            taken = desk.queue.take(found)
            desk.out[taken.attempt] = taken
        for limit in desk.queue.limits.values():
            assert limit.size is None or limit.used <= limit.size
            assert limit.used == sum(limit.holders.values())


def everything(queue: ReadyQueue, state: State) -> list[Item]:
    lanes = [item for heap in queue.lanes.values() for item in heap]
    parked = [it for lim in queue.limits.values() for heap in lim.parked.values() for it in heap]
    return [item for item in lanes + parked if queue.find_wanted(item)]
