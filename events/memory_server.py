"""What nats-server is to `NatsBus`, in memory: the streams, and who hears which word.

Nothing is lost here but by `crash`, which may cost a stream its last messages, as an unsynced disk
does; their sequences are then used again, as nats-server does.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Protocol

from penstock.events.bus import FencedError, Message, Stored, UnknownSubjectError
from penstock.events.memory_network import Network
from penstock.events.streams import STREAMS, Stream
from penstock.events.subjects import Subjects, matches


class Listener(Protocol):
    """A subscription, as the server sees it."""

    number: int
    pattern: str

    @property
    def bus(self) -> Connection: ...
    def hear(self, message: Message) -> None: ...


class Connection(Protocol):
    """A connection, as the server sees it. generation: rises with each loss."""

    name: str
    connected: bool
    generation: int

    @property
    def listeners(self) -> list[Listener]: ...
    def lose(self) -> None: ...
    def mend_later(self) -> None: ...
    def news(self) -> None: ...


@dataclass
class Kept:
    """One stream. messages: by sequence. held: of a work stream, when one comes again."""

    row: Stream
    pattern: str
    messages: dict[int, tuple[Stored, dict[str, str] | None]] = field(default_factory=dict)
    last: int = 0
    leader: int = 0
    held: dict[int, float] = field(default_factory=dict)

    def add(self, subject: str, payload: bytes, headers: dict[str, str] | None) -> int:
        self.last += 1
        self.messages[self.last] = (Stored(self.last, subject, payload), headers)
        if self.row.latest:
            for older in [s for s, (m, _) in self.messages.items() if m.subject == subject][:-1]:
                del self.messages[older]
        return self.last

    def get(self, sequence: int) -> Stored | None:
        found = self.messages.get(sequence)
        return found[0] if found else None

    def forget_tail(self, count: int, leader_subject: str) -> None:
        for sequence in range(max(self.last - count, 0) + 1, self.last + 1):
            self.messages.pop(sequence, None)
            self.held.pop(sequence, None)
        self.last = max(self.last - count, 0)
        leaders = [s for s, (m, _) in self.messages.items() if m.subject == leader_subject]
        self.leader = max(leaders, default=0)


class MemoryServer:
    """The streams and the subscribers. down: between `crash(stay_down=True)` and `start`."""

    def __init__(self, network: Network | None = None, subjects: Subjects | None = None) -> None:
        self.network, self.subjects = network or Network(), subjects or Subjects()
        prefix = self.subjects.prefix
        self.streams = {row.name: Kept(row, f"{prefix}.{row.subjects}") for row in STREAMS}
        self.buses: list[Connection] = []
        self.numbers = itertools.count(1)
        self.down = False

    def crash(self, *, lost: dict[str, int] | None = None, stay_down: bool = False) -> None:
        """End at once. lost: by stream, how many of its last messages (sequences are reused)."""
        self.down = True
        for bus in list(self.buses):
            bus.lose()
        for name, count in (lost or {}).items():
            self.streams[name].forget_tail(count, self.subjects.log_leader)
        for kept in self.streams.values():
            kept.held.clear()
        if not stay_down:
            self.start()

    def start(self) -> None:
        """Come up again with what is stored; every connection comes back by itself."""
        self.down = False
        for bus in list(self.buses):
            bus.mend_later()

    def cut(self, bus: Connection, *, mend: bool = True) -> None:
        """Lose one connection; with `mend` it comes back after the network's `outage`."""
        bus.lose()
        if mend:
            bus.mend_later()

    # ------------------------------------------------------------ what connections ask of it

    def log_append(self, payload: bytes, after: int, fence: int, lead: bool) -> int:
        log = self.streams["LOG"]
        if log.last != after or log.leader != fence:
            raise FencedError(
                f"the stream refused it: its last message is {log.last}, not {after}, "
                f"or its leader {log.leader}, not {fence}"
            )
        subject = self.subjects.log_leader if lead else self.subjects.log_facts
        sequence = self.keep(log, subject, payload, None)
        log.leader = sequence if lead else log.leader
        return sequence

    def keep(self, kept: Kept, subject: str, payload: bytes, headers: dict[str, str] | None) -> int:
        sequence = kept.add(subject, payload, headers)
        for bus in list(self.buses):
            bus.news()
        return sequence

    def stream_of(self, subject: str) -> Kept:
        for kept in self.streams.values():
            if matches(kept.pattern, subject):
                return kept
        raise UnknownSubjectError(f"{subject}: no stream keeps this subject")

    def route(self, sender: Connection, message: Message) -> bool:
        """Bring a word to all who listen; False if nobody does."""
        heard = False
        for bus in list(self.buses):
            for listener in list(bus.listeners):
                if bus.connected and matches(listener.pattern, message.subject):
                    heard = True
                    self._bring(sender, listener, message)
        return heard

    def _bring(self, sender: Connection, listener: Listener, message: Message) -> None:
        network, generation = self.network, listener.bus.generation
        if network.chance(network.drop_word):
            return

        def deliver() -> None:
            if listener.bus.connected and listener.bus.generation == generation:
                listener.hear(message)

        lane = ("word", sender.name, message.subject, listener.number)
        for _ in range(2 if network.chance(network.repeat_word) else 1):
            network.carry(lane, network.word_delay, deliver)
