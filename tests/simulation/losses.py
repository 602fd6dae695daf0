"""Disks that lose what they had acknowledged: the projection's and the log's.

What users were told is kept may then be gone, but only if nobody has it any more: what a projection
had when the log lost it is `owed`. It has to be in the log again when the story is over.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Hashable, Iterable, Iterator
from contextlib import closing

from penstock.events.types import AttemptEnded, Event, RunCancelled, RunTriggered, decode_record
from penstock.store import loading
from tests.simulation.world import World


def about(event: Event) -> Hashable:
    """Return what names a fact that users miss, None of others."""
    if isinstance(event, AttemptEnded):
        return event.attempt, event.delivery
    if isinstance(event, RunTriggered | RunCancelled):
        return type(event).__name__, event.run
    return None


def missed(payloads: Iterable[bytes]) -> set[Hashable]:
    found = {about(event) for payload in payloads for event in decode_record(payload).events}
    return found - {None}


def in_log(world: World) -> set[Hashable]:
    return missed(stored.payload for stored, _ in world.server.streams["LOG"].messages.values())


def tails(world: World) -> Iterator[bytes]:
    """Yield the raw records that the projections keep."""
    for database in world.databases.values():
        if database.path.exists():
            with closing(sqlite3.connect(database.path)) as connection:
                for _, _, payload in loading.load_tail(connection):
                    yield payload


def count_owed(world: World, lost: set[Hashable]) -> None:
    """Note what is owed after a loss. What is neither in the log nor in a projection cannot be."""
    kept = missed(tails(world))
    world.owed |= lost & kept
    world.owed &= kept | in_log(world)


async def lose_commits(world: World, chance: random.Random) -> None:
    """The leader dies, and its projection is as it was some commits ago."""
    process = world.leading()
    if process is not None:
        await world.kill(process)
        world.databases[process.disk].lose(chance.randint(1, 4))
        count_owed(world, set())
        await world.start_coordinator(process.disk)


async def lose_log(world: World, chance: random.Random) -> None:
    """The server comes back without the last records of the log, which it had acked as synced."""
    world.log_lost = True
    before = in_log(world)
    world.server.crash(lost={"LOG": chance.choice((1, 1, 2, 3, 8, 40))}, stay_down=True)
    count_owed(world, before - in_log(world))
    await asyncio.sleep(chance.uniform(0.05, 3.0))
    world.server.start()


async def lose_log_and_leader(world: World, chance: random.Random) -> None:
    """The whole machine goes down, and up again with an older log."""
    process = world.leading()
    if process is not None:
        await world.kill(process)
    await lose_log(world, chance)
    await asyncio.sleep(chance.choice((0.0, 0.02, 1.0)))
    if process is not None:
        await world.start_coordinator(process.disk)
