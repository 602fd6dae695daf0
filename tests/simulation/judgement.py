"""What has to be true of a story once it is over: the promises, judged by what really happened.

Judges look at the log, at what user code did (`Effects`) and at what others heard (NOTICES), never
at what Penstock says of itself, but for one: the leader's state must be what the log folds to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from math import inf

import msgspec

from penstock.authoring.serialized import SerializedDag
from penstock.events.types import (
    Attempt,
    AttemptInterrupted,
    RunTriggered,
    WorkerJoined,
    WorkerLost,
)
from penstock.events.words import Notice
from penstock.lifecycle.compare import same
from penstock.lifecycle.state import RunState
from penstock.lifecycle.states import RUN_ENDS, RUN_FAILED, RUN_SUCCESS, WORDS
from penstock.store.check import check as check_projection
from tests.simulation.losses import in_log
from tests.simulation.poison import swallowed
from tests.simulation.pool import Effect
from tests.simulation.tales import Tale, expected, grid, places
from tests.simulation.world import World

decode_notice = msgspec.json.Decoder(Notice).decode


class StoryError(AssertionError):
    """A law was broken. Says the seed."""


def dag_of(tale: Tale, run: str) -> SerializedDag:
    return next(dag for dag in tale.dags if dag.dag_id == run.partition("/")[0])


# ---------------------------------------------------------------- how runs ended


def judge_ends(world: World, tale: Tale) -> None:
    """Every run came to the end that it would have come to undisturbed."""
    for run in world.runs().values():
        wanted, found = expected(tale, dag_of(tale, run.key)), ends_of(run)
        if run.key in world.cancelled and run.stopping:
            most = {place: tries for place, (_, tries) in wanted.items()}
            for (task, index), (_, tries) in found.items():
                # Cancelled before it was mapped, it is one instance that never began.
                if tries > most.get((task, index), 0):
                    raise StoryError(f"{run.key} {task}[{index}] had {tries} tries")
            if run.state != RUN_FAILED:
                raise StoryError(f"{run.key} was cancelled and is {run.state}")
        elif found != wanted:
            raise StoryError(f"{run.key} ended otherwise:\n{wanted}\n{found}\n{describe(world)}")
        elif (run.state == RUN_SUCCESS) != is_good(tale, run):
            raise StoryError(f"{run.key} ended as {run.state}, its leaves say otherwise")


def ends_of(run: RunState) -> dict[tuple[str, int], tuple[str, int]]:
    return {
        (record.step.task.task_id, record.index(place)): (
            WORDS[record.states[place]],
            record.tries[place],
        )
        for record in run.tasks
        for place in range(len(record.states))
    }


def is_good(tale: Tale, run: RunState) -> bool:
    """Whether no leaf of the run failed."""
    dag = dag_of(tale, run.key)
    inner = {up for task in dag.tasks for up in task.upstream}
    return all(
        state in ("success", "skipped")
        for (task, _), (state, _) in expected(tale, dag).items()
        if task not in inner
    )


# ---------------------------------------------------------------- what user code did


def judge_effects(world: World, tale: Tale) -> None:
    """No part of an instance begins after a later one; exclusive code is never in two places."""
    latest: dict[tuple[str, str, int], tuple[int, int]] = {}
    for effect in sorted(tasks_in(world), key=lambda row: row.began):
        attempt, place = effect.attempt, place_of(effect)
        part, last = (attempt.try_number, attempt.phase), latest.get(place, (0, 0))
        if part < last:
            raise StoryError(f"{attempt} began on {effect.worker} after try, phase {last}")
        latest[place] = part
    exclusive = {(dag.dag_id, task.task_id) for dag in tale.dags for task in dag.tasks
                 if task.exclusive}  # fmt: skip
    for one in tasks_in(world):
        if (one.attempt.run.partition("/")[0], one.attempt.task) not in exclusive:
            continue
        for other in tasks_in(world):
            is_same = place_of(other) == place_of(one) and other is not one
            if is_same and one.began <= other.began < one.end:
                raise StoryError(f"exclusive {one.attempt} ran in two places: {one}, {other}")


def judge_epochs(world: World, tale: Tale) -> None:
    """What came under a lower epoch than its worker had heard of before is never begun."""
    for row in world.effects.rows:
        if row.delivery in world.words[row.worker].refused:
            raise StoryError(f"{row.attempt} was begun on {row.worker} for a deposed leader: {row}")


def judge_outcomes(world: World, tale: Tale) -> None:
    """What counts as done was done: some delivery of each counted try ran to its end."""
    done = {row.attempt for row in world.effects.rows if row.ended is not None}
    hung = {place for place, how in tale.how.items() if how == "hang"}
    for run in world.runs().values():
        if run.stopping:
            continue
        for (task, index), (state, tries) in ends_of(run).items():
            if state != "success":
                continue
            for number in range(1, tries + 1):
                last = number == tries
                if not last and (run.triggered.dag_id, task, index) in hung:
                    continue
                crashed = not last and tale.how.get((run.triggered.dag_id, task, index)) == "crash"
                phase = 0 if crashed else len(tale.waits(run.triggered.dag_id, task, index))
                if Attempt(run.key, task, index, number, phase) not in done:
                    raise StoryError(f"{run.key} {task}[{index}] try {number} counts and never ran")


def judge_callbacks(world: World, tale: Tale) -> None:
    """What a user asked to be called for was called, at least once."""
    called = Counter(row.attempt for row in world.effects.rows if row.ended is not None)
    names = {(it.run, it.task, it.index, it.try_number) for it in called}
    for run in world.runs().values():
        if run.stopping:
            continue
        for task, index, number, name in owed_callbacks(tale, run):
            if (run.key, f"~{name}:{task}", index, number) not in names:
                raise StoryError(f"{run.key} {task}[{index}] try {number}: no on_{name}_callback")


def owed_callbacks(tale: Tale, run: RunState) -> Iterator[tuple[str, int, int, str]]:
    """Yield (task, index, try, callback) that the end of a run owes."""
    dag = dag_of(tale, run.key)
    ends = ends_of(run)
    for task in dag.tasks:
        for index in places(task):
            state, tries = ends.get((task.task_id, index), ("", 0))
            name = {"success": "success", "failed": "failure", "skipped": "skipped"}.get(state)
            if tries and name in task.callbacks:
                yield task.task_id, index, tries, str(name)
            if "retry" in task.callbacks:
                for number in range(1, tries):
                    yield task.task_id, index, number, "retry"
    end = "success" if run.state == RUN_SUCCESS else "failure"
    if end in dag.callbacks:
        yield "", -1, 1, end


def judge_answers(world: World, tale: Tale) -> None:
    """Who asked for an upstream's XComs was given all of them: it had ended."""
    for row in tasks_in(world):
        if row.attempt.run in world.cancelled or not row.found:
            continue
        wanted = expected(tale, dag_of(tale, row.attempt.run))
        for task, many in row.found.items():
            good = sum(state == "success" for (it, _), (state, _) in wanted.items() if it == task)
            if many != good:
                raise StoryError(f"{row.attempt} was told {many} XComs of {task}, there are {good}")


def judge_untouched(world: World, tale: Tale) -> None:
    """Nothing that is a user's was loaded or unpickled by a coordinator."""
    touched, swallowed[:] = sorted(set(swallowed)), []
    if touched:
        raise StoryError(f"a coordinator touched what is a user's: {', '.join(touched)}")


def judge_quiet(world: World, tale: Tale) -> None:
    """When all is over nothing runs any more."""
    for pool in world.pools.values():
        if pool.running and not pool.is_dead:
            raise StoryError(f"{pool.worker} still runs {list(pool.running)}")


def tasks_in(world: World) -> list[Effect]:
    """What was done, without callbacks: these are called at least once, in no order."""
    return [row for row in world.effects.rows if not row.attempt.task.startswith("~")]


def place_of(effect: Effect) -> tuple[str, str, int]:
    attempt = effect.attempt
    return attempt.run, attempt.task, attempt.index


# ---------------------------------------------------------------- what others heard


def judge_notices(world: World, tale: Tale) -> None:
    """Per run: who takes the next number only hears all of them, and each always says the same.

    A message that was lost on its way is sent again, with those after it; these were then heard
    before it. Where no connection breaks the first hearing is in order.
    """
    heard: dict[str, dict[int, bytes]] = {}
    taken: Counter[str] = Counter()
    for stored, _ in world.server.streams["NOTICES"].messages.values():
        notice = decode_notice(stored.payload)
        run = f"{notice.data['dag_id']}/{notice.data['run_id']}"
        of_run = heard.setdefault(run, {})
        if notice.id != f"{run}#{notice.sequence}":
            raise StoryError(f"notice {notice.sequence} of {run} has the id {notice.id}")
        if of_run.setdefault(notice.sequence, stored.payload) != stored.payload:
            raise StoryError(f"notice {notice.id} was told in two ways")
        if world.is_smooth and notice.sequence > 1 and notice.sequence - 1 not in of_run:
            raise StoryError(f"notice {notice.id} came before the one before it")
        taken[run] += notice.sequence == taken[run] + 1
    for run_state in world.runs().values():
        if taken[run_state.key] != run_state.counter:
            raise StoryError(
                f"{run_state.key}: {taken[run_state.key]} of {run_state.counter} notices were heard"
            )


# ---------------------------------------------------------------- the past, schedules


def judge_past(world: World, tale: Tale) -> None:
    """No task began before it, and what it waits for besides, had ended in the run before."""
    asked = [it.run for it in world.events() if isinstance(it, RunTriggered)]
    (dag,) = tale.dags
    began: dict[tuple[str, str], float] = {}
    over: dict[Attempt, float] = {}
    for row in tasks_in(world):
        place = (row.attempt.run, row.attempt.task)
        began[place] = min(began.get(place, inf), row.began)
        over[row.attempt] = min(over.get(row.attempt, inf), row.end)
    ended: dict[tuple[str, str], float] = {}
    for attempt, at in over.items():
        ended[attempt.run, attempt.task] = max(ended.get((attempt.run, attempt.task), 0.0), at)
    by_date = sorted(asked, key=lambda run: tale.dates[run.partition("/")[2]])
    for before, run in pairwise(by_date):
        if asked.index(before) > asked.index(run):
            continue  # it came when this one may have been under way
        for task, other in waited_for(dag):
            if began.get((run, task), inf) < ended.get((before, other), 0.0):
                raise StoryError(f"{run} {task} began before {before} {other} had ended")


def waited_for(dag: SerializedDag) -> Iterator[tuple[str, str]]:
    """Yield (task, task of the run before that it waits for)."""
    for task in dag.tasks:
        if task.depends_on_past:
            yield task.task_id, task.task_id
        if task.depends_on_past and task.wait_for_downstream:
            below = (it.task_id for it in dag.tasks if task.task_id in it.upstream)
            yield from ((task.task_id, each) for each in below)


def judge_ticks(world: World, tale: Tale) -> None:
    """Every tick is one run: none is missed where the DAG catches up, none is made twice."""
    made: dict[str, list[int]] = {dag.dag_id: [] for dag in tale.dags}
    for event in world.events():
        if isinstance(event, RunTriggered) and event.run_type == "scheduled":
            assert event.logical_date is not None
            made[event.dag_id].append(event.logical_date)
    for dag in tale.dags:
        ticks, wanted = made[dag.dag_id], grid(dag)
        if sorted(set(ticks)) != ticks:
            raise StoryError(f"{dag.dag_id}: ticks are doubled or out of order: {ticks}")
        if dag.schedule.catchup and ticks != wanted:
            raise StoryError(f"{dag.dag_id}: missed {sorted(set(wanted) - set(ticks))}")
        strange = sorted(set(ticks) - set(wanted))
        if strange:
            raise StoryError(f"{dag.dag_id}: its schedule has no {strange}")


# ---------------------------------------------------------------- the leader, and calm stories


def judge_leader(world: World, tale: Tale) -> None:
    """The leader's state is what a fold of the log from zero gives."""
    leader = world.leader
    assert leader is not None
    differences = same(world.fold(), leader.state)
    if differences:
        raise StoryError("leader and log differ: " + "; ".join(differences[:5]))


def judge_kept(world: World, tale: Tale) -> None:
    """What the log lost and a projection had is in the log again."""
    missing = world.owed - in_log(world)
    if missing:
        raise StoryError(f"the log lost these facts, which a projection had: {missing}")


def judge_projections(world: World, tale: Tale) -> None:
    """Every disk has what the log folds to, as far as its projection has come."""
    records = [(it.sequence, it.payload) for it, _ in world.server.streams["LOG"].messages.values()]
    for disk, database in world.databases.items():
        wrong = check_projection(database.path, records)
        if wrong:
            raise StoryError(f"the projection on disk {disk}: " + "; ".join(wrong[:5]))


def judge_calm(world: World, tale: Tale) -> None:
    """Where no worker died and no word was lost, nobody is given up and nothing runs twice."""
    gone: set[str] = set()
    for event in world.events():
        if isinstance(event, WorkerLost) and event.clean:
            gone.add(event.worker)
        if isinstance(event, WorkerJoined) and event.worker in gone:
            raise StoryError(f"{event.worker} said goodbye, and then it joined")
        if isinstance(event, WorkerLost) and event.worker in world.workers:
            raise StoryError(f"{event.worker} was given up, and had done nothing: {event.reason}")
        if isinstance(event, AttemptInterrupted) and event.begun and not excused(tale, event):
            raise StoryError(f"{event.attempt} was interrupted: {event.reason}")
    often = Counter(row.attempt for row in tasks_in(world))
    for attempt, times in often.items():
        if times > 1 and not excused_attempt(world, tale, attempt.run, attempt.task):
            raise StoryError(f"{attempt} was begun {times} times in a calm story")


def judge_limits(world: World, tale: Tale) -> None:
    """No more at a time than the pool has slots, and than a run may have tasks under way.

    A new leader does not know at once what is out, so limits may then be overdrawn.
    """
    if world.counts["coordinator"] > 1:
        return
    steps: list[tuple[float, int, str, int]] = []
    for row in tasks_in(world):
        task = next(
            it for it in dag_of(tale, row.attempt.run).tasks if it.task_id == row.attempt.task
        )
        for what, weight in (task.pool, task.pool_slots), (row.attempt.run, 1):
            steps += [(row.began, 1, what, weight), (row.end, 0, what, -weight)]
    used: Counter[str] = Counter()
    for at, _, what, weight in sorted(steps):
        used[what] += weight
        most = tale.pools.get(what, 128 if "/" not in what else tale.dags[0].max_active_tasks)
        if used[what] > most:
            raise StoryError(f"{used[what]} of {most} slots of {what} are in use at {at:.3f} s")


def excused(tale: Tale, event: AttemptInterrupted) -> bool:
    """An exclusive one dies with its lease when the server is away or the machine sleeps."""
    return is_exclusive(tale, event.attempt.run, event.attempt.task) or event.reason == "cancelled"


def excused_attempt(world: World, tale: Tale, run: str, task: str) -> bool:
    return is_exclusive(tale, run, task) or world.counts["worker"] > tale.workers


def is_exclusive(tale: Tale, run: str, task: str) -> bool:
    return any(it.exclusive for it in dag_of(tale, run).tasks if it.task_id == task)


def describe(world: World) -> str:
    lines = []
    runs = list(world.fold().runs.values())
    live = [run for run in runs if run.state not in RUN_ENDS or run.callbacks]
    for run in live or runs[-3:]:
        lines.append(f"{run.key}: {run.state} active={run.active} {run.reason}")
        for record in run.tasks:
            states = [WORDS[code] for code in record.states]
            lines.append(f"   {record.step.task.task_id}: {states} tries {list(record.tries)}")
    leader = world.leader
    if leader is not None:
        lines.append(f"leader {leader.settings.name}: {leader.status()}")
        held = [str(it) for it in leader.dispatcher.by_attempt]
        lines.append(f"held: {held}; withheld: {leader.dispatcher.withheld}")
        lines.append(f"unheard: {leader.dispatcher.unheard}")
    return "\n".join(lines)
