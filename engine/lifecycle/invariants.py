"""What must be true of the state after every fact, found by counting everything again.

The fold keeps counters so that it never has to look around (law 10). `check` does look around, at
every instance of every live run, and compares: for tests and the simulation, where a wrong counter
is to be found at the fact that made it wrong and not at the run that hangs an hour later.

A quarantined run was left in the middle of a fact, so its counters are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from penstock.errors import PenstockError
from penstock.lifecycle import awaiting
from penstock.lifecycle.instances import held, outlook
from penstock.lifecycle.past import dated
from penstock.lifecycle.rules import WAIT
from penstock.lifecycle.state import DagState, Past, RunState, State, TaskRecord, callback_key
from penstock.lifecycle.states import (
    DEFERRED,
    ENDS,
    LIVE,
    PAUSED,
    QUEUED,
    RUN_ENDS,
    RUN_QUARANTINED,
    RUN_QUEUED,
    RUN_RUNNING,
    RUNNING,
    SUCCESS,
    UP_FOR_RETRY,
    WAITING,
    WORDS,
)

Story = Callable[[str], Iterable[str]]
"""Tells what happened to a run, a line for each fact, oldest first."""


class InvariantError(PenstockError):
    """The state contradicts itself: a bug in the fold. Says where, and what a recount finds.

    run: the run's key, or the DAG's id where a DAG is wrong. task: "" if it is not about one.
    """

    def __init__(
        self, run: str, task: str, field: str, expected: object, found: object, story: str = ""
    ) -> None:
        self.run, self.task, self.field = run, task, field
        self.expected, self.found = expected, found
        place = f"run {run}, task {task!r}" if task else f"run {run}"
        super().__init__(
            f"{place}: {field} is {found!r}, a recount says {expected!r}. The fold has a bug; "
            f"keep the log, it shows the fact that did this.{story}"
        )


def check(state: State, story: Story | None = None) -> None:
    """Raise InvariantError if anything in the state contradicts a recount.

    story: asked for the offending run's past, which the error then tells.
    """
    try:
        for dag in state.dags.values():
            check_dag(state, dag)
        for run in state.runs.values():
            check_run(state, run)
        check_awaited(state)
    except InvariantError as error:
        if story is None:
            raise
        told = "".join(f"\n  {line}" for line in story(error.run))
        raise InvariantError(
            error.run, error.task, error.field, error.expected, error.found, told
        ) from None


def same(run: str, task: str, field: str, expected: object, found: object) -> None:
    if expected != found:
        raise InvariantError(run, task, field, expected, found)


def check_awaited(state: State) -> None:
    """Each paused instance lies under just the ends that it waits for."""
    recount = State()
    for run in state.runs.values():
        awaiting.expect_all(recount, run)
    same("", "", "instances by what they await", recount.awaited, state.awaited)


# ---------------------------------------------------------------- DAGs and runs


def check_dag(state: State, dag: DagState) -> None:
    """Its running and queued runs are those that say so, and none waits without need."""
    mine = [run for run in state.runs.values() if run.triggered.dag_id == dag.dag_id]
    running = {run.key for run in mine if run.state == RUN_RUNNING}
    waiting = [run.key for run in mine if run.state == RUN_QUEUED]
    same(dag.dag_id, "", "active", running, dag.active)
    same(dag.dag_id, "", "waiting", sorted(waiting), sorted(dag.waiting))
    if dag.past is not None:
        check_past(mine, dag.dag_id, dag.past)
    may_start = bool(dag.waiting) and len(dag.active) < dag.plan.dag.max_active_runs
    same(dag.dag_id, "", "runs that wait though they may start", False, may_start)


def check_past(mine: list[RunState], dag_id: str, past: Past) -> None:
    """The dated runs are those that live and those that are kept, in order."""
    live = [dated(run) for run in mine if run.state not in RUN_ENDS]
    kept = [ended.at for ended in past.ended.values()]
    both = sorted(at for at in (*live, *kept) if at is not None)
    same(dag_id, "", "dated runs", both, past.dated)
    same(dag_id, "", "the schedule's runs", [at for at in both if at.is_tick], past.ticks)


def check_run(state: State, run: RunState) -> None:
    for key, callback in run.callbacks.items():
        same(run.key, callback.task, "callback's key", callback.key, key)
        is_over = callback.lost.times > state.redeliveries
        same(run.key, callback.task, "callback lost too often", False, is_over)
    if run.state == RUN_QUARANTINED:
        same(run.key, "", "in quarantine", True, run.key in state.quarantined)
        return
    for record in run.tasks:
        check_counters(run, record)
        check_instances(state, run, record)
    unfinished = sum(record.left > 0 for record in run.tasks)
    same(run.key, "", "unfinished", unfinished, run.unfinished)
    active = sum(
        code in (*LIVE, UP_FOR_RETRY, *PAUSED) for record in run.tasks for code in record.states
    )
    same(run.key, "", "active", active, run.active)
    same(run.key, "", "has a moment of its end", run.state in RUN_ENDS, run.ended_at is not None)
    if run.state in RUN_ENDS:
        same(run.key, "", "unfinished tasks of a run that ended", 0, unfinished)
    elif run.state == RUN_RUNNING:
        # Something must be under way, else no fact would ever come that moves the run on.
        same(run.key, "", "stuck", False, active == 0 and not run.held)
        same(run.key, "", "held by the run before", held(state, run), run.held)
        check_gates(run)
    else:
        same(run.key, "", "active instances of a queued run", 0, active)


def check_gates(run: RunState) -> None:
    """No task waits whose trigger rule has decided, but for those that the run before holds."""
    for record in run.tasks:
        if not record.decided and record.step.number not in run.held:
            what, _ = outlook(run, record)
            same(run.key, record.step.task.task_id, "verdict on a waiting task", WAIT, what)


# ---------------------------------------------------------------- tasks


def check_counters(run: RunState, record: TaskRecord) -> None:
    """What the task knows of its upstreams and of its own instances."""
    task = record.step.task.task_id
    above = [run.tasks[up] for up in record.step.upstream]
    setups = [up for up in above if up.step.task.is_setup]
    same(run.key, task, "ends", ends_of(above), list(record.ends))
    weighed = ends_of(setups if record.step.rule.setups else above)
    same(run.key, task, "setup_ends", weighed, list(record.setup_ends))
    still_open = sum(any(code not in ENDS for code in up.states) for up in above)
    same(run.key, task, "open_upstreams", still_open, record.open_upstreams)
    left = sum(code not in ENDS for code in record.states)
    same(run.key, task, "left", left, record.left)


def has_moment(record: TaskRecord, place: int) -> bool:
    pause = record.waits[place].pause
    return pause.until is not None or pause.deadline is not None


def trigger_of(run: RunState, record: TaskRecord, place: int) -> tuple[bool, bool]:
    """Return whether a deferred instance has a trigger, and whether that is under way."""
    waiting, task = record.waits[place], f"~trigger:{record.step.task.task_id}"
    key = callback_key(task, record.index(place), record.tries[place], waiting.phase)
    return waiting.pause.trigger is not None, key in run.callbacks


def ends_of(records: list[TaskRecord]) -> list[int]:
    """Return how many instances of these tasks ended, by state."""
    counts = [0] * len(WORDS)
    for record in records:
        for code in record.states:
            counts[code] += code in ENDS
    return counts


def check_instances(state: State, run: RunState, record: TaskRecord) -> None:
    """Each instance's state fits what is kept beside it."""
    task = record.step.task.task_id
    width = 1 if record.length is None else record.length
    same(run.key, task, "number of states", width, len(record.states))
    same(run.key, task, "number of tries", width, len(record.tries))
    at = {code: {p for p, c in enumerate(record.states) if c == code} for code in range(len(WORDS))}
    live = at[QUEUED] | at[RUNNING]
    paused = {place for code in PAUSED for place in at[code]}
    timed = {place for place in paused if has_moment(record, place)}
    same(run.key, task, "places that wait for a moment", at[UP_FOR_RETRY] | timed, set(record.due))
    same(run.key, task, "paused places without a reason", set(), paused - set(record.waits))
    same(run.key, task, "waits that are over", set(), set(record.waits) - live - paused)
    for place in at[DEFERRED]:
        same(run.key, task, "has its trigger", *trigger_of(run, record, place))
    same(run.key, task, "places in flight", at[RUNNING], set(record.flights))
    same(run.key, task, "lost places that are not live", set(), set(record.lost) - live)
    # `again` keeps a place while it waits for the retry after next; an end takes it out.
    over = record.again - live - at[UP_FOR_RETRY] - paused
    same(run.key, task, "again, though over", set(), over)
    too_often = {p for p, lost in record.lost.items() if lost.times > state.redeliveries}
    same(run.key, task, "places lost too often", set(), too_often)
    same(run.key, task, "more gathered than succeeded", False, record.gathered > len(at[SUCCESS]))
    most = 1 + max(0, record.step.task.retries)
    for place, code in enumerate(record.states):
        tries = record.tries[place]
        if code == WAITING:
            same(run.key, task, "tries of a waiting task", 0, tries)
        elif place in live or place in record.due or place in paused:
            same(run.key, task, f"try {tries} of {most} within bounds", True, 1 <= tries <= most)
    if record.length is not None:
        kept = record.again | record.due.keys() | record.lost.keys() | record.flights.keys()
        kept |= record.waits.keys()
        at_rest = {p for p in live - kept if record.states[p] != QUEUED or record.tries[p] != 1}
        same(run.key, task, "live places without a row of their own", set(), at_rest)
