"""Sends ready attempts to workers that have room, and knows who holds what.

At most once on the wire: a dispatch may get lost. Deliveries are numbered, a worker's heartbeat
says up to which number it has heard and what it holds, and what is missing from that is sent again;
nothing else is (law 8). After a change of leader, what may have been sent before waits for the roll
call (law 9); what becomes ready meanwhile does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from penstock.coordinator.links import BATCH, Holding, Link
from penstock.coordinator.post import Post
from penstock.coordinator.work import WorkMaker
from penstock.events.subjects import Subjects
from penstock.events.types import Attempt, Delivery, Held, election_id, encode
from penstock.events.words import (
    Dispatch,
    Down,
    GivenBack,
    Heartbeat,
    Hello,
    Renewed,
    RollCall,
    Stop,
    Stored,
    Welcome,
    Work,
)
from penstock.lifecycle.commands import Ready
from penstock.lifecycle.limits import Item, ReadyQueue, Taken
from penstock.lifecycle.state import State

SHORT_SECONDS = 0.05
"""An attempt that takes less is short: it may ride with others, and needs no `started` event."""


class Dispatcher:
    """joined: called with a worker's hello that the log does not know yet. lease: seconds."""

    def __init__(
        self,
        state: State,
        post: Post,
        subjects: Subjects,
        maker: WorkMaker,
        joined: Callable[[Hello], None],
        *,
        lease: float,
    ) -> None:
        self.state, self.post, self.subjects, self.maker = state, post, subjects, maker
        self.joined, self.lease = joined, lease
        self.epoch = 0
        self.number = 0
        self.links: dict[str, Link] = {}
        self.by_attempt: dict[Attempt, Holding] = {}
        self.by_run: dict[str, dict[Holding, None]] = {}
        self.queue = ReadyQueue(state, self.by_attempt.__contains__)
        self.unheard: set[str] = set()  # workers of the log that have not answered the roll call
        self.withheld: list[Ready] = []
        self.took: dict[tuple[str, str], float] = {}  # (DAG, task): seconds, a moving mean

    # ------------------------------------------------------------ taking over

    def lead(self, epoch: int, in_doubt: list[Ready]) -> None:
        """Call the roll; keep what an earlier leader may have sent until all have answered."""
        self.epoch = epoch
        self.unheard = set(self.state.workers)
        self.withheld = in_doubt
        self.post.put(self.subjects.all_workers, encode(RollCall(epoch=epoch)))
        self.answered(None)

    def answered(self, worker: str | None) -> None:
        """A worker that the log knows answered or is lost; after the last one all is clear."""
        self.unheard.discard(worker or "")
        if not self.unheard and self.withheld:
            for ready in self.withheld:
                self.queue.add(ready)
            self.withheld = []

    def hello(self, hello: Hello) -> None:
        """A worker says who it is and what it holds."""
        if hello.worker not in self.state.workers:
            return self.joined(hello)  # it is welcomed once the log knows it
        now = asyncio.get_running_loop().time()
        link = self.links.get(hello.worker)
        if link is None:
            link = self.links[hello.worker] = Link(hello, now)
        link.heard = now
        # What this leader sent may have crossed the hello on the way: a heartbeat will tell.
        self.compare(link, {held.delivery: held.attempt for held in hello.held}, covered=0)
        self.welcome(link)  # after any stop: its lease must not let begin what is not wanted
        self.answered(hello.worker)
        return None

    def welcome(self, link: Link) -> None:
        self.tell(link, Welcome(epoch=self.epoch, lease=self.lease, last=link.sent, renews=True))

    # ------------------------------------------------------------ what a worker says it holds

    def heartbeat(self, beat: Heartbeat) -> None:
        link = self.links.get(beat.worker)
        if link is None:
            # Unknown here: a new leader's roll call was lost, or the worker was given up.
            self.post.put(self.subjects.down(beat.worker), encode(RollCall(epoch=self.epoch)))
            return
        link.heard = asyncio.get_running_loop().time()
        link.draining = beat.draining
        held: dict[Delivery, Attempt | None] = dict.fromkeys(beat.older)
        for first, last in beat.held:
            held.update(
                dict.fromkeys(
                    Delivery(beat.last.epoch, number) for number in range(first, last + 1)
                )
            )
        covered = beat.last.number if beat.last.epoch == self.epoch else 0
        self.compare(link, held, covered)
        self.tell(link, Renewed(epoch=self.epoch, beat=beat.beat))
        if covered < link.sent:
            if link.probed >= link.sent:
                self.welcome(link)  # it says which numbers were sent: the next beat covers them
            link.probed = link.sent

    def compare(
        self,
        link: Link,
        held: dict[Delivery, Attempt] | dict[Delivery, Attempt | None],
        covered: int,
    ) -> None:
        """Send again what the worker should hold and does not; stop what it should not hold."""
        for holding in [it for it in link.holdings.values() if it.delivery not in held]:
            if holding.is_adopted or holding.delivery.number <= covered:
                self.put_back(holding)
        strangers = []
        for delivery, attempt in held.items():
            if delivery in link.holdings or delivery in link.settled:
                continue
            if attempt is None or not self.adopt(link, delivery, attempt):
                strangers.append(delivery)
        link.settled.intersection_update(held)
        unwanted = [it for it in link.holdings.values() if it.unwanted]
        if unwanted:
            reason = unwanted[0].unwanted
            self.stop(link, tuple(it.delivery for it in unwanted), reason)
        if strangers:
            self.stop(link, tuple(strangers), "it is not wanted any more")

    def adopt(self, link: Link, delivery: Delivery, attempt: Attempt) -> bool:
        """Take over what an earlier leader sent, if it is wanted and nobody else has it."""
        if attempt in self.by_attempt or not self.state.is_wanted(attempt):
            return False
        taken = self.queue.adopt(attempt)
        if taken is None:
            return False
        cause = election_id(self.epoch)  # what made it ready only its sender knew
        holding = Holding(taken, delivery, link, is_short=False, caused_by=cause)
        holding.is_adopted = True
        self.hold(holding)
        return True

    # ------------------------------------------------------------ holding and letting go

    def hold(self, holding: Holding) -> None:
        holding.link.hold(holding)
        self.by_attempt[holding.attempt] = holding
        self.by_run.setdefault(holding.attempt.run, {})[holding] = None

    def release(self, holding: Holding) -> None:
        """The worker has it no more: its slots, there and in pools, are free."""
        holding.link.let_go(holding)
        if self.by_attempt.get(holding.attempt) is holding:
            del self.by_attempt[holding.attempt]
        of_run = self.by_run.get(holding.attempt.run)
        if of_run is not None:
            of_run.pop(holding, None)
            if not of_run:
                del self.by_run[holding.attempt.run]
        self.queue.release(holding.taken)

    def put_back(self, holding: Holding) -> None:
        """It is not held any more: ready again, in its old place, if it is still wanted.

        Also after its loss or interruption: of a delivery that was lost before, and then adopted
        from its worker that came back, the fold hears nothing new and makes nothing ready.
        """
        self.release(holding)
        attempt, index = holding.attempt, holding.attempt.index
        if self.state.is_wanted(attempt):
            self.queue.add(
                Ready(
                    attempt.run,
                    attempt.task,
                    index,
                    index + 1,
                    attempt.try_number,
                    holding.caused_by,
                    phase=attempt.phase,
                )
            )

    def given_back(self, message: GivenBack) -> None:
        link = self.links.get(message.worker)
        for delivery in message.deliveries:
            holding = None if link is None else link.holdings.get(delivery)
            if holding is not None:
                if not link.draining:  # type: ignore[union-attr]
                    self.note_long(holding.attempt)
                self.put_back(holding)

    def settle(
        self, sender: str, worker: str, delivery: Delivery, attempt: Attempt, took: float | None
    ) -> None:
        """An outcome of this delivery of `worker` is folded; `sender` told it, or its successor."""
        link = self.links.get(sender)
        if link is not None:
            link.settled.add(delivery)
        holding = self.by_attempt.get(attempt)
        # An interruption decides nothing: told twice, it must not take away a later delivery.
        if holding is not None and not self.state.is_wanted(attempt):
            if holding.link.worker in (worker, sender):
                # Who has an attempt already, or inherited its outcome, runs no later delivery.
                self.release(holding)
            elif not holding.unwanted:
                holding.unwanted = f"its outcome came from {worker}"
                self.stop(holding.link, (holding.delivery,), holding.unwanted)
        # Who inherited it may have been thought to run it.
        for name in dict.fromkeys((worker, sender)):
            link = self.links.get(name)
            holding = None if link is None else link.holdings.get(delivery)
            if holding is not None:
                self.put_back(holding)
        if took is not None:
            self.note_took(attempt, took)

    def note_took(self, attempt: Attempt, took: float) -> None:
        key = (attempt.run.partition("/")[0], attempt.task)
        before = self.took.get(key)
        self.took[key] = took if before is None or took > before else 0.8 * before + 0.2 * took

    def note_long(self, attempt: Attempt) -> None:
        self.note_took(attempt, SHORT_SECONDS * 2)

    def is_short(self, item: Item) -> bool:
        key = (item.ready.run.partition("/")[0], item.ready.task)
        return self.took.get(key, SHORT_SECONDS) < SHORT_SECONDS

    # ------------------------------------------------------------ losing and stopping

    def held_by(self, worker: str) -> tuple[Held, ...]:
        """Return what a worker has that is to be given up, in the order of sending.

        As far as is known; it is sent nothing more.
        begun: it runs the first ones of these; the mates of a batch behind them have not begun.
        """
        link = self.links.get(worker)
        holdings = [] if link is None else sorted(link.holdings.values(), key=lambda h: h.delivery)
        room = 0 if link is None else link.slots
        if link is not None:
            link.is_doomed = True
        held = []
        for holding in holdings:
            begun = holding.is_async or room > 0
            room -= not holding.is_async
            held.append(Held(holding.attempt, holding.delivery, begun))
        known = {it.attempt for it in held}
        held.extend(
            Held(attempt, delivery, True)
            for attempt, delivery in self.maker.flights_of(worker)
            if attempt not in known and attempt not in self.by_attempt
        )
        return tuple(held)

    def lost(self, worker: str) -> None:
        """The log says that the worker is gone: what it held, and the fold still wants, is ready.

        Some of it the fold has made ready already; who is ready twice is sent once.
        """
        link = self.links.pop(worker, None)
        if link is not None:
            for holding in list(link.holdings.values()):
                self.put_back(holding)
        self.answered(worker)

    def stop_run(self, run: str, reason: str) -> None:
        """Tell every holder of the run's tasks to stop them; callbacks go on."""
        told: dict[str, list[Delivery]] = {}
        for holding in self.by_run.get(run, ()):
            if not holding.attempt.task.startswith("~"):
                holding.unwanted = reason
                told.setdefault(holding.link.worker, []).append(holding.delivery)
        for worker, deliveries in told.items():
            self.stop(self.links[worker], tuple(sorted(deliveries)), reason)

    def stop(self, link: Link, deliveries: tuple[Delivery, ...], reason: str) -> None:
        self.tell(link, Stop(epoch=self.epoch, deliveries=deliveries, reason=reason))

    def stored(self, worker: str, deliveries: tuple[Delivery, ...]) -> None:
        message = encode(Stored(epoch=self.epoch, deliveries=deliveries))
        self.post.put(self.subjects.down(worker), message)

    def tell(self, link: Link, message: Down) -> None:
        self.post.put(self.subjects.down(link.worker), encode(message))

    # ------------------------------------------------------------ sending

    def pump(self) -> None:
        """Send what is ready to those who have room, until one of the two runs out."""
        if not self.epoch:
            return
        for link in sorted(self.links.values(), key=lambda it: it.long + it.short):
            batch: list[Work] = []
            while (taken := self.next_for(link)) is not None:
                batch.append(self.deliver(link, taken))
                if len(batch) == BATCH:
                    self.dispatch(link, batch)
                    batch = []
            if batch:
                self.dispatch(link, batch)

    def next_for(self, link: Link) -> Taken | None:
        item = self.queue.peek(link.open_lanes)
        if item is None or not link.has_room(item.lane[1], self.is_short(item)):
            return None
        return self.queue.take(item)

    def deliver(self, link: Link, taken: Taken) -> Work:
        self.number += 1
        link.sent = self.number
        delivery = Delivery(self.epoch, self.number)
        ready = taken.item.ready
        is_short = self.is_short(taken.item)
        self.hold(
            Holding(taken, delivery, link, is_short=is_short, caused_by=ready.caused_by),
        )
        return self.maker.work(taken.attempt, delivery, ready.caused_by)

    def dispatch(self, link: Link, batch: list[Work]) -> None:
        runs = {work.attempt.run: self.maker.info(work.attempt.run) for work in batch}
        self.tell(link, Dispatch(epoch=self.epoch, work=tuple(batch), runs=runs))
