"""Who leads. A log's last leader record is its leader; a new one is a compare-and-set on it.

A coordinator that starts asks whether somebody leads; if nobody answers it stands for election at
once. A standby folds along and listens for the leader's beat; after `silence` seconds without one
it stands. Two that stand at once are told apart by the stream, and a deposed leader by its fence.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING

from penstock.errors import PenstockError
from penstock.events.bus import BusError, FencedError, Message, Stored, UnknownSubjectError
from penstock.events.types import LeaderElected, Record, decode_leading, decode_record, encode
from penstock.lifecycle.advance import RULES_VERSION

if TYPE_CHECKING:
    from penstock.coordinator.coordinator import Coordinator

RETRY_SECONDS = 0.2

log = logging.getLogger("penstock.coordinator")


class LogDivergedError(PenstockError):
    """This projection folded what the log does not have, and the log went on without it."""


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
    async for stored in coordinator.bus.follow(after=coordinator.sequence):
        coordinator.fold(stored.sequence, stored.payload)


async def catch_up(coordinator: Coordinator) -> None:
    """Fold to the log's end."""
    last = await coordinator.bus.last()
    if last is None or last.sequence <= coordinator.sequence:
        return
    async for stored in coordinator.bus.follow(after=coordinator.sequence):
        coordinator.fold(stored.sequence, stored.payload)
        if stored.sequence >= last.sequence:
            return


async def elect(coordinator: Coordinator) -> bool:
    """Stand for election; return whether it is won. Everything before is folded then."""
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
        except BusError:
            await asyncio.sleep(RETRY_SECONDS)
            continue
        if won is None:
            return False
        coordinator.fold(won, payload, record)
        coordinator.sequencer.lead(record.epoch, won)
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


# ---------------------------------------------------------------- a log that lost its tail


async def mend_log(coordinator: Coordinator) -> None:
    """See that the log has what this projection folded; append again what it lost.

    A server that loses an unsynced tail uses its sequences again, so the last record is compared,
    not only its number. Raises LogDivergedError when another leader went on after the loss.
    """
    if coordinator.sequence == 0:
        return
    tail = await coordinator.database.load_tail()
    last = await coordinator.bus.last()
    end = 0 if last is None else last.sequence
    common = await last_common(coordinator, tail, end)
    if common == coordinator.sequence:
        return
    if common is None or end > common:
        raise LogDivergedError(
            f"{coordinator.database.path} has facts up to {coordinator.sequence} that the log, "
            f"which ends at {end}, does not have. Move the file away: it is rebuilt from the log"
        )
    lost = [row for row in tail if row[0] > common]
    log.warning("the log lost %d records at its end; they are appended again", len(lost))
    await append_again(coordinator, common, [payload for _, _, payload in lost])


async def last_common(
    coordinator: Coordinator, tail: list[tuple[int, str, bytes]], end: int
) -> int | None:
    """Return the last sequence at which log and projection agree; None if there is none."""
    for sequence, _, payload in reversed(tail):
        if sequence > end:
            continue
        found: Stored | None = await coordinator.bus.read(sequence)
        if found is not None and digest(found.payload) == digest(payload):
            return sequence
    return 0 if end == 0 and tail and tail[0][0] == 1 else None


async def append_again(coordinator: Coordinator, common: int, payloads: list[bytes]) -> None:
    """Take the lead for a moment and put the lost records back, under their own identities.

    Our own record is stamped with the time of the first of them: the fold's clock never goes back,
    so the present would have every fold of the log give the lost facts later times than they had.
    """
    leader = await coordinator.bus.leader()
    record = Record(
        epoch=coordinator.state.epoch + 1,
        number=0,
        at=decode_record(payloads[0]).at,
        events=(
            LeaderElected(
                epoch=coordinator.state.epoch + 1,
                leader=f"{coordinator.settings.name} (mending the log)",
                rules=RULES_VERSION,
                redeliveries=coordinator.state.redeliveries,
            ),
        ),
    )
    fence = 0 if leader is None else leader.sequence
    first = await coordinator.bus.append(encode(record), after=common, fence=fence, lead=True)
    after = first
    for payload in payloads:
        after = await coordinator.bus.append(payload, after=after, fence=first)
    # What was put back is folded already and inert; only the place in the log has moved.
    coordinator.sequence = common
    await catch_up(coordinator)


def digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()
