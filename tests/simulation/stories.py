"""One seed, one story: DAGs, runs, what goes wrong, and the end that it all has to come to.

The expected end needs no engine: what each try does is fixed by the script, so a few lines of
recursion over the DAG tell each task's state and number of tries.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from penstock.authoring.serialized import MappedOver, SerializedDag, SerializedTask
from penstock.events.types import Attempt
from penstock.lifecycle.compare import same
from penstock.lifecycle.states import RUN_ENDS, WORDS
from tests.simulation.loop import SimLoop
from tests.simulation.pool import Effect
from tests.simulation.world import World

PATIENCE = 900.0
"""Simulated seconds that the runs may take after everything was mended."""


@dataclass
class Tale:
    """What a seed draws before anything runs."""

    dag: SerializedDag
    runs: int
    fails: dict[tuple[str, int], int]  # (task, index): tries that fail before one is well
    workers: int
    troubles: int


def draw(chance: random.Random) -> Tale:
    """Draw a DAG of 3 to 7 tasks: chains, fans, mapped ones, retries, an exclusive one, pools."""
    tasks: list[SerializedTask] = []
    fails: dict[tuple[str, int], int] = {}
    for number in range(chance.randint(3, 7)):
        name = f"t{number}"
        above = [task.task_id for task in tasks]
        ups = chance.sample(above, k=min(len(above), chance.choice((0, 1, 1, 2))))
        mapped: tuple[MappedOver, ...] = ()
        if ups and chance.random() < 0.4:
            plain = [up for up in ups if not tasks[above.index(up)].mapped]
            if plain:
                mapped = (MappedOver(argument="x", task=plain[0]),)
        retries = chance.choice((0, 1, 2))
        for index in range(3) if mapped else (-1,):
            if chance.random() < 0.3:
                fails[name, index] = chance.randint(0, retries + (chance.random() < 0.2))
        tasks.append(
            SerializedTask(
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
        )
    dag = SerializedDag(
        dag_id="story",
        tasks=tuple(tasks),
        file="/story.py",
        max_active_tasks=chance.choice((1, 3, 16)),
        max_active_runs=chance.choice((1, 2, 16)),
    )
    return Tale(dag, chance.randint(1, 3), fails, chance.randint(1, 3), chance.randint(0, 12))


def script_of(tale: Tale) -> Callable[[Attempt], str]:
    def script(attempt: Attempt) -> str:
        bad = tale.fails.get((attempt.task, attempt.index), 0)
        return "fail" if attempt.try_number <= bad else "ok"

    return script


def expected(tale: Tale) -> dict[tuple[str, int], tuple[str, int]]:
    """Return {(task, index): (state, tries)} of every run of the tale, undisturbed."""
    found: dict[tuple[str, int], tuple[str, int]] = {}
    ends: dict[str, list[str]] = {}
    for task in tale.dag.tasks:
        above = [end for up in task.upstream for end in ends[up]]
        bad = any(end in ("failed", "upstream_failed") for end in above)
        if bad and task.trigger_rule in ("all_success", "none_failed"):
            rows = {-1: ("upstream_failed", 0)}
        elif any(over.task and ends[over.task] != ["success"] for over in task.mapped):
            rows = {-1: ("upstream_failed", 0)}
        else:
            rows = {}
            for index in range(3) if task.mapped else (-1,):
                fails = tale.fails.get((task.task_id, index), 0)
                well = fails <= task.retries
                rows[index] = ("success", fails + 1) if well else ("failed", task.retries + 1)
        ends[task.task_id] = [state for state, _ in rows.values()]
        found.update({(task.task_id, index): row for index, row in rows.items()})
    return found


class StoryError(AssertionError):
    """A law was broken. Says the seed."""


async def tell(seed: int, loop: SimLoop) -> World:
    """Play the story of a seed; raises what went wrong."""
    chance = random.Random(seed)
    tale = draw(chance)
    world = World(seed, loop, script_of(tale))
    try:
        await play(world, tale, chance)
        judge(world, tale)
    finally:
        for process in [*world.coordinators.values(), *world.workers.values()]:
            await world.kill(process)
        world.close()
    return world


async def play(world: World, tale: Tale, chance: random.Random) -> None:
    spoil(world, chance)
    await world.start_coordinator("a")
    for _ in range(tale.workers):
        await world.start_worker()
    await world.register(tale.dag)
    for number in range(tale.runs):
        await world.trigger("story", f"r{number}")
    for _ in range(tale.troubles):
        await asyncio.sleep(chance.expovariate(1 / 0.7))
        trouble = chance.choice(TROUBLES)
        await trouble(world, chance)
        await world.keep_alive()
    mend(world)
    await settle(world, tale)


def spoil(world: World, chance: random.Random) -> None:
    network = world.network
    if chance.random() < 0.8:
        network.word_delay = (0.0, chance.choice((0.002, 0.05, 0.3)))
        network.stream_delay = (0.0, chance.choice((0.002, 0.05)))
    if chance.random() < 0.6:
        network.drop_word = chance.choice((0.01, 0.1))
        network.repeat_word = 0.05
        network.lose_append = network.lose_ack = chance.choice((0.0, 0.05))
    if chance.random() < 0.4:
        network.cut = chance.choice((0.001, 0.01))
        network.outage = (0.01, 2.0)


def mend(world: World) -> None:
    network = world.network
    network.drop_word = network.repeat_word = network.lose_append = network.lose_ack = 0.0
    network.cut = 0.0
    if world.server.down:
        world.server.start()


async def settle(world: World, tale: Tale) -> None:
    """Wait until every run is over and projected."""
    until = world.loop.time() + PATIENCE
    while world.loop.time() < until:
        await world.keep_alive()
        if not world.coordinators:
            await world.start_coordinator("a")
        if not world.workers:
            await world.start_worker()
        runs = world.runs()
        is_over = len(runs) == tale.runs and all(
            run.state in RUN_ENDS and not run.callbacks for run in runs.values()
        )
        leader = world.leader
        if is_over and leader is not None and not leader.state.runs:
            await asyncio.sleep(2.0)  # a word that is under way may still become a fact
            if world.leader is leader and leader.sequence == world.server.streams["LOG"].last:
                return
        await asyncio.sleep(1.0)
    raise StoryError("the runs do not end:\n" + describe(world))


# ---------------------------------------------------------------- troubles


async def kill_leader(world: World, chance: random.Random) -> None:
    for process in list(world.coordinators.values()):
        if process.name in world.leaders and world.leaders[process.name].is_leading:
            disk = process.disk  # type: ignore[attr-defined]
            await world.kill(process)
            await asyncio.sleep(chance.random())
            await world.start_coordinator(disk)
            return


async def kill_worker(world: World, chance: random.Random) -> None:
    if world.workers:
        await world.kill(chance.choice(list(world.workers.values())))
        await asyncio.sleep(chance.random())
        await world.start_worker()


async def add_standby(world: World, chance: random.Random) -> None:
    if not any(getattr(it, "disk", "") == "b" for it in world.coordinators.values()):
        await world.start_coordinator("b")


async def freeze_leader(world: World, chance: random.Random) -> None:
    """The leader hears and says nothing for a while, and then goes on as if nothing had been."""
    leader = world.leader
    if leader is not None:
        bus = world.coordinators[leader.settings.name].bus
        bus.lose()
        await asyncio.sleep(chance.uniform(0.5, 9.0))
        bus.mend_later()


async def cut_worker(world: World, chance: random.Random) -> None:
    if world.workers:
        bus = chance.choice(list(world.workers.values())).bus
        bus.lose()
        await asyncio.sleep(chance.uniform(0.1, 9.0))
        bus.mend_later()


async def crash_server(world: World, chance: random.Random) -> None:
    world.server.crash(stay_down=True)
    await asyncio.sleep(chance.uniform(0.05, 3.0))
    world.server.start()


async def jump_clock(world: World, chance: random.Random) -> None:
    for clock in world.clocks.values():
        clock.jump(chance.choice((-3600.0, -5.0, 5.0, 3600.0)))


async def rest(world: World, chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0, 3))


TROUBLES: list[Callable[[World, random.Random], Awaitable[None]]] = [
    kill_leader,
    kill_leader,
    kill_worker,
    kill_worker,
    add_standby,
    freeze_leader,
    cut_worker,
    crash_server,
    jump_clock,
    rest,
]


# ---------------------------------------------------------------- judgement


def judge(world: World, tale: Tale) -> None:
    if world.failures:
        raise StoryError(f"something was raised: {world.failures[0]!r}") from world.failures[0]
    wanted = expected(tale)
    for run in world.runs().values():
        found = {
            (record.step.task.task_id, record.index(place)): (
                WORDS[record.states[place]],
                record.tries[place],
            )
            for record in run.tasks
            for place in range(len(record.states))
        }
        if found != wanted:
            raise StoryError(f"{run.key} ended otherwise:\n{wanted}\n{found}\n" + describe(world))
    judge_effects(world, tale)
    judge_leader(world)


def judge_effects(world: World, tale: Tale) -> None:
    """No earlier try runs after a later one began; exclusive code never runs in two places."""
    exclusive = {task.task_id for task in tale.dag.tasks if task.exclusive}
    latest: dict[tuple[str, str, int], int] = {}
    for effect in sorted(world.effects.rows, key=lambda row: row.began):
        attempt, place = effect.attempt, place_of(effect)
        if attempt.task.startswith("~"):
            continue  # a callback is called at least once, in no order
        if attempt.try_number < latest.get(place, 0):
            raise StoryError(f"{attempt} began after try {latest[place]}")
        latest[place] = max(attempt.try_number, latest.get(place, 0))
    for one in world.effects.rows:
        if one.attempt.task not in exclusive:
            continue
        end = next(at for at in (one.ended, one.killed, float("inf")) if at is not None)
        for other in world.effects.rows:
            is_same = place_of(other) == place_of(one) and other is not one
            if is_same and one.began < other.began < end:
                raise StoryError(f"exclusive {one.attempt} ran in two places: {one}, {other}")


def place_of(effect: Effect) -> tuple[str, str, int]:
    attempt = effect.attempt
    return attempt.run, attempt.task, attempt.index


def judge_leader(world: World) -> None:
    """The leader's state and its projection are what a fold of the log from zero gives."""
    leader = world.leader
    assert leader is not None
    state = world.fold()
    for run in list(state.runs):
        if state.runs[run].state in RUN_ENDS and run not in leader.state.runs:
            del state.runs[run]
    differences = same(state, leader.state)
    if differences:
        raise StoryError("leader and log differ: " + "; ".join(differences[:5]))


def describe(world: World) -> str:
    lines = []
    for run in world.fold().runs.values():
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


def play_story(seed: int) -> World:
    """Play one seed on a loop of its own."""
    loop = SimLoop()
    try:
        return loop.run_until_complete(tell(seed, loop))
    except Exception as error:
        error.add_note(f"seed {seed}, at {loop.now:.3f} s")
        raise
    finally:
        loop.close()
