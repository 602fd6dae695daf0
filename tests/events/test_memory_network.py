"""How bad the network in memory can be, and that the same seed is bad in the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable

import pytest

from penstock.events.bus import BusError, FencedError, Message
from penstock.events.memory_bus import MemoryBus
from penstock.events.memory_network import Network
from penstock.events.memory_server import MemoryServer

DELAY = (0.0, 0.01)


async def words_heard(network: Network, count: int = 60) -> list[tuple[str, int]]:
    """Send words on two subjects in turn, and return what was heard until nothing moves."""
    server = MemoryServer(network)
    sender, listener = await MemoryBus.connect(server), await MemoryBus.connect(server)
    heard: list[tuple[str, int]] = []

    def hear(message: Message) -> None:
        heard.append((message.subject[-1], int(message.payload)))

    await listener.subscribe("penstock.work.up.*", hear)
    for number in range(count):
        await sender.publish(f"penstock.work.up.{'ab'[number % 2]}", b"%d" % number)
    await asyncio.sleep(0.05)
    return heard


async def _all(words: Iterable[Awaitable[None]]) -> None:
    for word in words:
        await word


async def test_by_default_it_is_perfect() -> None:
    assert await words_heard(Network()) == [("ab"[n % 2], n) for n in range(60)]


async def test_words_on_two_subjects_overtake_each_other_and_those_on_one_do_not() -> None:
    heard = await words_heard(Network(7, word_delay=DELAY))
    assert heard != sorted(heard, key=lambda word: word[1])
    for subject in "ab":
        numbers = [number for name, number in heard if name == subject]
        assert numbers == sorted(numbers)
        assert len(numbers) == 30


async def test_words_are_lost_and_repeated_as_often_as_it_is_told() -> None:
    heard = await words_heard(Network(7, drop_word=0.3, repeat_word=0.3), count=1000)
    assert 600 < len(set(heard)) < 800
    assert 150 < len(heard) - len(set(heard)) < 300
    assert heard == sorted(heard, key=lambda word: word[1])  # a repetition follows its word


async def test_the_same_seed_tells_the_same_story() -> None:
    async def story(seed: int) -> list[tuple[str, int]]:
        return await words_heard(Network(seed, drop_word=0.2, repeat_word=0.2), count=300)

    assert await story(1) == await story(1)
    assert await story(1) != await story(2)


async def test_an_append_can_be_lost_or_stored_unheard() -> None:
    network = Network(lose_append=1.0)
    server = MemoryServer(network)
    bus = await MemoryBus.connect(server)
    with pytest.raises(BusError):
        await bus.append(b"lost", after=0, fence=0, timeout=0.01)
    network.lose_append, network.lose_ack = 0.0, 1.0
    with pytest.raises(BusError):
        await bus.append(b"stored", after=0, fence=0, timeout=0.01)
    network.lose_ack = 0.0
    last = await bus.last()
    assert last is not None
    assert (last.sequence, last.payload) == (1, b"stored")


async def test_an_append_can_arrive_after_its_connection_was_cut() -> None:
    server = MemoryServer(Network(stream_delay=(0.02, 0.02), arrive_anyway=1.0))
    bus = await MemoryBus.connect(server)
    append = asyncio.ensure_future(bus.append(b"late", after=0, fence=0))
    await asyncio.sleep(0)
    back = asyncio.Event()
    bus.on_reconnect(back.set)
    server.cut(bus)
    with pytest.raises(BusError):
        await append
    await back.wait()
    with pytest.raises(FencedError):  # it goes behind the late one
        await bus.append(b"next", after=0, fence=0)
    assert server.streams["LOG"].last == 1


async def test_connections_are_cut_and_come_back() -> None:
    server = MemoryServer(Network(3, cut=0.1, outage=DELAY))
    bus, back = await MemoryBus.connect(server), asyncio.Event()
    bus.on_reconnect(back.set)
    words = (bus.publish("penstock.work.all", b"") for _ in range(1000))
    with pytest.raises(BusError):
        await _all(words)
    await back.wait()
    assert bus.connected


async def test_a_crash_that_costs_the_end_uses_its_sequences_again() -> None:
    server = MemoryServer()
    bus = await MemoryBus.connect(server)
    first = await bus.append(b"l1", after=0, fence=0, lead=True)
    second = await bus.append(b"l2", after=1, fence=first, lead=True)
    assert second == 2
    server.crash(lost={"LOG": 1})
    back = asyncio.Event()
    bus.on_reconnect(back.set)
    await back.wait()
    assert await bus.append(b"other", after=1, fence=first) == 2
