"""What a seed draws before anything runs: DAGs, who asks for which runs, and what each try does.

The end that it all has to come to needs no engine: what each try does is fixed here, so a few lines
of recursion over a DAG (`expected`) tell each task's state and number of tries.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import structs

from penstock.authoring.serialized import (
    MappedOver,
    SerializedDag,
    SerializedSchedule,
    SerializedTask,
)
from penstock.authoring.timetables import next_run
from penstock.events.types import Attempt
from tests.simulation.loop import SimClock
from tests.simulation.poison import POISONED_DAG

SECOND = 1_000_000
WIDTH = 3
"""Every task returns a list of this length, so that anything can be mapped over anything."""

Place = tuple[str, str, int]  # DAG, task, map index
Fate = tuple[str, int]  # state, tries


@dataclass
class Tale:
    """runs: (DAG, run id) that users ask for. troubles: how many things go wrong.

    fails: tries that fail before one is well. how: what a failure is (`fail`, `hang`, `crash`), or
    what the last try does in place of `ok` (`skip`, `final`). long: tasks that take seconds.
    calm: the network keeps every word. asks: tasks that ask for their upstreams' XComs.
    dates: logical dates of runs, by run id. pauses: what each try waits for, one after the other,
    before it comes to its end (`pool.Play`).
    """

    dags: list[SerializedDag]
    runs: list[tuple[str, str]]
    workers: int
    troubles: int
    fails: dict[Place, int] = field(default_factory=dict)
    how: dict[Place, str] = field(default_factory=dict)
    long: set[tuple[str, str]] = field(default_factory=set)
    asks: set[tuple[str, str]] = field(default_factory=set)
    pools: dict[str, int] = field(default_factory=dict)
    calm: bool = False
    dates: dict[str, int] = field(default_factory=dict)
    pauses: dict[Place, tuple[str, ...]] = field(default_factory=dict)

    def script(self, attempt: Attempt) -> str:
        """What this try does; the same for the same attempt."""
        place = (attempt.run.partition("/")[0], attempt.task, attempt.index)
        how = self.how.get(place, "")
        if attempt.try_number <= self.fails.get(place, 0):
            return how if how in ("hang", "crash") else "fail"
        return how if how in ("skip", "final") else "ok"

    def pause(self, attempt: Attempt) -> str:
        """What this part of the try waits for, "" if it is the last one."""
        waits = self.waits(attempt.run.partition("/")[0], attempt.task, attempt.index)
        return waits[attempt.phase] if attempt.phase < len(waits) else ""

    def waits(self, dag_id: str, task: str, index: int) -> tuple[str, ...]:
        return self.pauses.get((dag_id, task, index), ())

    def pace(self, attempt: Attempt) -> float:
        """The mean of the seconds that it takes."""
        return 8.0 if (attempt.run.partition("/")[0], attempt.task) in self.long else 0.05


# ---------------------------------------------------------------- drawing


def draw_runs(chance: random.Random) -> Tale:
    """Draw a DAG of 3 to 7 tasks: chains, fans, mapped ones, retries, exclusive ones."""
    tasks: list[SerializedTask] = []
    fails: dict[Place, int] = {}
    for number in range(chance.randint(3, 7)):
        tasks.append(draw_task(chance, tasks, f"t{number}", fails))
    dag = SerializedDag(
        dag_id="story",
        tasks=tuple(tasks),
        file=POISONED_DAG,
        max_active_tasks=chance.choice((1, 3, 16)),
        max_active_runs=chance.choice((1, 2, 16)),
    )
    runs = [("story", f"r{number}") for number in range(chance.randint(1, 3))]
    return Tale([dag], runs, chance.randint(1, 3), chance.randint(0, 12), fails)


def draw_task(
    chance: random.Random, before: list[SerializedTask], name: str, fails: dict[Place, int]
) -> SerializedTask:
    above = [task.task_id for task in before]
    ups = chance.sample(above, k=min(len(above), chance.choice((0, 1, 1, 2))))
    mapped: tuple[MappedOver, ...] = ()
    if ups and chance.random() < 0.4:
        plain = [up for up in ups if not before[above.index(up)].mapped]
        if plain:
            mapped = (MappedOver(argument="x", task=plain[0]),)
    retries = chance.choice((0, 1, 2))
    for index in range(WIDTH) if mapped else (-1,):
        if chance.random() < 0.3:
            fails["story", name, index] = chance.randint(0, retries + (chance.random() < 0.2))
    return SerializedTask(
        task_id=name,
        operator="Sim",
        upstream=tuple(ups),
        retries=retries,
        retry_delay=chance.choice((0.0, 0.5, 3.0)),
        mapped=mapped,
        exclusive=chance.random() < 0.3,
        trigger_rule=chance.choice(("all_success",) * 4 + ("all_done", "none_failed")),
        callbacks=("retry",) if chance.random() < 0.2 else (),
    )


def draw_users(chance: random.Random, *, long: float = 0.25) -> Tale:
    """Draw what users do besides: pools, async tasks, callbacks, hangs, crashes, skips, questions.

    A tale has failures or skips: which of the two decides a task's fate if it has both above it
    depends on which came first. long: the share of tasks that take seconds.
    """
    tale = draw_runs(chance)
    (dag,) = tale.dags
    skips = chance.random() < 0.4
    tasks = []
    for task in dag.tasks:
        key = ("story", task.task_id)
        if chance.random() < long:
            tale.long.add(key)
        if chance.random() < 0.4:
            tale.asks.add(key)
        # Who asks waits for a leader, and its time runs.
        patient = key in tale.long or key in tale.asks
        ways = ("skip",) if skips else ("hang", "crash", "fail", "final")
        for index in range(WIDTH) if task.mapped else (-1,):
            if chance.random() < 0.4:
                tale.how[(*key, index)] = chance.choice(ways)
            if tale.how.get((*key, index)) == "hang" and patient:
                tale.how[(*key, index)] = "fail"
            if skips:
                fails = tale.fails.get((*key, index), 0)
                tale.fails[(*key, index)] = min(fails, task.retries)
        names = ("success", "failure", "retry", "skipped")
        tasks.append(
            structs.replace(
                task,
                is_async=chance.random() < 0.25,
                execution_timeout=900.0 if patient else 1.5,
                pool=chance.choice(("default_pool", "small", "small")),
                pool_slots=chance.choice((1, 1, 2)),
                weight=chance.randint(1, 5),
                max_active_tis_per_dag=chance.choice((None, None, 1)),
                callbacks=tuple(name for name in names if chance.random() < 0.25),
            )
        )
    tale.pools = {"small": chance.choice((2, 3))}
    endings = tuple(name for name in ("success", "failure") if chance.random() < 0.4)
    tale.dags = [structs.replace(dag, tasks=tuple(tasks), callbacks=endings)]
    return tale


def draw_absent(chance: random.Random) -> Tale:
    """Draw the same with more that is under way, or may not be, while somebody is away."""
    tale = draw_users(chance, long=0.5)
    (dag,) = tale.dags
    tasks = (
        structs.replace(task, exclusive=task.exclusive or chance.random() < 0.5)
        for task in dag.tasks
    )
    tale.dags = [structs.replace(dag, tasks=tuple(tasks))]
    return tale


def draw_calm(chance: random.Random) -> Tale:
    """Draw the same, over a network that loses nothing: what may then never happen, may not."""
    tale = draw_users(chance)
    tale.calm = True
    tale.troubles = min(tale.troubles, 6)
    return tale


def draw_waits(chance: random.Random) -> Tale:
    """Draw tasks whose tries wait for moments and triggers; some are cancelled over it."""
    tale = draw_runs(chance)
    for task in tale.dags[0].tasks:
        for index in places(task):
            if chance.random() < 0.6:
                many = chance.choice((1, 1, 2, 4))
                ways = chance.choices(("look", "moment", "trigger", "trigger"), k=many)
                tale.pauses["story", task.task_id, index] = tuple(ways)
                if chance.random() < 0.1:
                    tale.how["story", task.task_id, index] = "crash"
    if chance.random() < 0.3:
        tasks = (structs.replace(it, is_async=chance.random() < 0.5) for it in tale.dags[0].tasks)
        tale.dags = [structs.replace(tale.dags[0], tasks=tuple(tasks))]
    return tale


def draw_past(chance: random.Random) -> Tale:
    """Draw runs of several dates, of tasks that wait for the run before where that will end well.

    What failed there would be waited for for ever.
    """
    tale = draw_runs(chance)
    (dag,) = tale.dags
    days = sorted(chance.sample(range(100), chance.randint(2, 5)))
    in_order = chance.random() < 0.7
    if not in_order:
        chance.shuffle(days)
    tale.dates = {f"r{day}": SimClock.START + day * SECOND for day in days}
    tale.runs = [("story", run_id) for run_id in tale.dates]
    ill = {
        task
        for (task, _), (state, _) in expected(tale, dag).items()
        if state in ("failed", "upstream_failed")
    }
    fed = {up for task in dag.tasks if task.task_id in ill for up in task.upstream}
    tasks = (
        structs.replace(
            task,
            depends_on_past=task.task_id not in ill and chance.random() < 0.7,
            wait_for_downstream=task.task_id not in fed and chance.random() < 0.3,
        )
        for task in dag.tasks
    )
    # Out of order, a run could wait for one that it keeps from starting.
    most = dag.max_active_runs if in_order else 16
    tale.dags = [structs.replace(dag, tasks=tuple(tasks), max_active_runs=most)]
    return tale


TICKS_FOR = 120.0
"""Seconds for which the schedules of a tale make runs."""


def draw_schedules(chance: random.Random) -> Tale:
    """Draw two schedules that catch up and one that does not, which tick for two minutes."""
    end = SimClock.START + round(TICKS_FOR * SECOND)
    timing = {
        "cron": {"kind": "cron", "cron": "* * * * * */10", "catchup": True},
        "delta": {"kind": "delta", "delta": 7.0, "catchup": True},
        "latest": {"kind": "cron", "cron": "* * * * * */5"},
    }
    dags = []
    for name, said in timing.items():
        tasks = [SerializedTask(task_id="t0", operator="Sim", retries=1, retry_delay=0.5)]
        if chance.random() < 0.5:
            tasks.append(SerializedTask(task_id="t1", operator="Sim", upstream=("t0",)))
        dags.append(
            SerializedDag(
                dag_id=name,
                tasks=tuple(tasks),
                file=POISONED_DAG,
                schedule=SerializedSchedule(start=SimClock.START, end=end, **said),  # type: ignore[arg-type]
                max_active_runs=chance.choice((1, 2, 16)),
            )
        )
    return Tale(dags, [], chance.randint(1, 2), chance.randint(3, 14))


# ---------------------------------------------------------------- what has to come of it


def expected(tale: Tale, dag: SerializedDag) -> dict[tuple[str, int], Fate]:
    """Return {(task, index): (state, tries)} of every run of the DAG, undisturbed."""
    found: dict[tuple[str, int], Fate] = {}
    ends: dict[str, list[str]] = {}
    for task in dag.tasks:
        above = [end for up in task.upstream for end in ends[up]]
        over = [ends[it.task] for it in task.mapped if it.task]
        fate = unstarted(task.trigger_rule, above) or shared(over)
        rows: dict[int, Fate]
        if fate:
            rows = {-1: (fate, 0)}
        else:
            rows = {index: fate_of(tale, dag.dag_id, task, index) for index in places(task)}
        ends[task.task_id] = [state for state, _ in rows.values()]
        found.update({(task.task_id, index): row for index, row in rows.items()})
    return found


def places(task: SerializedTask) -> Iterator[int]:
    yield from range(WIDTH) if task.mapped else (-1,)


def unstarted(rule: str, above: list[str]) -> str:
    """The state that a task ends in because of its upstreams, "" if it starts."""
    if rule != "all_done" and {"failed", "upstream_failed"} & set(above):
        return "upstream_failed"
    return "skipped" if rule == "all_success" and "skipped" in above else ""


def shared(over: list[list[str]]) -> str:
    """The state that a task shares with what it is mapped over, "" if it is mapped."""
    bad = [ends[0] for ends in over if ends != ["success"]]
    return "" if not bad else "skipped" if bad[0] == "skipped" else "upstream_failed"


def fate_of(tale: Tale, dag_id: str, task: SerializedTask, index: int) -> Fate:
    place = (dag_id, task.task_id, index)
    fails = tale.fails.get(place, 0)
    if fails > task.retries:
        return "failed", task.retries + 1
    last = {"skip": "skipped", "final": "failed"}.get(tale.how.get(place, ""), "success")
    return last, fails + 1


def grid(dag: SerializedDag) -> list[int]:
    """Return every tick of a schedule that has an end."""
    found: list[int] = []
    while tick := next_run(dag.schedule, found[-1] if found else None, 0, since=SimClock.START):
        found.append(tick.logical_date)
    return found
