"""A worker: takes attempts from the leader, has the pool run them, holds each until it is stored.

All decisions of a worker are here and in the tables it uses (`attempt`, `ledger`, `lanes`); none of
them touches a process, a file or a socket. Bus, pool, clock and what outlives it (`Keep`) are
arguments, so that the simulation runs this very code over virtual time.

What it owes (DESIGN, laws 6 to 9): an attempt is held until the leader says that its outcome is
stored, and told again until then; the last delivery received and all that is held are said at each
heartbeat, on the subject of the outcomes; a lower epoch is refused; nothing runs twice here.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable

from msgspec import structs

from penstock.clock import Clock
from penstock.events import questions as q
from penstock.events import types as t
from penstock.events import words as w
from penstock.events.bus import Blobs, Bus, BusError, Message, UnknownSubjectError
from penstock.events.subjects import Subjects
from penstock.worker.attempt import TIMEOUT, outcome_of
from penstock.worker.kept import Keep, NoKeep
from penstock.worker.lanes import LONG, Lanes
from penstock.worker.ledger import Holding, Ledger
from penstock.worker.logs import LogShipper
from penstock.worker.pool import Answer, Ending, Job, Pool, Question
from penstock.worker.presence import Presence, WorkerIdentity
from penstock.worker.speaker import Speaker
from penstock.worker.wire import BlobFound, WhereIsBlob

AGAIN = 1.0
"""Seconds after which an outcome that is not confirmed is sent again, and kept in a file."""

LOOK = 0.025
ASK_FOR = 120.0
STORED_WITHIN = 3.0
"""Seconds, in a drain, for the leader to say that the last outcomes are stored."""

ASK_EVERY = 0.5

log = logging.getLogger("penstock.worker")


class Worker:
    """See the module. `start`, then `run` until cancelled; `drain` ends it in peace."""

    def __init__(
        self,
        who: WorkerIdentity,
        bus: Bus,
        subjects: Subjects,
        pool: Pool,
        clock: Clock,
        *,
        blobs: Blobs | None = None,
        keep: Keep | None = None,
        upload: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self.who, self.bus, self.subjects, self.pool, self.clock = who, bus, subjects, pool, clock
        self.blobs, self.keep, self.upload = blobs, keep or NoKeep(), upload
        self.ledger = Ledger()
        self.lanes = Lanes(pool, who.slots)
        self.logs = LogShipper(bus, subjects, pool.pause, pool.resume)
        self.speaker = Speaker(bus, subjects.up(who.name), who.name, self.logs)
        self.presence = Presence(who, self.ledger, self.speaker.say, self._renew)
        self.speaker.said = self.presence.said
        self.speaker.more_follow = self._more_follow
        self._unannounced: dict[t.Delivery, Holding] = {}
        self._timeouts: dict[t.Delivery, asyncio.TimerHandle] = {}
        self._looking: asyncio.TimerHandle | None = None
        self._keep_fails = False
        self._again: asyncio.TimerHandle | None = None
        self._lapse: asyncio.TimerHandle | None = None
        self._released = asyncio.Event()
        self._extra_lanes = itertools.count(who.slots)
        self._uploads: set[asyncio.Task[None]] = set()
        self._handlers: dict[type[w.Down], Callable[..., None]] = {
            w.Welcome: self.on_welcome,
            w.Renewed: self.presence.renewed,
            w.Dispatch: self.on_dispatch,
            w.Stored: self.on_stored,
            w.Stop: self.on_stop,
            w.RollCall: self.on_roll_call,
        }

    # ------------------------------------------------------------ life

    async def run(self) -> None:
        """Serve until cancelled. Raises what the pool or the bus cannot mend."""
        self._loop = asyncio.get_running_loop()
        self.presence.predecessors, inherited = self.keep.inherited()
        for outcome in inherited:
            self._adopt(outcome)
        await self.pool.start(self)
        down = await self.bus.subscribe(self.subjects.down(self.who.name), self._hear)
        everyone = await self.bus.subscribe(self.subjects.all_workers, self._hear)
        self.bus.on_reconnect(self.reconnected)
        try:
            async with asyncio.TaskGroup() as duties:
                duties.create_task(self.speaker.run())
                duties.create_task(self.logs.run())
                duties.create_task(self.presence.run())
        finally:
            for timer in (self._looking, self._again, self._lapse, *self._timeouts.values()):
                if timer is not None:
                    timer.cancel()
            await down.close()
            await everyone.close()
            await self.pool.close()

    async def drain(self, grace: float) -> None:
        """Give back what has not begun, let the rest end within `grace` seconds, say goodbye."""
        self.presence.draining = True
        self._give_back(self.lanes.take_all())
        self.presence.soon()
        await self._until(lambda: len(self.ledger.ended) == len(self.ledger.holdings()), grace)
        await self._until(lambda: not self.ledger.ended, STORED_WITHIN)
        await self.pool.close()
        self._persist(list(self.ledger.ended.values()))
        left = tuple(
            t.Held(one.attempt, one.name, one.began_at > 0)
            for one in self.ledger.holdings()
            if one.outcome is None
        )
        self.speaker.say(w.Goodbye(worker=self.who.name, held=left))
        await self.speaker.silence()
        self.keep.close()

    async def _until(self, true: Callable[[], bool], seconds: float) -> None:
        """Wait until something that `_released` tells of is true, for so long at most."""
        try:
            async with asyncio.timeout(seconds):
                while not true():
                    self._released.clear()
                    await self._released.wait()
        except TimeoutError:
            pass

    def reconnected(self) -> None:
        """The connection is back: say who is here, and everything that may not have arrived."""
        self.presence.hello()
        self._send_again(0.0)

    # ------------------------------------------------------------ what the leader says

    def _hear(self, message: Message) -> None:
        word = w.decode_down(message.payload)
        if word.epoch < self.presence.epoch:
            return  # a leader that does not know yet that it is none
        self.presence.epoch = word.epoch
        self._handlers[type(word)](word)

    def on_welcome(self, word: w.Welcome) -> None:
        self.presence.welcomed(word)
        self._send_again(0.0)

    def on_roll_call(self, _word: w.RollCall) -> None:
        self.presence.hello()

    def on_dispatch(self, word: w.Dispatch) -> None:
        now = self._loop.time()
        for work in word.work:
            if work.delivery <= self.presence.last:
                continue  # heard before: a message may come twice
            self.presence.last = work.delivery
            if self.presence.has_lapsed(now):
                # Somebody else may have it by the time of the next lease. A heartbeat says that it
                # is not held here, so it is sent again if it is still wanted.
                self.presence.soon()
                continue
            holding = Holding(
                attempt=work.attempt,
                delivery=work.delivery,
                job=Job(work, word.runs[work.attempt.run]),
                came_at=now,
            )
            older = self.ledger.by_attempt.get(work.attempt)
            if older is None or isinstance(older.outcome, t.AttemptInterrupted):
                self._queue(holding)
            elif older.stopping and older.outcome is None:
                older.follower = holding
                self.ledger.by_delivery[holding.delivery] = holding
            else:
                self.ledger.ride_along(older, work.delivery)
                if older.outcome is not None:
                    self._tell(older)
        self.lanes.assign()
        self._look_later()

    def on_stored(self, word: w.Stored) -> None:
        for delivery in word.deliveries:
            holding = self.ledger.ended.get(delivery)
            if holding is not None:
                self._drop(holding)
        self.keep.gone(word.deliveries)

    def on_stop(self, word: w.Stop) -> None:
        for delivery in word.deliveries:
            holding = self.ledger.by_delivery.get(delivery)
            if holding is None or holding.outcome is not None:
                continue
            older = self.ledger.by_attempt.get(holding.attempt)
            if older is not None and older.follower is holding:
                older.follower = None
                self.ledger.drop(holding)
            elif delivery != holding.name or holding.stopping:
                continue  # the leader knows it by a later name, or it is being stopped already
            elif self.lanes.remove(holding):
                asked = Ending(how="stopped", begun=False, asked=word.reason)
                self.ended(holding.delivery, asked)
            else:
                holding.stopping = word.reason
                self.pool.stop(holding.delivery, word.reason)

    # ------------------------------------------------------------ what the pool says

    def began(self, delivery: t.Delivery) -> None:
        holding = self.ledger.by_delivery.get(delivery)
        if holding is None or holding.job is None:
            return
        holding.began_at = self._loop.time()
        self._unannounced[delivery] = holding
        timeout = holding.job.work.timeout
        if timeout is not None:
            if delivery in self._timeouts:
                self._timeouts[delivery].cancel()
            self._timeouts[delivery] = self._loop.call_later(timeout, self._time_out, delivery)
        self._look_later()

    def printed(self, delivery: t.Delivery, lines: list[w.LogLine]) -> None:
        holding = self.ledger.by_delivery.get(delivery)
        if holding is not None:
            self.logs.printed(holding, lines)

    def ended(self, delivery: t.Delivery, ending: Ending) -> None:
        holding = self.ledger.by_delivery.get(delivery)
        if holding is None or holding.job is None or holding.outcome is not None:
            return
        self._unannounced.pop(delivery, None)
        timer = self._timeouts.pop(delivery, None)
        if timer is not None:
            timer.cancel()
        self.lanes.ended(holding, ending.took)
        now = self.clock.now()
        logged = self.logs.lines_of(delivery)
        outcome = outcome_of(holding.job.work, self.who.name, ending, logged=logged, now=now)
        xcoms = ending.xcoms if ending.pause is None else ending.pause.carried
        if self.upload is not None and any(xcom.blob for xcom in xcoms):
            sending = self._loop.create_task(self._upload(holding, outcome, xcoms))
            self._uploads.add(sending)
            sending.add_done_callback(self._uploads.discard)
        else:
            self._settle(holding, outcome)
        self.lanes.assign()

    async def _upload(
        self, holding: Holding, outcome: t.Outcome, xcoms: tuple[t.Xcom, ...]
    ) -> None:
        """Bring large values to where others can read them, before the outcome names them."""
        assert self.upload is not None
        for xcom in xcoms:
            while xcom.blob is not None:
                try:
                    await self.upload(xcom.blob)
                    break
                except BusError:
                    await asyncio.sleep(AGAIN)
        self._settle(holding, outcome)

    def _settle(self, holding: Holding, outcome: t.Outcome) -> None:
        self.ledger.end(holding, outcome)
        self._tell(holding)
        if holding.follower is not None:
            follower, holding.follower = holding.follower, None
            if isinstance(outcome, t.AttemptInterrupted):
                self._queue(follower)
            else:
                self.ledger.ride_along(holding, follower.delivery)
        self._released.set()

    async def answer(self, question: Question) -> Answer:
        """Answer a task: by the blobs at hand, or by asking the leader, for two minutes at most."""
        if isinstance(question, WhereIsBlob):
            return await self._find_blob(question.digest)
        deadline = self._loop.time() + ASK_FOR
        while True:
            try:
                asked = structs.replace(question, epoch=self.presence.epoch)
                payload = await self.bus.request(self.subjects.ask, t.encode(asked))
                found: Answer = q.decode_answer(payload)
                return found
            except (BusError, UnknownSubjectError) as error:
                if self._loop.time() > deadline:
                    return q.Refused(why=f"no coordinator answered for {ASK_FOR:g} s: {error}")
            await asyncio.sleep(ASK_EVERY)

    async def _find_blob(self, digest: str) -> Answer:
        if self.blobs is None:
            return q.Refused(why=f"blob {digest} is not on this machine")
        try:
            return BlobFound(path=await self.blobs.path(digest))
        except BusError as error:
            return q.Refused(why=str(error))

    # ------------------------------------------------------------ what the worker says

    def _more_follow(self) -> bool:
        """Whether short ones are ending by the dozen."""
        under_way = len(self.ledger.by_delivery) - len(self.ledger.ended)
        return under_way > 4 * self.who.slots and any(lane.quick for lane in self.lanes.lanes)

    def _tell(self, holding: Holding) -> None:
        """Say an outcome, now and until it is stored."""
        holding.sent_at = self._loop.time()
        self.speaker.say(holding)
        if self._again is None:
            self._again = self._loop.call_later(AGAIN, self._send_again, AGAIN)

    def _send_again(self, age: float) -> None:
        """Say again the outcomes that were said `age` seconds ago or earlier."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        now = self._loop.time()
        due = [one for one in self.ledger.ended.values() if now - one.sent_at >= age]
        if age:
            self._persist(due)
        for holding in due:
            self._tell(holding)
        if self.ledger.ended and self._again is None:
            self._again = self._loop.call_later(AGAIN, self._send_again, AGAIN)

    def _persist(self, holdings: list[Holding]) -> None:
        fresh = [one for one in holdings if not one.kept and one.outcome is not None]
        if not fresh:
            return
        try:
            self.keep.add([one.outcome for one in fresh if one.outcome is not None])
        except OSError as error:
            # A full disk. They are held in memory as before, said again, and kept a second later.
            if not self._keep_fails:
                log.warning("outcomes cannot be kept on disk yet: %s", error)
            self._keep_fails = True
            return
        self._keep_fails = False
        for one in fresh:
            one.kept = True

    def _give_back(self, holdings: list[Holding]) -> None:
        """Somebody else may begin these; this worker has not."""
        deliveries = []
        for holding in holdings:
            deliveries += [holding.delivery, *holding.also]
            self._unannounced.pop(holding.delivery, None)
            timer = self._timeouts.pop(holding.delivery, None)
            if timer is not None:
                timer.cancel()
            self._drop(holding)
        if deliveries:
            self.speaker.say(w.GivenBack(worker=self.who.name, deliveries=tuple(deliveries)))

    # ------------------------------------------------------------ the inside

    def _adopt(self, outcome: t.Outcome) -> None:
        """An outcome of a worker that is dead: it is said as that worker's, by this one."""
        holding = Holding(attempt=outcome.attempt, delivery=outcome.delivery, kept=True)
        self.ledger.add(holding)
        self.ledger.end(holding, outcome)
        self._tell(holding)

    def _queue(self, holding: Holding) -> None:
        self.ledger.add(holding)
        assert holding.job is not None
        if holding.job.work.is_async:
            # Without a slot. An exclusive one has a process, so a lane, that no other is given.
            self.pool.run(next(self._extra_lanes), [holding.job])
        elif self.presence.draining:
            self._give_back([holding])
        else:
            self.lanes.waiting.append(holding)

    def _renew(self, seconds: float) -> None:
        """The lease holds for so long: exclusive children may live, and what waits may begin."""
        if self._lapse is not None:
            self._lapse.cancel()
        self._lapse = self._loop.call_later(seconds, self._lapsed)
        self.pool.renew(seconds)

    def _lapsed(self) -> None:
        """Nobody renewed the lease: what has not begun here may be begun elsewhere from now on.

        What runs goes on: its outcome counts if it is the first one of its try.
        """
        parallel = [
            one.delivery for one in self.ledger.holdings() if one.lane < 0 and not one.began_at
        ]
        taken = [self.ledger.by_delivery[one] for one in self.pool.take_back(parallel)]
        self._give_back([*self.lanes.take_all(), *taken])

    def _drop(self, holding: Holding) -> None:
        self.ledger.drop(holding)
        self._released.set()

    def _time_out(self, delivery: t.Delivery) -> None:
        self._timeouts.pop(delivery, None)
        holding = self.ledger.by_delivery.get(delivery)
        if holding is not None and holding.outcome is None and not holding.stopping:
            holding.stopping = TIMEOUT
            self.pool.stop(holding.delivery, TIMEOUT)

    def _look_later(self) -> None:
        if self._looking is None and (self._unannounced or self.lanes.waiting):
            self._looking = self._loop.call_later(LOOK, self._look)

    def _look(self) -> None:
        """Announce what has run for long, and let nothing stand behind it."""
        self._looking = None
        now = self._loop.time()
        for delivery, holding in list(self._unannounced.items()):
            if now - holding.began_at < LONG:
                break  # they are in the order of their beginnings
            del self._unannounced[delivery]
            assert holding.job is not None  # only what runs here is announced
            self.speaker.say(
                t.AttemptStarted(
                    caused_by=holding.job.work.caused_by,
                    attempt=holding.attempt,
                    delivery=delivery,
                    worker=self.who.name,
                    started_at=self.clock.now() - int((now - holding.began_at) * 1_000_000),
                )
            )
        self.lanes.relieve(now)
        self.lanes.assign()
        if self.lanes.waiting and self.lanes.all_long(now):
            late = [one for one in self.lanes.waiting if now - one.came_at >= LONG]
            for holding in late:
                self.lanes.remove(holding)
            self._give_back(late)
        self._look_later()
