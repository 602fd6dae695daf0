"""Who leads. A log's last leader record is its leader; a new one is a compare-and-set on it.

A coordinator that starts asks whether somebody leads; if nobody answers it stands for election at
once. A standby folds along and listens for the leader's beat; after `silence` seconds without one
it stands. Two that stand at once are told apart by the stream, and a deposed leader by its fence.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from penstock.coordinator.mending import TailLostError, next_of, see_place
from penstock.events.bus import BusError, FencedError, Message, Stored, UnknownSubjectError
from penstock.events.types import LeaderElected, Record, encode
from penstock.events.words import decode_leading
from penstock.lifecycle.advance import RULES_VERSION

if TYPE_CHECKING:
    from penstock.coordinator.coordinator import Coordinator

RETRY_SECONDS = 0.2

log = logging.getLogger("penstock.coordinator")


async def is_led(coordinator: Coordinator) -> bool:
    """Ask whether somebody leads now."""
    try:
        await coordinator.bus.request(coordinator.subjects.api("status"), b"{}", timeout=1.0)
    except UnknownSubjectError:
        return False
    except BusError:
        return True  # somebody listens, slowly; its beat or its silence will tell
    return True


async def watch_for_silence(coordinator: Coordinator) -> None:
    """Follow the log until the leader, if there is one, has been silent for too long."""
    if not await is_led(coordinator):
        return
    log.info("%s stands by", coordinator.settings.name)
    loop = asyncio.get_running_loop()
    heard = loop.time()

    def listen(message: Message) -> None:
        nonlocal heard
        heard = loop.time()
        coordinator.relay.forget_up_to(decode_leading(message.payload).noticed)

    subscription = await coordinator.bus.subscribe(coordinator.subjects.lead, listen)
    following = asyncio.create_task(follow(coordinator))
    try:
        while (left := heard + coordinator.settings.silence - loop.time()) > 0:
            done, _ = await asyncio.wait((following,), timeout=left)
            if done:
                following.result()
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await subscription.close()


async def follow(coordinator: Coordinator) -> None:
    """Fold what others append. Raises TailLostError, BusError: the log is not what was folded."""
    async for stored in from_here_on(coordinator):
        coordinator.fold(stored.sequence, stored.payload)


async def from_here_on(coordinator: Coordinator) -> AsyncIterator[Stored]:
    """Yield what comes after the last record folded, seeing first that the log has that one still.

    It is looked at when the first message is there: the log that gave that may be a later one than
    any that was looked at before.
    """
    is_seen = False
    async for stored in coordinator.bus.follow(after=coordinator.sequence):
        while not is_seen:
            try:
                await see_place(coordinator)
                is_seen = True
            except TailLostError:
                raise
            except BusError:
                await asyncio.sleep(RETRY_SECONDS)
        yield stored


async def catch_up(coordinator: Coordinator) -> None:
    """Fold to the log's end. Raises TailLostError if that is not beyond what was folded."""
    last = await coordinator.bus.last()
    await see_place(coordinator)
    if last is None:
        return
    records = from_here_on(coordinator)
    while coordinator.sequence < last.sequence:
        stored = await next_of(records)
        coordinator.fold(stored.sequence, stored.payload)


async def elect(coordinator: Coordinator) -> bool:
    """Stand for election; return whether it is won. Everything before is folded then.

    Raises TailLostError if the log is not the one that was folded.
    """
    while True:
        try:
            await catch_up(coordinator)
            leader = await coordinator.bus.leader()
            record = Record(
                epoch=coordinator.state.epoch + 1,
                number=0,
                at=coordinator.clock.now(),
                events=(
                    LeaderElected(
                        epoch=coordinator.state.epoch + 1,
                        leader=coordinator.settings.name,
                        rules=RULES_VERSION,
                        redeliveries=coordinator.settings.redeliveries,
                    ),
                ),
            )
            payload = encode(record)
            won = await stand(coordinator, payload, 0 if leader is None else leader.sequence)
            if won is not None:
                # Sequences come again after a loss: ours may have been another record's by then.
                await see_place(coordinator)
        except TailLostError:
            raise
        except BusError:
            await asyncio.sleep(RETRY_SECONDS)
            continue
        if won is None:
            return False
        coordinator.fold(won, payload, record)
        coordinator.sequencer.lead(record.epoch, won, payload)
        return True


async def stand(coordinator: Coordinator, payload: bytes, fence: int) -> int | None:
    """Append our leader record; return its sequence, None if somebody was sooner."""
    after = coordinator.sequence
    try:
        return await coordinator.bus.append(payload, after=after, fence=fence, lead=True)
    except FencedError:
        found = await coordinator.bus.read(after + 1)
        return after + 1 if found is not None and found.payload == payload else None
    except BusError:
        # It may have been stored all the same; if not, the next round tries again.
        found = await coordinator.bus.read(after + 1)
        if found is not None and found.payload == payload:
            return after + 1
        raise
