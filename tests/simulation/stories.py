"""One seed, one story: DAGs, runs, what goes wrong, and the end that it all has to come to.

A story has a kind, a row of `KINDS`: how its tale is drawn, what can go wrong in it, and how it is
judged. At the end everything is mended, and the runs have to come to the very end that they would
have come to undisturbed.

In the kind `lost` the log loses facts that it had acked, which with `sync_interval: always` only a
disk that lies can do. What SQLite has is appended again; what nobody has is gone, so its user
asks again, a task may run again, also after a later try of it began, and `exclusive` cannot be
promised. What is left: all comes to its right end, what a projection had is in the log again, and
the leader and every projection are what the log says.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections.abc import Callable
from typing import NamedTuple

from penstock.authoring.serialized import SerializedDag
from penstock.events.types import PoolSet
from penstock.lifecycle.states import RUN_ENDS
from tests.simulation import troubles
from tests.simulation.judgement import (
    StoryError,
    describe,
    judge_answers,
    judge_callbacks,
    judge_calm,
    judge_effects,
    judge_ends,
    judge_epochs,
    judge_kept,
    judge_leader,
    judge_limits,
    judge_notices,
    judge_outcomes,
    judge_past,
    judge_projections,
    judge_quiet,
    judge_ticks,
    judge_untouched,
)
from tests.simulation.loop import SimLoop
from tests.simulation.pool import Play
from tests.simulation.reasons import ask_why, judge_causes
from tests.simulation.tales import (
    SECOND,
    TICKS_FOR,
    Tale,
    draw_absent,
    draw_calm,
    draw_past,
    draw_runs,
    draw_schedules,
    draw_users,
    draw_waits,
    grid,
)
from tests.simulation.world import World

PATIENCE = 900.0
"""Simulated seconds that the runs may take after everything was mended."""

Judge = Callable[[World, Tale], None]

RIGHT_END: tuple[Judge, ...] = (judge_ends, judge_outcomes, judge_callbacks, judge_leader)
STRICT: tuple[Judge, ...] = (
    *RIGHT_END,
    judge_effects,
    judge_epochs,
    judge_notices,
    judge_quiet,
    judge_untouched,
    judge_causes,
)

OF_LOST: tuple[Judge, ...] = (*RIGHT_END, judge_kept, judge_projections)


class Kind(NamedTuple):
    """gap: the mean of the seconds between troubles. oom: the chance that a child is killed.

    keep_commits: how many commits a disk may lose. late: how many seconds words take at most.
    """

    draw: Callable[[random.Random], Tale]
    troubles: list[troubles.Trouble]
    judges: tuple[Judge, ...]
    gap: float = 0.7
    oom: float = 0.0
    keep_commits: int = 0
    late: tuple[float, ...] = (0.002, 0.05, 0.3)


KINDS = {
    "runs": Kind(draw_runs, troubles.ALWAYS, STRICT),
    "users": Kind(draw_users, troubles.OF_USERS, (*STRICT, judge_answers), oom=0.03),
    "calm": Kind(draw_calm, troubles.OF_CALM, (*STRICT, judge_answers, judge_calm, judge_limits)),
    "visits": Kind(draw_calm, troubles.OF_VISITS, (*STRICT, judge_answers, judge_calm)),
    "waits": Kind(draw_waits, troubles.OF_WAITS, (*STRICT, judge_projections)),
    "past": Kind(draw_past, troubles.ALWAYS, (*STRICT, judge_past, judge_projections)),
    "schedules": Kind(draw_schedules, troubles.OF_SCHEDULES, (*STRICT, judge_ticks), gap=8.0),
    "disks": Kind(draw_runs, troubles.OF_DISKS, (*STRICT, judge_projections), keep_commits=5),
    "lost": Kind(draw_runs, troubles.OF_LOST_LOGS, OF_LOST, keep_commits=5),
    "absent": Kind(draw_absent, troubles.OF_ABSENCE, STRICT, gap=3.0, late=(0.05, 0.3, 1.5)),
}


def play_story(seed: int, kind: str = "runs") -> World:
    """Play one story on a loop of its own; raises what went wrong, with the seed."""
    logging.disable(logging.CRITICAL)
    loop = SimLoop()
    # When garbage is found depends on what was played before; generators act as they are found.
    gc.disable()
    try:
        return loop.run_until_complete(tell(seed, KINDS[kind], loop))
    except Exception as error:
        error.add_note(f"story {kind}:{seed}, at {loop.now:.3f} s")
        raise
    finally:
        loop.close()
        gc.enable()
        logging.disable(logging.NOTSET)


async def tell(seed: int, kind: Kind, loop: SimLoop) -> World:
    chance = random.Random(seed)
    tale = kind.draw(chance)
    ups = {(dag.dag_id, it.task_id): it.upstream for dag in tale.dags for it in dag.tasks}
    play = Play(
        tale.script,
        tale.pace,
        lambda it: ups[key] if (key := (it.run.partition("/")[0], it.task)) in tale.asks else (),
        tale.pause,
        kind.oom,
    )
    world = World(seed, loop, play, keep_commits=kind.keep_commits)
    try:
        await unfold(world, tale, kind, chance)
        if world.failures:
            first = world.failures[0]
            raise StoryError(f"something was raised: {first!r}") from first
        for judge in kind.judges:
            judge(world, tale)
    finally:
        for process in [*world.coordinators.values(), *world.workers.values()]:
            await world.kill(process)
        world.close()
    return world


async def unfold(world: World, tale: Tale, kind: Kind, chance: random.Random) -> None:
    spoil(world, tale, kind, chance)
    await world.start_coordinator("a")
    for _ in range(tale.workers):
        await world.start_worker()
    for name, slots in tale.pools.items():
        await world.propose(PoolSet(name=name, slots=slots))
    for dag in tale.dags:
        await world.register(dag)
    for dag_id, run_id in tale.runs:
        await world.trigger(dag_id, run_id, tale.dates.get(run_id))
    for _ in range(tale.troubles):
        await asyncio.sleep(chance.expovariate(1 / kind.gap))
        trouble = chance.choice(kind.troubles)
        ask_why(world)
        await trouble(world, chance)
        ask_why(world)
        await world.keep_alive()
    mend(world)
    if any(dag.schedule.kind != "none" for dag in tale.dags):
        await asyncio.sleep(TICKS_FOR)
    await settle(world, tale)


def spoil(world: World, tale: Tale, kind: Kind, chance: random.Random) -> None:
    """Make the network as bad as the seed says."""
    network = world.network
    if chance.random() < 0.8:
        network.word_delay = (0.0, chance.choice(kind.late))
        network.stream_delay = (0.0, chance.choice((0.002, 0.05)))
    if tale.calm:
        world.is_smooth = True
        network.arrive_anyway = 1.0
        return
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
    for process in [*world.coordinators.values(), *world.workers.values()]:
        process.bus.signals.go_on()
        if not process.bus.connected:
            process.bus.mend_later()


async def settle(world: World, tale: Tale) -> None:
    """Wait until every run is over and projected, and all that is said of it has arrived."""
    until = world.loop.time() + PATIENCE
    while world.loop.time() < until:
        await world.keep_alive()
        if not world.coordinators:
            await world.start_coordinator("a")
        if not world.workers:
            await world.start_worker()
        if world.log_lost:
            await ask_again(world, tale)
        ask_why(world)
        leader = world.leader
        if is_over(world, tale) and leader is not None and not leader.state.runs:
            # A word that is under way may still become a fact, or stop what nobody wants.
            await asyncio.sleep(2.0 + 4 * world.network.word_delay[1])
            is_still = world.leader is leader and is_over(world, tale)
            # A notice that the stream did not get is missed after seconds, and sent again.
            is_told = leader.relay.noticed == world.server.streams["LOG"].last
            if is_still and is_told and world.is_projected:
                return
        await asyncio.sleep(1.0)
    raise StoryError("the runs do not end:\n" + describe(world))


def is_over(world: World, tale: Tale) -> bool:
    runs = world.runs()
    if not all(run.state in RUN_ENDS and not run.callbacks for run in runs.values()):
        return False
    for dag in tale.dags:
        if dag.schedule.kind != "none" and not has_ticked(world, dag):
            return False
    return all(f"{dag_id}/{run_id}" in runs for dag_id, run_id in tale.runs)


def has_ticked(world: World, dag: SerializedDag) -> bool:
    """Whether a schedule's last tick is made; if late, it may be passed over without catchup."""
    known, end = world.state.dags.get(dag.dag_id), grid(dag)[-1]
    if known is not None and known.last_tick == end:
        return True
    is_late = all(clock.now() > end + 15 * SECOND for clock in world.clocks.values())
    return is_late and not dag.schedule.catchup


async def ask_again(world: World, tale: Tale) -> None:
    """Users whose requests the log lost see that, and ask again."""
    known, runs = world.fold(), world.runs()
    for dag in tale.dags:
        if dag.dag_id not in known.dags:
            await world.register(dag)
    for dag_id, run_id in tale.runs:
        if f"{dag_id}/{run_id}" not in runs:
            await world.trigger(dag_id, run_id, tale.dates.get(run_id))
