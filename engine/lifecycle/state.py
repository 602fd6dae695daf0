"""The state that the log folds to: live runs, DAGs in force, workers, pools, variables.

A mapped task is one record: a byte of state and two bytes of tries for each instance, and small
dicts of what is in flight, so an instance at rest costs three bytes. Nothing here is ever scanned
for work; whoever changes a state updates the counters that depend on it (law 10).
"""

from __future__ import annotations

from array import array
from bisect import insort
from collections import deque
from typing import NamedTuple

from msgspec import Struct

from penstock.events.types import NOT_MAPPED, Attempt, Delivery, Pause, RunTriggered, Xcom
from penstock.lifecycle.plan import Plan, Step
from penstock.lifecycle.states import LIVE, QUEUED, RUN_ENDS, RUN_QUEUED, WAITING, WORDS


class Flight(NamedTuple):
    """Where a running instance runs, as its `AttemptStarted` told."""

    worker: str
    delivery: Delivery
    started_at: int


class Lost(NamedTuple):
    """What the infrastructure lost of a try: begun deliveries, and the last one of all."""

    times: int
    last: Delivery


class Callback(Struct, frozen=True):
    """A call of a user's callback that is asked for and not over. task: `~<callback>:<task>`."""

    task: str
    index: int
    try_number: int
    why: str
    lost: Lost
    phase: int = 0

    @property
    def key(self) -> str:
        return callback_key(self.task, self.index, self.try_number, self.phase)


class Waiting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A try that paused, until its end. phase: the one that it goes on in. since: when it began.

    pause: the last one. event: what its trigger has fired with. failure: why that did not fire;
    late: because its time was up.
    """

    phase: int
    since: int
    pause: Pause
    event: Xcom | None = None
    failure: str = ""
    late: bool = False


AwaitedKey = tuple[str, str | int, str]
"""(DAG, run id or logical date, task or ""): an end that some instance waits for."""

Waiter = tuple[str, str, int]
"""(run, task, map index) of an instance that waits for such an end."""


NOTHING_LOST = Lost(0, Delivery(0, 0))


class TaskRecord:
    """A task of a run: one instance, or as many as it was mapped to.

    length: None until a mapped task expands, and for good if it is not mapped. states, tries: by
    place (place 0 where `length` is None). rest: the state of instances without a row of their own
    in the projection. ends, setup_ends: how many upstream instances ended, by state.
    open_upstreams: upstream tasks that have not ended. left: own instances that have not ended.
    """

    __slots__ = (
        "again",
        "due",
        "ends",
        "flights",
        "gathered",
        "left",
        "length",
        "lengths",
        "lost",
        "open_upstreams",
        "reason",
        "rest",
        "setup_ends",
        "states",
        "step",
        "tries",
        "waits",
    )

    def __init__(self, step: Step) -> None:
        self.step = step
        self.length: int | None = None
        self.states = bytearray(1)
        self.tries = array("H", (0,))
        self.rest = WAITING
        self.left = 1
        self.ends = array("L", (0,) * len(WORDS))
        self.setup_ends = array("L", (0,) * len(WORDS)) if step.rule.setups else self.ends
        self.open_upstreams = len(step.upstream)
        self.flights: dict[int, Flight] = {}
        self.due: dict[int, int] = {}  # place: when its next try, or phase, may start
        self.waits: dict[int, Waiting] = {}  # tries that have paused
        self.lost: dict[int, Lost] = {}
        self.again: set[int] = set()  # queued or running, with a row of their own
        self.lengths: dict[str, int] = {}  # key: length of the XCom that others map over
        self.gathered = 0  # instances whose return value is not None
        self.reason = ""

    @property
    def decided(self) -> bool:
        """Whether the task has left WAITING."""
        return self.length is not None or self.states[0] != WAITING

    def index(self, place: int) -> int:
        return NOT_MAPPED if self.length is None else place

    def place(self, index: int) -> int | None:
        """Return the place of a map index, None if there is no such instance."""
        if self.length is None:
            return 0 if index == NOT_MAPPED else None
        return index if 0 <= index < self.length else None

    def phase(self, place: int) -> int:
        waiting = self.waits.get(place)
        return 0 if waiting is None else waiting.phase

    def expand(self, length: int) -> None:
        """Become `length` (at least 1) instances, all of them ready for their first try."""
        self.length = self.left = length
        self.states = bytearray((QUEUED,)) * length
        self.tries = array("H", (1,)) * length
        self.rest = QUEUED


class RunState:
    """A live run. unfinished: tasks not ended. active: instances that are ready, under way or due.

    counter: notices sent so far. callbacks: those asked for and not over, by key. stopping: why
    the run is being brought to its end, "" if it is not. held: numbers of tasks that only the run
    before keeps from starting (`lifecycle.past`).
    """

    __slots__ = (
        "active",
        "callbacks",
        "counter",
        "ended_at",
        "held",
        "key",
        "plan",
        "reason",
        "started_at",
        "state",
        "stopping",
        "tasks",
        "triggered",
        "triggered_at",
        "unfinished",
    )

    def __init__(self, plan: Plan, triggered: RunTriggered, at: int) -> None:
        self.key = triggered.run
        self.plan = plan
        self.triggered = triggered
        self.triggered_at = at
        self.state = RUN_QUEUED
        self.started_at: int | None = None
        self.ended_at: int | None = None
        self.reason = ""
        self.stopping = ""
        self.tasks = [TaskRecord(step) for step in plan.steps]
        self.unfinished = len(self.tasks)
        self.active = 0
        self.counter = 0
        self.callbacks: dict[str, Callback] = {}
        self.held: set[int] = set()

    def record(self, task: str) -> TaskRecord | None:
        number = self.plan.numbers.get(task)
        return None if number is None else self.tasks[number]


class Dated(NamedTuple):
    """A run's place among those of its DAG. date: its logical date. is_tick: of the schedule."""

    date: int
    run: str
    is_tick: bool


class Ended(Struct, frozen=True):
    """What is kept of a run that ended. missing: tasks that did not end well, and how they did."""

    at: Dated
    version: str
    missing: dict[str, str]


class Past:
    """The runs of a DAG that can be the run before another one, by date: live ones and `ended`.

    ticks: those of `dated` that the schedule made.
    """

    __slots__ = ("dated", "ended", "ticks")

    def __init__(self) -> None:
        self.dated: list[Dated] = []
        self.ticks: list[Dated] = []
        self.ended: dict[str, Ended] = {}

    def add(self, at: Dated) -> None:
        insort(self.dated, at)
        if at.is_tick:
            insort(self.ticks, at)

    def remove(self, at: Dated) -> None:
        self.dated.remove(at)
        self.ended.pop(at.run, None)
        if at.is_tick:
            self.ticks.remove(at)


class DagState:
    """A DAG: the version in force, and what its runs weigh on it.

    active: keys of its running runs. waiting: its queued runs, oldest first. last_tick: the
    logical date of the last scheduled run, last_end: the end of its data interval. since: when its
    schedule came into force. gone: its file is; no new runs. past: None while no version of it has
    had a task that asks for the run before.
    """

    __slots__ = (
        "active",
        "dag_id",
        "gone",
        "last_end",
        "last_tick",
        "past",
        "paused",
        "plan",
        "since",
        "waiting",
    )

    def __init__(self, dag_id: str, plan: Plan, paused: bool, since: int) -> None:
        self.dag_id = dag_id
        self.plan = plan
        self.paused = paused
        self.gone = False
        self.since = since
        self.last_tick: int | None = None
        self.last_end: int | None = None
        self.active: set[str] = set()
        self.waiting: deque[str] = deque()
        self.past: Past | None = None


class WorkerState(NamedTuple):
    """A worker that may hold attempts: from its joining until it is lost."""

    host: str
    pid: int
    slots: int
    queues: tuple[str, ...]
    joined_at: int


class State:
    """All of it. seen: identity of the last fact folded; now: the largest time stamped so far.

    plans: by version. broken: DAG files in error, {file: (error, line)}. redeliveries: begun
    deliveries of a try that the infrastructure may lose before the try fails. awaited: instances
    by the ends that they wait for (`awaiting`).
    """

    def __init__(self, *, redeliveries: int = 3) -> None:
        self.seen: tuple[int, int, int] = (0, 0, -1)
        self.now = 0
        self.epoch = 0
        self.redeliveries = redeliveries
        self.plans: dict[str, Plan] = {}
        self.dags: dict[str, DagState] = {}
        self.runs: dict[str, RunState] = {}
        self.workers: dict[str, WorkerState] = {}
        self.pools: dict[str, int] = {"default_pool": 128}
        self.variables: dict[str, str] = {}
        self.connections: dict[str, str] = {}
        self.broken: dict[str, tuple[str, int | None]] = {}
        self.quarantined: dict[str, str] = {}
        self.awaited: dict[AwaitedKey, set[Waiter]] = {}

    def is_wanted(self, attempt: Attempt) -> bool:
        """Whether this try is the current one of its instance and has no outcome yet."""
        run = self.runs.get(attempt.run)
        if run is None:
            return False
        if attempt.task.startswith("~"):
            return key_of(attempt) in run.callbacks
        if run.state in RUN_ENDS:
            return False
        record = run.record(attempt.task)
        place = None if record is None else record.place(attempt.index)
        return (
            record is not None
            and place is not None
            and record.states[place] in LIVE
            and record.tries[place] == attempt.try_number
            and record.phase(place) == attempt.phase
        )


def callback_key(task: str, index: int, try_number: int, phase: int = 0) -> str:
    """The name, within its run, of one call of a callback."""
    return f"{task}/{index}/{try_number}" + (f"/{phase}" if phase else "")


def key_of(attempt: Attempt) -> str:
    """The name, within its run, of the callback that this is an attempt of."""
    return callback_key(attempt.task, attempt.index, attempt.try_number, attempt.phase)
