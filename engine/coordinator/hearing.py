"""What the leader hears: workers' words and questions, requests for runs, the API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.coordinator.api import open_api
from penstock.events.bus import BusError, Message
from penstock.events.types import Delivery, Held, WorkerJoined, WorkerLost, encode
from penstock.events.words import GivenBack, Goodbye, Heartbeat, Hello, Outcomes, Upward, decode_up

if TYPE_CHECKING:
    from penstock.coordinator.coordinator import Coordinator

Start = Callable[[Coroutine[Any, Any, None]], Any]

MOST_BURIED = 64 * 1024
"""Bytes of a bad message that are kept."""

log = logging.getLogger("penstock.coordinator")


class Hearing:
    """on_their_way: deliveries whose outcome is proposed and not yet stored, and who told it."""

    def __init__(self, coordinator: Coordinator) -> None:
        self.coordinator = coordinator
        self.on_their_way: dict[Delivery, str] = {}
        self.joining: dict[str, Hello] = {}
        self.bad_words = 0
        self.start: Start = asyncio.ensure_future

    async def open(self, start: Start) -> None:
        """Listen from now on. start: runs a coroutine in the leader's task group."""

        def start_if_open(doing: Coroutine[Any, Any, None]) -> None:
            try:
                start(doing)
            except RuntimeError:  # the leader is ending: whoever asked will ask again
                doing.close()

        self.start = start_if_open
        one = self.coordinator
        await one.bus.subscribe(one.subjects.all_up, self.word)
        await one.bus.subscribe(one.subjects.ask, one.questions.asked)
        await one.bus.subscribe(one.subjects.rpc_triggers, one.triggers.requested)
        await open_api(one, start_if_open)

    # ------------------------------------------------------------ workers

    def word(self, message: Message) -> None:
        """Take a worker's word, whatever it is."""
        try:
            word: Upward = decode_up(message.payload)
        except msgspec.MsgspecError as error:
            self.bad_words += 1
            self.start(self.bury_word(message, f"it is no word of a worker: {error}"))
            return
        HEARD[type(word)](self, word)
        self.coordinator.dispatcher.pump()

    def outcomes(self, word: Outcomes) -> None:
        propose = self.coordinator.sequencer.propose
        link = self.coordinator.dispatcher.links.get(word.worker)
        again = []
        for begun in word.started:
            propose(begun)
        for outcome in word.ended:
            if link is not None and outcome.delivery in link.settled:
                again.append(outcome.delivery)  # it is stored; only our word of it was lost
            elif outcome.delivery not in self.on_their_way:
                self.on_their_way[outcome.delivery] = word.worker
                propose(outcome)
        if again:
            self.coordinator.dispatcher.stored(word.worker, tuple(again))

    def heartbeat(self, beat: Heartbeat) -> None:
        if self.is_ours(beat.last.epoch, (beat.last,)):
            self.coordinator.dispatcher.heartbeat(beat)

    def is_ours(self, epoch: int, deliveries: Iterable[Delivery]) -> bool:
        """Whether a worker's `epoch` and deliveries can be ours; if not, see whether we lead still.

        A log that lost its end may have lost an election: then a leader before us had our epoch,
        and a delivery of that epoch that we have not sent yet is its. We stand again, for a higher
        one: until then its deliveries and ours could not be told apart.
        """
        one = self.coordinator
        ours = Delivery(one.sequencer.epoch, one.dispatcher.number)
        latest = max(deliveries, default=ours)
        if latest.epoch == ours.epoch and latest > ours:
            one.sequencer.doubt(known=ours.epoch + 1)
            return False
        if epoch > ours.epoch:
            one.sequencer.doubt(known=epoch)
        return True

    def hello(self, hello: Hello) -> None:
        state = self.coordinator.state
        if not self.is_ours(hello.epoch, (held.delivery for held in hello.held)):
            return
        for worker in hello.replaces:
            if worker in state.workers:
                self.lost(worker, f"is dead; {hello.worker} took its place", (), clean=False)
        self.coordinator.dispatcher.hello(hello)

    def join(self, hello: Hello) -> None:
        """A worker that the log does not know: it may be sent something once the log does."""
        is_new = hello.worker not in self.joining
        self.joining[hello.worker] = hello
        if is_new:
            self.coordinator.sequencer.propose(
                WorkerJoined(
                    worker=hello.worker,
                    host=hello.host,
                    pid=hello.pid,
                    slots=hello.slots,
                    queues=hello.queues,
                )
            )

    def welcome(self, worker: str) -> None:
        hello = self.joining.pop(worker, None)
        # One that said goodbye in the meantime has left in the same record, and stays away.
        if hello is not None and worker in self.coordinator.state.workers:
            self.coordinator.dispatcher.hello(hello)

    def goodbye(self, word: Goodbye) -> None:
        self.lost(word.worker, word.reason, word.held, clean=True)

    def lost(self, worker: str, reason: str, held: tuple[Held, ...], *, clean: bool) -> None:
        known = self.coordinator.dispatcher.held_by(worker)
        told = {it.delivery for it in held}
        rest = tuple(it for it in known if it.delivery not in told)
        self.coordinator.sequencer.propose(
            WorkerLost(worker=worker, reason=reason, held=held + rest, clean=clean)
        )

    # ------------------------------------------------------------ what is wrong

    async def bury_word(self, message: Message, reason: str) -> None:
        await self.bury("word", message, reason)

    async def bury(self, kind: str, message: Message, reason: str) -> bool:
        """Keep what cannot be taken in the dead letters, with the reason (law 13).

        Of a large one its beginning is kept. Returns False when it could not be kept now.
        """
        one = self.coordinator
        letter = {
            "reason": reason,
            "subject": message.subject,
            "headers": message.headers or {},
            "payload": message.payload[:MOST_BURIED].decode("utf-8", "replace"),
            "size": len(message.payload),
            "at": one.clock.now(),
        }
        log.warning("%s on %s was refused: %s", kind, message.subject, reason)
        try:
            await one.bus.store(one.subjects.dead_letter(kind), encode(letter))
        except BusError as error:
            log.error("a dead letter could not be kept: %s", error)
            return False
        return True


HEARD: dict[type[Any], Callable[[Hearing, Any], None]] = {
    Outcomes: Hearing.outcomes,
    Hello: Hearing.hello,
    Heartbeat: Hearing.heartbeat,
    GivenBack: lambda self, word: self.coordinator.dispatcher.given_back(word),
    Goodbye: Hearing.goodbye,
}
