"""The contract of `Bus`, a test for each sentence of it, held to by every implementation.

And what can go wrong, provoked on both: an append that fails and is stored all the same, a server
that dies between appends, a follower whose place lies beyond the end, a sequence used twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

import pytest

from penstock.events.bus import (
    Bus,
    BusError,
    FencedError,
    Message,
    Stored,
    UnknownSubjectError,
)
from penstock.events.subjects import Subjects
from tests.contracts.worlds import World

T = TypeVar("T")
SUBJECTS = Subjects()


async def take(count: int, source: AsyncIterator[T]) -> list[T]:
    return [await anext(source) for _ in range(count)]


async def elect(bus: Bus, *, after: int = 0, fence: int = 0) -> int:
    return await bus.append(b"leader", after=after, fence=fence, lead=True)


# ---------------------------------------------------------------- the log


async def test_append_returns_the_sequence(world: World) -> None:
    bus = await world.bus()
    assert await elect(bus) == 1
    assert await bus.append(b"a", after=1, fence=1) == 2
    assert await bus.append(b"b", after=2, fence=1) == 3


async def test_what_was_appended_is_there_after_a_crash(world: World) -> None:
    bus = await world.bus()
    fence = await elect(bus)
    await bus.append(b"a", after=1, fence=fence)
    await world.crash()
    assert await bus.last() == Stored(2, SUBJECTS.log_facts, b"a")


async def test_an_append_after_another_message_than_the_last_stores_nothing(world: World) -> None:
    bus = await world.bus()
    fence = await elect(bus)
    for wrong in (0, 2):
        with pytest.raises(FencedError):
            await bus.append(b"a", after=wrong, fence=fence)
    assert await bus.last() == Stored(1, SUBJECTS.log_leader, b"leader")


async def test_an_append_without_any_leader_needs_fence_0(world: World) -> None:
    bus = await world.bus()
    with pytest.raises(FencedError):
        await bus.append(b"a", after=0, fence=1)
    assert await bus.append(b"a", after=0, fence=0) == 1
    assert await bus.leader() is None


async def test_a_deposed_leader_stores_nothing(world: World) -> None:
    old, new = await world.bus(), await world.bus()
    first = await elect(old)
    second = await elect(new, after=first, fence=first)
    with pytest.raises(FencedError):
        await old.append(b"a", after=second, fence=first)
    with pytest.raises(FencedError):
        await elect(old, after=second, fence=first)
    assert await new.append(b"b", after=second, fence=second) == 3


async def test_last_and_leader_and_read_say_what_is_there(world: World) -> None:
    bus = await world.bus()
    assert await bus.last() is None
    assert await bus.leader() is None
    assert await bus.read(1) is None
    await elect(bus)
    await bus.append(b"a", after=1, fence=1)
    assert await bus.last() == Stored(2, SUBJECTS.log_facts, b"a")
    assert await bus.leader() == Stored(1, SUBJECTS.log_leader, b"leader")
    assert await bus.read(2) == Stored(2, SUBJECTS.log_facts, b"a")
    assert await bus.read(3) is None
    assert await bus.read(0) is None


async def test_an_append_may_fail_and_be_stored_all_the_same(world: World) -> None:
    bus = await world.bus()
    await elect(bus)
    async with world.answering_late():
        with pytest.raises(BusError) as failure:
            await bus.append(b"a", after=1, fence=1, timeout=0.2)
        assert not isinstance(failure.value, FencedError)
    while (last := await bus.last()) == Stored(1, SUBJECTS.log_leader, b"leader"):
        pass  # at once, or later
    assert last == Stored(2, SUBJECTS.log_facts, b"a")
    with pytest.raises(FencedError):
        await bus.append(b"a", after=1, fence=1)  # who did not ask `last` is told


async def test_an_append_while_the_server_is_away_fails_and_leaves_no_hole(world: World) -> None:
    bus = await world.bus()
    await elect(bus)
    async with world.away():
        with pytest.raises(BusError):
            await bus.append(b"lost", after=1, fence=1)
    with pytest.raises(FencedError):
        await bus.append(b"after the lost one", after=2, fence=1)
    assert await bus.append(b"a", after=1, fence=1) == 2


async def test_an_append_under_way_fails_at_once_when_the_server_dies(world: World) -> None:
    bus = await world.bus()
    await elect(bus)
    async with world.answering_late():
        append = asyncio.ensure_future(bus.append(b"a", after=1, fence=1, timeout=60.0))
        await asyncio.sleep(0.02)  # it is on its way
        await world.crash()
        with pytest.raises(BusError):
            await append
        await world.crash()  # leaves a server that answers, for the block's end


# ---------------------------------------------------------------- following the log


async def test_follow_yields_what_is_there_and_then_waits_for_more(world: World) -> None:
    bus = await world.bus()
    await elect(bus)
    await bus.append(b"a", after=1, fence=1)
    follower = bus.follow(after=1)
    assert await anext(follower) == Stored(2, SUBJECTS.log_facts, b"a")
    waiting = asyncio.ensure_future(anext(follower))
    await bus.append(b"b", after=2, fence=1)
    assert await waiting == Stored(3, SUBJECTS.log_facts, b"b")


async def test_follow_starts_at_the_very_end_and_of_an_empty_log(world: World) -> None:
    bus = await world.bus()
    waiting = asyncio.ensure_future(anext(bus.follow(after=0)))
    await elect(bus)
    assert (await waiting).sequence == 1
    waiting = asyncio.ensure_future(anext(bus.follow(after=1)))
    await bus.append(b"a", after=1, fence=1)
    assert (await waiting).sequence == 2


async def test_follow_leaves_nothing_out_over_crashes_of_the_server(world: World) -> None:
    writer, reader = await world.bus(), await world.bus()
    await elect(writer)
    follower, followed, sequence = reader.follow(after=0), [], 1
    for _ in range(3):
        for _ in range(20):
            sequence = await writer.append(b"%d" % sequence, after=sequence, fence=1)
        followed += await take(7, follower)
        await world.crash()
    followed += await take(sequence - len(followed), follower)
    assert [one.sequence for one in followed] == list(range(1, sequence + 1))
    assert [one.payload for one in followed[1:]] == [b"%d" % n for n in range(1, sequence)]


async def test_follow_from_beyond_the_end_is_refused(world: World) -> None:
    bus = await world.bus()
    await elect(bus)
    with pytest.raises(BusError, match="ends at message 1"):
        await anext(bus.follow(after=2))


async def test_follow_says_when_the_server_lost_what_was_yielded(world: World) -> None:
    bus = await world.bus()
    await elect(bus)
    await world.remember()
    await bus.append(b"a", after=1, fence=1)
    follower = bus.follow(after=0)
    await take(2, follower)
    waiting = asyncio.ensure_future(anext(follower))
    await world.go_back()
    with pytest.raises(BusError, match="ends at message 1"):
        await waiting


async def test_follow_says_when_a_sequence_was_used_twice(world: World) -> None:
    writer, reader = await world.bus(), await world.bus()
    await elect(writer)
    await world.remember()
    await writer.append(b"a", after=1, fence=1)
    follower = reader.follow(after=0)
    await take(2, follower)
    await world.go_back()
    await writer.append(b"another", after=1, fence=1)
    await writer.append(b"and more", after=2, fence=1)
    with pytest.raises(BusError, match="not the one that was read before"):
        await take(2, follower)


# ---------------------------------------------------------------- words


async def heard_by(bus: Bus, subject: str) -> asyncio.Queue[Message]:
    heard: asyncio.Queue[Message] = asyncio.Queue()
    await bus.subscribe(subject, heard.put_nowait)
    await settled(bus)
    return heard


async def settled(bus: Bus) -> None:
    """Return when the server knows of every subscription that this connection made."""
    await bus.last()


async def test_words_of_one_sender_on_one_subject_arrive_in_order(world: World) -> None:
    leader, worker = await world.bus(), await world.bus()
    heard = await heard_by(leader, SUBJECTS.all_up)
    for number in range(300):
        await worker.publish(SUBJECTS.up("w.1"), b"%d" % number)
    words = [await heard.get() for _ in range(300)]
    assert [int(word.payload) for word in words] == list(range(300))
    assert {word.subject for word in words} == {SUBJECTS.up("w.1")}


async def test_a_word_that_nobody_hears_is_gone(world: World) -> None:
    bus = await world.bus()
    await bus.publish(SUBJECTS.all_workers, b"early")
    heard = await heard_by(bus, SUBJECTS.all_workers)
    await bus.publish(SUBJECTS.all_workers, b"late")
    assert (await heard.get()).payload == b"late"


async def test_a_word_while_the_server_is_away_raises_or_is_gone(world: World) -> None:
    bus = await world.bus()
    heard = await heard_by(bus, "penstock.work.all")
    async with world.away():
        with pytest.raises(BusError):
            await bus.publish("penstock.work.all", b"lost")
    await bus.publish("penstock.work.all", b"later")
    assert (await heard.get()).payload == b"later"


async def test_a_handler_that_raises_is_reported_and_hears_the_next_word(world: World) -> None:
    errors: list[BaseException] = []
    bus = await world.bus(on_error=errors.append)
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    def handler(message: Message) -> None:
        heard.put_nowait(message.payload)
        if message.payload == b"bad":
            raise ValueError("bad")

    await bus.subscribe("penstock.work.all", handler)
    await bus.publish("penstock.work.all", b"bad")
    await bus.publish("penstock.work.all", b"good")
    assert [await heard.get(), await heard.get()] == [b"bad", b"good"]
    assert [str(error) for error in errors] == ["bad"]


async def test_no_word_reaches_a_handler_after_its_subscription_was_closed(world: World) -> None:
    bus, words = await world.bus(), []
    subscription = await bus.subscribe("penstock.work.all", words.append)
    await bus.publish("penstock.work.all", b"never")
    await subscription.close()
    heard = await heard_by(bus, "penstock.work.all")
    await bus.publish("penstock.work.all", b"heard")
    await heard.get()
    assert words == []


async def test_a_request_is_answered(world: World) -> None:
    leader, worker = await world.bus(), await world.bus()
    answering: set[asyncio.Task[None]] = set()

    def answer(message: Message) -> None:
        reply = leader.publish(message.reply, b"you said " + message.payload)
        answering.add(asyncio.ensure_future(reply))

    await leader.subscribe(SUBJECTS.ask, answer)
    await settled(leader)
    assert await worker.request(SUBJECTS.ask, b"hello") == b"you said hello"


async def test_a_request_that_nobody_hears_says_so_at_once(world: World) -> None:
    bus = await world.bus()
    with pytest.raises(UnknownSubjectError):
        await bus.request(SUBJECTS.ask, b"hello", timeout=60.0)


async def test_a_request_that_is_not_answered_in_time_raises(world: World) -> None:
    bus = await world.bus()
    await heard_by(bus, SUBJECTS.ask)
    with pytest.raises(BusError, match="no answer within"):
        await bus.request(SUBJECTS.ask, b"hello", timeout=0.05)


# ---------------------------------------------------------------- streams


async def test_store_returns_the_sequence_and_replay_yields_it(world: World) -> None:
    bus = await world.bus()
    assert await bus.store(SUBJECTS.run_event("d", "queued"), b"1") == 1
    assert await bus.store(SUBJECTS.run_event("e", "queued"), b"2") == 2
    assert await bus.store(SUBJECTS.run_event("d", "success"), b"3") == 3
    replay = bus.replay("NOTICES", "penstock.event.run.d.*")
    assert [(one.sequence, one.payload) async for one in replay] == [(1, b"1"), (3, b"3")]
    assert [one async for one in bus.replay("NOTICES", SUBJECTS.events, after=3)] == []


async def test_store_without_a_stream_is_refused(world: World) -> None:
    bus = await world.bus()
    with pytest.raises(UnknownSubjectError):
        await bus.store("penstock.nowhere", b"1")


async def test_stores_without_waiting_are_kept_in_order_when_flushed(world: World) -> None:
    bus = await world.bus()
    for number in range(1000):
        assert await bus.store(SUBJECTS.run_event("d", "x"), b"%d" % number, wait=False) == 0
        if number % 7 == 0:
            await asyncio.sleep(0)
    await bus.flushed()
    kept = [one.payload async for one in bus.replay("NOTICES", SUBJECTS.events)]
    assert kept == [b"%d" % number for number in range(1000)]
    await bus.flushed()


async def test_flushed_raises_once_when_the_server_died_in_between(world: World) -> None:
    bus = await world.bus()
    async with world.away():
        await bus.store(SUBJECTS.run_event("d", "x"), b"1", wait=False)
        with pytest.raises(BusError, match="send it again"):
            await bus.flushed()
    await bus.store(SUBJECTS.run_event("d", "x"), b"1", wait=False)
    await bus.flushed()
    assert [one.payload async for one in bus.replay("NOTICES", SUBJECTS.events)] == [b"1"]


async def test_flushed_raises_when_the_acks_do_not_come(world: World) -> None:
    bus = await world.bus()
    async with world.answering_late():
        await bus.store(SUBJECTS.run_event("d", "x"), b"1", wait=False)
        with pytest.raises(BusError, match="send it again"):
            await bus.flushed(timeout=0.1)
    await bus.store(SUBJECTS.run_event("d", "x"), b"1", wait=False)
    await bus.flushed()


async def test_a_live_replay_goes_on_with_what_comes_over_a_crash(world: World) -> None:
    writer, reader = await world.bus(), await world.bus()
    await writer.store(SUBJECTS.run_event("d", "queued"), b"0")
    replay = reader.replay("NOTICES", "penstock.event.run.d.>", live=True)
    payloads = [(await anext(replay)).payload]
    for number in range(1, 40):
        await writer.store(SUBJECTS.run_event("other", "queued"), b"other")
        await writer.store(SUBJECTS.run_event("d", "queued"), b"%d" % number)
        payloads.append((await anext(replay)).payload)
        if number == 20:
            await settle_stream(writer)
            await world.crash()
    assert payloads == [b"%d" % number for number in range(40)]


async def test_a_live_replay_that_is_cancelled_as_a_message_comes_ends(world: World) -> None:
    """Also one that begins just as the message is being stored (seen under the chaos, both)."""
    bus = await world.bus()
    for number in range(20):
        came = asyncio.Event()

        async def read(after: int, came: asyncio.Event = came) -> None:
            async for _ in bus.replay("NOTICES", SUBJECTS.events, after=after, live=True):
                came.set()

        reading = asyncio.ensure_future(read(number))
        await bus.store(SUBJECTS.run_event("d", "queued"), b"%d" % number)
        await came.wait()
        reading.cancel()
        done, _ = await asyncio.wait({reading}, timeout=2)
        assert done, f"the reader of message {number} goes on"
        assert reading.cancelled()


async def test_a_live_replay_goes_back_when_the_end_that_it_had_read_is_lost(world: World) -> None:
    writer, reader = await world.bus(), await world.bus()
    subject = SUBJECTS.run_event("d", "queued")
    await writer.store(subject, b"1")
    await world.remember()
    replay = reader.replay("NOTICES", SUBJECTS.events, live=True)
    await writer.store(subject, b"2")
    await writer.store(subject, b"3")
    assert [one.payload for one in await take(3, replay)] == [b"1", b"2", b"3"]
    waiting = asyncio.ensure_future(anext(replay))
    await world.go_back()
    await writer.store(subject, b"two")
    assert (await waiting).payload == b"two"


async def test_a_live_replay_hears_what_is_stored_on_sequences_that_it_had_read(
    world: World,
) -> None:
    writer, reader = await world.bus(), await world.bus()
    subject = SUBJECTS.run_event("d", "queued")
    await writer.store(subject, b"1")
    await world.remember()
    replay = reader.replay("NOTICES", SUBJECTS.events, live=True)
    await writer.store(subject, b"2")
    await writer.store(subject, b"3")
    await take(3, replay)
    await world.go_back()
    for payload in (b"two", b"three", b"four"):
        await writer.store(subject, payload)
    assert [one.payload for one in await take(3, replay)] == [b"two", b"three", b"four"]


async def test_a_replay_that_begins_past_the_end_hears_what_comes(world: World) -> None:
    bus = await world.bus()
    await bus.store(SUBJECTS.run_event("d", "queued"), b"1")
    waiting = asyncio.ensure_future(
        anext(bus.replay("NOTICES", SUBJECTS.events, after=90, live=True))
    )
    for number in range(2, 80):  # it may look where the end is after some of them
        await bus.store(SUBJECTS.run_event("d", "queued"), b"%d" % number)
        if (await asyncio.wait({waiting}, timeout=0.05))[0]:
            break
    assert int((await waiting).payload) in (number - 1, number)


async def settle_stream(bus: Bus) -> None:
    """NOTICES is written asynchronously: a crash right after an ack may cost its tail."""
    await asyncio.sleep(0.3)


async def test_pull_yields_each_trigger_until_it_is_acked(world: World) -> None:
    bus = await world.bus(ack_wait=0.3)
    headers = {"Nats-Msg-Id": "42"}
    await bus.store(SUBJECTS.trigger("d"), b"1", headers=headers)
    await bus.store(SUBJECTS.trigger("d"), b"2")
    pull = bus.pull("TRIGGERS", "leader")
    first, second = await take(2, pull)
    assert (first.stored.payload, second.stored.payload) == (b"1", b"2")
    assert first.headers == headers
    await second.ack()
    again = await anext(pull)
    assert again.stored == first.stored
    await again.ack()
    assert [one async for one in bus.replay("TRIGGERS", SUBJECTS.triggers)] == []


async def test_what_was_not_acked_comes_again_to_another_pull_and_not_too_soon(
    world: World,
) -> None:
    first, second = await world.bus(ack_wait=0.4), await world.bus(ack_wait=0.4)
    await first.store(SUBJECTS.trigger("d"), b"1")
    now = asyncio.get_running_loop().time
    pulled, at = await anext(first.pull("TRIGGERS", "leader")), now()
    again = await anext(second.pull("TRIGGERS", "leader"))
    assert again.stored == pulled.stored
    assert now() - at > 0.35
    await again.ack()


async def test_pull_goes_on_over_a_crash(world: World) -> None:
    writer, reader = await world.bus(), await world.bus(ack_wait=0.3)
    pull = reader.pull("TRIGGERS", "leader")
    await writer.store(SUBJECTS.trigger("d"), b"1")
    await (await anext(pull)).ack()
    waiting = asyncio.ensure_future(anext(pull))
    await world.crash()
    await writer.store(SUBJECTS.trigger("d"), b"2")
    pulled = await waiting
    assert pulled.stored.payload == b"2"
    await pulled.ack()


# ---------------------------------------------------------------- connection


async def test_subscriptions_are_in_force_again_when_on_reconnect_is_called(world: World) -> None:
    bus = await world.bus()
    heard = await heard_by(bus, "penstock.work.all")
    words: set[asyncio.Task[None]] = set()
    bus.on_reconnect(
        lambda: words.add(asyncio.ensure_future(bus.publish("penstock.work.all", b"back")))
    )
    await world.crash()
    assert (await heard.get()).payload == b"back"


async def test_close_ends_every_iterator(world: World) -> None:
    bus = await world.bus()
    iterators = [
        bus.follow(after=0),
        bus.pull("TRIGGERS", "leader"),
        bus.replay("NOTICES", SUBJECTS.events, live=True),
    ]
    ends = [asyncio.ensure_future(anext(one, "ended")) for one in iterators]
    await asyncio.sleep(0.05)
    await bus.close()
    assert await asyncio.gather(*ends) == ["ended"] * 3
    with pytest.raises(BusError):
        await bus.publish("penstock.work.all", b"closed")
