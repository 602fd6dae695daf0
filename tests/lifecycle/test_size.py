"""What the fold costs: bytes for each instance at rest, and work for each end (law 10).

Work is counted as function calls, not as time: the same on every machine, every day.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable

import pytest

from lifecycle.scene import Scene, dag, succeeded, task
from penstock.events.types import Attempt, Delivery, RunCancelled
from penstock.lifecycle.advance import Entry, advance
from penstock.lifecycle.state import State

WIDE = 100_000


def wide_scene(width: int) -> Scene:
    """A mapped task between two others, its instances all released."""
    tasks = task("first"), task("wide", "first", over=width), task("last", "wide")
    scene = Scene(dag(*tasks), checked=False)
    scene.trigger()
    scene.note = lambda command: None  # type: ignore[method-assign]
    return scene


def size_of(record: object) -> int:
    """The bytes of everything that a task's record holds, objects in containers once each."""
    seen: set[int] = set()
    todo: list[object] = [getattr(record, name) for name in type(record).__slots__]
    total = 0
    while todo:
        thing = todo.pop()
        if id(thing) in seen or hasattr(thing, "downstream"):
            continue
        seen.add(id(thing))
        total += sys.getsizeof(thing)
        if isinstance(thing, dict | set | tuple | list):
            todo.extend(thing)
        if isinstance(thing, dict):
            todo.extend(thing.values())
    return total


def test_an_instance_at_rest_costs_at_most_forty_bytes() -> None:
    scene = wide_scene(WIDE)
    gc.collect()
    tracemalloc.start()
    commands = scene.succeed("first")
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    record = scene.run().record("wide")
    assert record.length == WIDE
    assert len(commands) < 20  # one range, however wide
    assert size_of(record) <= 4 * WIDE
    assert grown <= 40 * WIDE


def test_instances_that_have_ended_cost_no_more() -> None:
    state = wide_state(2_000)
    record = state.runs["d/r"].record("wide")
    before = size_of(record)
    end_all(state, 2_000)
    assert state.runs["d/r"].record("last").states[0] == 1
    assert size_of(record) <= before + 500


# ---------------------------------------------------------------- work


def wide_state(width: int) -> State:
    scene = wide_scene(width)
    scene.succeed("first")
    return scene.state


def entry(state: State, event: object) -> Entry:
    return Entry(1, state.seen[1] + 1, 0, state.now, event)


def end_all(state: State, width: int) -> int:
    """Let every instance succeed; return how many commands came out."""
    commands = 0
    for index in range(width):
        attempt, delivery = Attempt("d/r", "wide", index, 1), Delivery(1, index + 10)
        commands += len(advance(state, entry(state, succeeded(attempt, delivery, state.now))))
    return commands


def calls(work: Callable[[], object]) -> int:
    """How many functions, ours and built in, a piece of work calls."""
    count = 0

    def tick(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    earlier = sys.getprofile()
    sys.setprofile(tick)
    try:
        work()
    finally:
        sys.setprofile(earlier)
    return count


def test_ten_times_the_instances_are_ten_times_the_work() -> None:
    small, large = wide_state(1_000), wide_state(10_000)
    few, many = calls(lambda: end_all(small, 1_000)), calls(lambda: end_all(large, 10_000))
    assert many / few == pytest.approx(10, rel=0.05)


def test_ten_times_the_instances_are_ten_times_the_commands() -> None:
    few, many = end_all(wide_state(1_000), 1_000), end_all(wide_state(10_000), 10_000)
    assert many / few == pytest.approx(10, rel=0.05)


def test_an_end_costs_the_same_in_a_run_of_many_tasks() -> None:
    def one_end(width: int) -> int:
        chains = [task(f"a{n}") for n in range(width)]
        chains += [task(f"b{n}", f"a{n}") for n in range(width)]
        scene = Scene(dag(*chains), checked=False)
        scene.trigger()
        attempt, delivery = scene.pop("a5")
        end = entry(scene.state, succeeded(attempt, delivery, scene.now))
        return calls(lambda: advance(scene.state, end))

    one_end(10)  # what is done once a process is done
    assert one_end(10) == one_end(1_000)


def test_cancelling_a_range_costs_the_same_however_wide_it_is() -> None:
    def cancel(width: int) -> int:
        state = wide_state(width)
        return calls(lambda: advance(state, entry(state, RunCancelled(run="d/r"))))

    cancel(100)
    assert cancel(10_000) == cancel(100)
