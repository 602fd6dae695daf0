"""Who is away for a while, and comes back as if nothing had been; more goes wrong meanwhile."""

from __future__ import annotations

import asyncio
import random

from tests.simulation.world import Process, World


async def halt_worker(world: World, chance: random.Random) -> None:
    """SIGSTOP to a worker, and a SIGCONT some time later; other things go wrong meanwhile."""
    if world.workers:
        halt(chance.choice(list(world.workers.values())), chance)


async def halt_leader(world: World, chance: random.Random) -> None:
    process = world.leading()
    if process is not None:
        halt(process, chance)


def halt(process: Process, chance: random.Random) -> None:
    signals = process.bus.signals
    signals.halt()
    asyncio.get_running_loop().call_later(away(chance), signals.go_on)


def away(chance: random.Random) -> float:
    """Seconds: about as often shorter than a lease as longer than it."""
    return chance.choice((chance.uniform(0.1, 5.0), chance.uniform(5.0, 25.0)))


async def lose_worker(world: World, chance: random.Random) -> None:
    """A worker is cut off for some time, and other things go wrong meanwhile."""
    if world.workers:
        lose(chance.choice(list(world.workers.values())), chance)


async def lose_leader(world: World, chance: random.Random) -> None:
    process = world.leading()
    if process is not None:
        lose(process, chance)


def lose(process: Process, chance: random.Random) -> None:
    process.bus.lose()
    asyncio.get_running_loop().call_later(away(chance), process.bus.mend_later)
