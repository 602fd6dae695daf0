"""Random DAGs, and stories that could have happened to them.

A story is told to a `Scene` step by step: what the fold released is held by worker `w`, and chance
chooses what becomes of it. So every fact is one that a correct leader could have appended, old and
doubled outcomes among them. `nonsense` makes facts that nobody should have appended.

Draws are kept in a plain order (a DAG, then one act after another), so that hypothesis shrinks a
failing story to a few facts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from lifecycle.scene import (
    SECOND,
    Scene,
    a_list,
    a_value,
    dag,
    failed,
    skipped,
    started,
    succeeded,
    task,
)
from penstock.authoring.serialized import SerializedDag, SerializedSchedule, SerializedTask
from penstock.events.types import (
    Attempt,
    AttemptInterrupted,
    DagPaused,
    DagRemoved,
    Delivery,
    Event,
    Held,
    PoolSet,
    RunCancelled,
    RunTriggered,
    TimerDue,
    WorkerJoined,
    WorkerLost,
    Xcom,
)
from penstock.lifecycle.rules import RULES

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]

CALLBACKS = st.sampled_from([(), (), ("success", "failure", "retry", "skipped"), ("failure",)])
RUNS = ("r0", "r1", "r2")
DATES = (None, None, 1, 2, 3, 4, 5, 6)

PASTS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"depends_on_past": True},
        {"depends_on_past": True, "wait_for_past_depends_before_skipping": True},
        {"depends_on_past": True, "ignore_first_depends_on_past": False},
        {"depends_on_past": True, "wait_for_downstream": True},
    ]
)
"""What a task may ask of the run before its own."""


# ---------------------------------------------------------------- DAGs


@st.composite
def tasks(draw: Any, number: int, chained: bool = False) -> SerializedTask:
    """One task of a DAG, below any of the tasks before it. chained: it may ask for the past."""
    names = [f"t{before}" for before in range(number)]
    above = draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) if names else []
    kind = draw(st.sampled_from(["plain", "plain", "empty", "literal", "mapped", "mapped"]))
    options: dict[str, Any] = {}
    if kind == "empty":
        options["is_empty"] = True
    elif kind == "literal":
        options["over"] = draw(st.integers(0, 3))
    elif kind == "mapped" and above:
        key = draw(st.sampled_from(["", "", ".files"]))
        options["over"] = (above[0] + key, *draw(st.sampled_from([(), (2,)])))
    role = draw(st.sampled_from(["", "", "", "is_setup", "is_teardown"]))
    if role:
        options[role] = True
    if chained:
        options |= draw(PASTS)
    return task(
        f"t{number}",
        " ".join(above),
        rule=draw(st.sampled_from(["all_success", "all_success", *RULES])),
        retries=draw(st.integers(0, 2)),
        retry_delay=draw(st.sampled_from([0.0, 1.0, 300.0])),
        retry_exponential_backoff=draw(st.booleans()),
        callbacks=draw(CALLBACKS),
        **options,
    )


@st.composite
def dags(
    draw: Any, dag_id: str = "d", max_active_runs: int = 0, chained: bool = False
) -> SerializedDag:
    """A DAG of one to seven tasks. max_active_runs: 0 for any. chained: it may ask for the past."""
    many = draw(st.integers(1, 7))
    schedule = SerializedSchedule(kind="once", catchup=chained and draw(st.booleans()))
    return dag(
        *(draw(tasks(number, chained)) for number in range(many)),
        schedule=schedule,
        dag_id=dag_id,
        max_active_runs=max_active_runs or draw(st.integers(1, 3)),
        fail_fast=draw(st.sampled_from([False, False, True])),
        dagrun_timeout=draw(st.sampled_from([None, None, 400.0])),
        callbacks=draw(CALLBACKS),
    )


# ---------------------------------------------------------------- acts


class Teller:
    """Tells one story: every method is an act, that does nothing where it cannot be.

    past: what workers told, to be told again. dated: runs may stand for dates, in any order.
    """

    def __init__(self, draw: Any, scene: Scene, *, dated: bool = False) -> None:
        self.draw = draw
        self.dated = dated
        self.scene = scene
        self.past: list[Event] = []

    def act(self) -> None:
        getattr(self, self.draw(ACTS))()

    def pick(self, things: Sequence[T]) -> T | None:
        """One of these, mostly the oldest few: so that stories come to an end."""
        if not things:
            return None
        return things[self.draw(st.integers(0, min(len(things), 12) - 1))]

    def attempt(self) -> Attempt | None:
        return self.pick(list(self.scene.held))

    def outcome(self, make: Callable[[Attempt, Delivery], Event]) -> None:
        attempt = self.attempt()
        if attempt is not None:
            event = make(attempt, self.scene.held.pop(attempt))
            self.past.append(event)
            self.scene.say(event)

    # what workers tell

    def start(self) -> None:
        attempt = self.attempt()
        if attempt is not None:
            event = started(attempt, self.scene.held[attempt], self.scene.now)
            self.past.append(event)
            self.scene.say(event)

    def succeed(self) -> None:
        xcoms = self.draw(XCOMS)
        self.outcome(lambda a, d: succeeded(a, d, self.scene.now, xcoms))

    def fail(self) -> None:
        final = self.draw(st.sampled_from([False, False, True]))
        self.outcome(lambda a, d: failed(a, d, self.scene.now, final=final))

    def skip(self) -> None:
        self.outcome(lambda a, d: skipped(a, d, self.scene.now))

    def interrupt(self) -> None:
        begun = self.draw(st.booleans())
        self.outcome(
            lambda a, d: AttemptInterrupted(
                attempt=a, delivery=d, worker="w", reason="was killed", begun=begun
            )
        )

    def lose_worker(self) -> None:
        """The worker goes with up to three of the attempts that it has."""
        many, clean = self.draw(st.integers(0, 3)), self.draw(st.booleans())
        held = [Held(a, d, a.index % 2 == 0) for a, d in list(self.scene.held.items())[:many]]
        event = WorkerLost(worker="w", reason="fell silent", held=tuple(held), clean=clean)
        for each in held:
            del self.scene.held[each.attempt]
        self.past.append(event)
        self.scene.say(event)

    def say_again(self) -> None:
        event = self.pick(self.past[::-1])
        if event is not None:
            assert self.scene.say(event) == [], "what was told before is no news (law 6)"

    def old_delivery(self) -> None:
        """A worker that was given up for lost comes back with an outcome of its delivery."""
        lost = [event for event in self.past if isinstance(event, AttemptInterrupted)]
        event = self.pick(lost[::-1])
        if event is not None:
            late = succeeded(event.attempt, event.delivery, self.scene.now)
            self.past.append(late)
            self.scene.say(late)

    # what the leader and people tell

    def ring(self) -> None:
        timers = sorted(self.scene.timers, key=lambda timer: timer.due)
        timer = self.pick(timers)
        if timer is not None:
            self.scene.timers.remove(timer)
            self.scene.ring_timer(timer)

    def wait(self) -> None:
        self.scene.now += self.draw(st.sampled_from([1, 1_000, SECOND, 100 * SECOND]))

    def trigger(self) -> None:
        dag_id = self.pick(list(self.scene.state.dags))
        if dag_id is not None:
            if self.dated:
                self.trigger_dated(dag_id)
            else:
                self.scene.trigger(self.draw(st.sampled_from(RUNS)), dag_id)

    def trigger_dated(self, dag_id: str) -> None:
        date = self.draw(st.sampled_from(DATES))
        run_type = "manual" if date is None else self.draw(st.sampled_from(["manual", "scheduled"]))
        run_id = f"r{self.draw(st.integers(0, 7))}"
        self.scene.trigger(run_id, dag_id, logical_date=date, run_type=run_type)

    def cancel(self) -> None:
        run = self.pick(list(self.scene.state.runs))
        if run is not None:
            self.scene.cancel(run)


COMMON = ("succeed",) * 8 + ("fail", "start", "ring", "say_again") * 2
RARE = ("skip", "interrupt", "lose_worker", "old_delivery", "wait")
ACTS = st.sampled_from((*COMMON, *RARE, "trigger", "cancel"))

XCOMS: st.SearchStrategy[tuple[Xcom, ...]] = st.sampled_from(
    [
        a_list(2),
        a_list(1),
        a_list(0),
        (*a_list(1), *a_list(2, "files")),
        (),
        a_value(),
        a_value(is_none=True),
    ]
)


@st.composite
def stories(
    draw: Any,
    *dag_ids: str,
    steps: int = 40,
    max_active_runs: int = 0,
    nonsense: bool = False,
    chained: bool = False,
) -> Scene:
    """A scene in which up to `steps` things happened to runs of these DAGs."""
    made = (draw(dags(dag_id, max_active_runs, chained)) for dag_id in dag_ids or ("d",))
    scene = Scene(*made)
    for dag_id in dag_ids or ("d",):
        scene.trigger(RUNS[0], dag_id)
    teller = Teller(draw, scene, dated=chained)
    for _ in range(2 if chained else 0):
        teller.trigger()
    for _ in range(draw(st.integers(0, steps))):
        if nonsense and draw(st.booleans()):
            scene.say(draw(NONSENSE))
        if chained and draw(st.integers(0, 19)) == 0:
            scene.register(draw(dags(chained=True)))
        teller.act()
    return scene


@st.composite
def changing_stories(draw: Any) -> Scene:
    """A story in whose midst the DAG is registered anew, paused, or its file removed."""
    scene = draw(stories(steps=12))
    scene.register(draw(dags()))
    if draw(st.booleans()):
        scene.say(DagPaused(dag_id="d", paused=draw(st.booleans())))
    if draw(st.booleans()):
        scene.say(DagRemoved(dag_id="d"))
    teller = Teller(draw, scene)
    for _ in range(draw(st.integers(0, 12))):
        teller.act()
    return scene


def finish(scene: Scene) -> None:
    """Give every attempt that is held an outcome, and let every timer ring, until none is left."""
    for _ in range(5_000):
        if scene.held:
            attempt, delivery = next(iter(scene.held.items()))
            del scene.held[attempt]
            xcoms = (*a_list(1), *a_list(1, "files"))
            scene.say(succeeded(attempt, delivery, scene.now, xcoms))
        elif scene.timers:
            timer = min(scene.timers, key=lambda timer: timer.due)
            scene.timers.remove(timer)
            scene.ring_timer(timer)
        else:
            return
    raise AssertionError("the story does not end")


# ---------------------------------------------------------------- nonsense

KEYS = st.sampled_from(["d/r0", "d/r0", "d/r1", "d/nobody", "x/y", ""])
NAMES = st.sampled_from(["t0", "t1", "t2", "~success:t0", "~failure:", "nobody", ""])
NUMBERS = st.integers(-2, 4) | st.sampled_from([70_000, 2**63])
DELIVERIES = st.builds(Delivery, st.integers(-1, 2), st.integers(-1, 40))
STRANGE = st.builds(Attempt, KEYS, NAMES, NUMBERS, NUMBERS)

NONSENSE: st.SearchStrategy[Event] = st.one_of(
    st.builds(succeeded, STRANGE, DELIVERIES, NUMBERS, XCOMS),
    st.builds(failed, STRANGE, DELIVERIES, NUMBERS),
    st.builds(skipped, STRANGE, DELIVERIES, NUMBERS),
    st.builds(started, STRANGE, DELIVERIES, NUMBERS),
    st.builds(
        AttemptInterrupted,
        attempt=STRANGE,
        delivery=DELIVERIES,
        worker=NAMES,
        reason=NAMES,
        begun=st.booleans(),
    ),
    st.builds(
        WorkerLost,
        worker=NAMES,
        reason=NAMES,
        held=st.lists(st.builds(Held, STRANGE, DELIVERIES, st.booleans()), max_size=2).map(tuple),
    ),
    st.builds(
        TimerDue,
        what=st.sampled_from(["retry", "run_timeout", "doomsday"]),
        due=NUMBERS,
        run=KEYS,
        task=NAMES,
        index=NUMBERS,
    ),
    st.builds(
        RunTriggered,
        dag_id=st.sampled_from(["d", "x", ""]),
        run_id=st.sampled_from(RUNS),
        version=st.sampled_from(["", "nonsense"]),
        run_type=st.sampled_from(["manual", "scheduled"]),
        logical_date=NUMBERS,
    ),
    st.builds(RunCancelled, run=KEYS),
    st.builds(DagPaused, dag_id=NAMES, paused=st.booleans()),
    st.builds(DagRemoved, dag_id=NAMES),
    st.builds(PoolSet, name=NAMES, slots=st.none() | NUMBERS),
    st.builds(WorkerJoined, worker=NAMES, host=NAMES, pid=NUMBERS, slots=NUMBERS),
)
