"""What goes wrong: each trouble is a few lines that a seed puts somewhere into its story."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from penstock.events.types import PoolSet, RunCancelled
from penstock.lifecycle.states import RUN_ENDS
from tests.simulation.absences import halt_leader, halt_worker, lose_leader, lose_worker
from tests.simulation.losses import lose_commits, lose_log, lose_log_and_leader
from tests.simulation.world import Process, World

Trouble = Callable[[World, random.Random], Awaitable[None]]


# ---------------------------------------------------------------- processes


async def kill_leader(world: World, chance: random.Random) -> None:
    process = world.leading()
    if process is not None:
        await world.kill(process)
        await asyncio.sleep(chance.random())
        await world.start_coordinator(process.disk)


async def stop_leader(world: World, chance: random.Random) -> None:
    """A restart in peace: what is folded is projected before the end."""
    process = world.leading()
    if process is not None:
        await world.stop(process)
        await world.start_coordinator(process.disk)


async def kill_worker(world: World, chance: random.Random) -> None:
    if world.workers:
        await world.kill(chance.choice(list(world.workers.values())))
        await asyncio.sleep(chance.random())
        await world.start_worker()


async def drain_worker(world: World, chance: random.Random) -> None:
    """SIGTERM to a worker: it gives back, lets end, and says goodbye."""
    if world.workers:
        await drain(world, chance.choice(list(world.workers.values())), chance.uniform(0, 3))
        await world.start_worker()


async def come_and_go(world: World, chance: random.Random) -> None:
    """A worker is told to end while its joining may still be on its way to the log."""
    process = world.workers[await world.start_worker()]
    await asyncio.sleep(chance.uniform(0, 0.1))
    await drain(world, process, 0.0)


async def drain(world: World, process: Process, grace: float) -> None:
    """See it leave within `grace` seconds, and end it."""
    draining = asyncio.ensure_future(world.working[process.name].drain(grace))
    await asyncio.wait([draining, process.task], return_when=asyncio.FIRST_COMPLETED)
    draining.cancel()
    await world.kill(process)


async def add_standby(world: World, chance: random.Random) -> None:
    if not any(it.disk == "b" for it in world.coordinators.values()):
        await world.start_coordinator("b")


async def nap(world: World, chance: random.Random) -> None:
    """The machine sleeps, a laptop's lid for example: everybody stalls at once."""
    world.loop.nap(chance.uniform(1.0, 30.0))


# ---------------------------------------------------------------- wires


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


async def lose_server(world: World, chance: random.Random) -> None:
    """The server is away for longer than any lease, and forgets the notices it acked last."""
    world.is_smooth = False
    world.server.crash(lost={"NOTICES": chance.randint(0, 2)}, stay_down=True)
    await asyncio.sleep(chance.uniform(0.05, 12.0))
    world.server.start()


# ---------------------------------------------------------------- disks and clocks


async def jump_clock(world: World, chance: random.Random) -> None:
    for clock in world.clocks.values():
        clock.jump(chance.choice((-3600.0, -5.0, 5.0, 3600.0)))


async def shift_clock(world: World, chance: random.Random) -> None:
    for clock in world.clocks.values():
        clock.jump(chance.uniform(-40.0, 40.0))


# ---------------------------------------------------------------- people


async def cancel_run(world: World, chance: random.Random) -> None:
    leader = world.leader
    runs = [] if leader is None else sorted(leader.state.runs.values(), key=lambda run: run.key)
    live = [run.key for run in runs if run.state not in RUN_ENDS]
    if live:
        run = chance.choice(live)
        world.cancelled.add(run)
        await world.propose(RunCancelled(run=run, by="sim"))


async def resize_pool(world: World, chance: random.Random) -> None:
    await world.propose(PoolSet(name="small", slots=chance.choice((2, 3, 8))))


async def rest(world: World, chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0, 3))


ALWAYS: list[Trouble] = [
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
OF_USERS = [*ALWAYS, stop_leader, drain_worker, nap, lose_server, cancel_run, resize_pool]
OF_VISITS = [come_and_go, come_and_go, stop_leader, rest]
OF_CALM = [kill_leader, stop_leader, add_standby, drain_worker, nap, lose_server, jump_clock, rest]
# An hour backwards would put the end of the ticks beyond anybody's patience.
OF_SCHEDULES = [
    *(it for it in ALWAYS if it is not jump_clock),
    shift_clock,
    shift_clock,
    nap,
    stop_leader,
    lose_server,
]
# An hour backwards would put the moments that are waited for beyond anybody's patience, too.
OF_WAITS = [*OF_SCHEDULES, kill_worker, drain_worker, cancel_run]
OF_ABSENCE = [
    *(halt_worker, halt_worker, lose_worker, lose_worker, kill_worker, drain_worker),
    *(halt_leader, lose_leader, kill_leader, add_standby, crash_server, rest, rest),
]
OF_DISKS = [*ALWAYS, lose_commits, lose_commits, lose_commits, lose_server]
OF_LOST_LOGS = [
    *ALWAYS,
    add_standby,
    lose_commits,
    lose_log,
    lose_log,
    lose_log_and_leader,
    lose_log_and_leader,
]
