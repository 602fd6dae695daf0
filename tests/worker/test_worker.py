"""A worker and its leader: what is owed when words get lost, come twice, or come from two."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from worker_play import HERE, appears, job, vanishes

from penstock.clock import SystemClock
from penstock.events import types as t
from penstock.events import words as w
from penstock.events.bus import Message
from penstock.events.memory_bus import MemoryBus
from penstock.events.memory_server import MemoryServer
from penstock.events.subjects import Subjects
from penstock.worker.kept import FileKeep
from penstock.worker.pool import Job
from penstock.worker.presence import WorkerIdentity
from penstock.worker.process_pool import PoolSettings, ProcessPool
from penstock.worker.worker import Worker

SUBJECTS = Subjects()
NAME = "host-1"


class Leader:
    """Says what a leader says, and remembers what it hears. Confirms outcomes while `confirms`."""

    def __init__(self, bus: MemoryBus, epoch: int = 1, lease: float = 30.0) -> None:
        self.bus, self.epoch, self.lease = bus, epoch, lease
        self.heard: list[w.Up] = []
        self.outcomes: dict[t.Delivery, list[t.Outcome]] = {}
        self.confirms = True
        self.renews = False
        self.changed = asyncio.Event()
        self.saying: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        await self.bus.subscribe(SUBJECTS.all_up, self.hear)

    def hear(self, message: Message) -> None:
        word = w.decode_up(message.payload)
        self.heard.append(word)
        if isinstance(word, w.Hello):
            welcome = w.Welcome(epoch=self.epoch, lease=self.lease, renews=self.renews)
            self.later(welcome, word.worker)
        if isinstance(word, w.Heartbeat) and self.renews:
            self.later(w.Renewed(epoch=self.epoch, beat=word.beat), word.worker)
        if isinstance(word, w.Outcomes):
            for outcome in word.ended:
                self.outcomes.setdefault(outcome.delivery, []).append(outcome)
            if self.confirms and word.ended:
                names = tuple(outcome.delivery for outcome in word.ended)
                self.later(w.Stored(epoch=self.epoch, deliveries=names), word.worker)
        self.changed.set()

    def later(self, word: w.Down, worker: str) -> None:
        task = asyncio.ensure_future(self.say(word, worker))
        self.saying.add(task)
        task.add_done_callback(self.saying.discard)

    async def say(self, word: w.Down, worker: str = NAME) -> None:
        await self.bus.publish(SUBJECTS.down(worker), t.encode(word))

    async def dispatch(self, *jobs: Job, epoch: int = 0) -> None:
        runs = {one.info.run: one.info for one in jobs}
        work = tuple(one.work for one in jobs)
        await self.say(w.Dispatch(epoch=epoch or self.epoch, work=work, runs=runs))

    async def hears(self, true: Callable[[], Any]) -> None:
        while not true():
            self.changed.clear()
            await self.changed.wait()

    async def outcome(self, job: Job) -> Any:
        name = job.work.delivery
        await self.hears(lambda: name in self.outcomes)
        return self.outcomes[name][0]

    def all(self, kind: type[w.Up]) -> list[Any]:
        return [word for word in self.heard if type(word) is kind]

    async def next_beat(self) -> w.Heartbeat:
        """Provoke a heartbeat by a welcome, and return it."""
        seen = len(self.all(w.Heartbeat))
        await self.say(w.Welcome(epoch=self.epoch, lease=self.lease))
        await self.hears(lambda: len(self.all(w.Heartbeat)) > seen)
        return self.all(w.Heartbeat)[-1]


class Play:
    """A server in memory, a leader, and workers with real pools."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = MemoryServer()
        self.stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        self.leader = Leader(await MemoryBus.connect(self.server))
        await self.leader.listen()

    async def worker(self, name: str = NAME, slots: int = 1, **settings: Any) -> Worker:
        bus = await MemoryBus.connect(self.server, name=name)
        pool = PoolSettings(
            blobs=str(self.folder / "blobs"),
            entry="entry",
            paths=(HERE,),
            kill_grace=0.3,
            **settings,
        )
        worker = Worker(
            WorkerIdentity(name=name, host="h", pid=os.getpid(), slots=slots),
            bus,
            SUBJECTS,
            ProcessPool(pool, SystemClock()),
            SystemClock(),
            keep=FileKeep(self.folder / "workers", name),
        )
        running = asyncio.create_task(worker.run())
        self.stack.push_async_callback(self.end, running)
        await self.leader.hears(lambda: any(b.worker == name for b in self.leader.all(w.Heartbeat)))
        return worker

    @staticmethod
    async def end(running: asyncio.Task[None]) -> None:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    async def log_of(self, job: Job, *, until: int = 0) -> list[w.LogLine]:
        """Return what LOGS has of a job; with `until`, wait for so many lines."""
        lines: list[w.LogLine] = []
        subject = SUBJECTS.log_of(job.work.attempt)
        async for stored in self.leader.bus.replay("LOGS", subject, live=until > 0):
            chunk = w.decode_chunk(stored.payload)
            assert chunk.first == len(lines)
            lines += chunk.lines
            if len(lines) == until:
                break
        return lines


@pytest.fixture
async def play(tmp_path: Path) -> AsyncIterator[Play]:
    play = Play(tmp_path)
    await play.start()
    yield play
    await play.stack.aclose()


async def test_a_worker_introduces_itself_and_runs_what_it_is_sent(play: Play) -> None:
    await play.worker(slots=2)
    [hello] = play.leader.all(w.Hello)
    assert (hello.worker, hello.slots, hello.held) == (NAME, 2, ())
    jobs = [job("index", number) for number in range(40)]
    await play.leader.dispatch(*jobs)
    outcomes = [await play.leader.outcome(one) for one in jobs]
    assert all(type(one) is t.AttemptSucceeded for one in outcomes)
    assert [bytes(one.xcoms[0].value) for one in outcomes] == [b"%d" % n for n in range(40)]


async def test_logs_are_stored_before_the_outcome_that_counts_them(play: Play) -> None:
    await play.worker()
    prints = job("prints")
    await play.leader.dispatch(prints)
    outcome = await play.leader.outcome(prints)
    lines = await play.log_of(prints)
    assert outcome.logged == len(lines) == 6
    assert [line.text for line in lines][:3] == ["one", "two", "three"]


async def test_output_over_the_limit_arrives_bounded(play: Play) -> None:
    await play.worker(log_limit=5_000_000)
    much = job("prints_much", conf={"lines": 200_000})
    await play.leader.dispatch(much)
    outcome = await play.leader.outcome(much)
    lines = await play.log_of(much)
    assert outcome.logged == len(lines) == 50_001
    assert "dropped" in lines[-1].text


@pytest.mark.parametrize(
    ("task", "kind", "reason"),
    [
        ("fails", t.AttemptFailed, "ValueError: first line second line"),
        ("skips", t.AttemptSkipped, "not today"),
        ("segfaults", t.AttemptFailed, "SIGSEGV"),
        ("os_exits", t.AttemptFailed, "exit code 7"),
        ("unpicklable", t.AttemptFailed, "UnstorableError: the XCom 'return_value'"),
        ("kills_itself", t.AttemptInterrupted, "SIGKILL"),
    ],
)
async def test_each_end_has_its_outcome(play: Play, task: str, kind: type, reason: str) -> None:
    await play.worker()
    one = job(task)
    await play.leader.dispatch(one)
    outcome = await play.leader.outcome(one)
    assert type(outcome) is kind
    assert reason in outcome.reason


async def test_fail_for_good_is_final(play: Play) -> None:
    await play.worker()
    one = job("fails_for_good")
    await play.leader.dispatch(one)
    assert (await play.leader.outcome(one)).final


async def test_a_timeout_is_a_failed_try(play: Play, tmp_path: Path) -> None:
    await play.worker()
    one = job("loops_in_c", conf={"file": str(tmp_path / "said")}, timeout=0.3)
    await play.leader.dispatch(one)
    outcome = await play.leader.outcome(one)
    assert (type(outcome), outcome.reason) == (t.AttemptFailed, "timed out after 0.3 s")


async def test_a_memory_kill_is_a_failed_try(play: Play) -> None:
    await play.worker(memory_limit=300 * 1024 * 1024, watch=0.05)
    one = job("eats")
    await play.leader.dispatch(one)
    outcome = await play.leader.outcome(one)
    assert type(outcome) is t.AttemptFailed
    assert "memory" in outcome.reason


async def test_a_stop_is_reported_as_an_interruption(play: Play, tmp_path: Path) -> None:
    await play.worker()
    said = tmp_path / "said"
    runs, waits = (job("sleeps", number, {"file": str(said)}) for number in (1, 2))
    await play.leader.dispatch(runs, waits)
    await appears(said)
    names = (waits.work.delivery, runs.work.delivery)
    await play.leader.say(w.Stop(epoch=1, deliveries=names, reason="cancelled by anna"))
    one, two = await play.leader.outcome(runs), await play.leader.outcome(waits)
    assert (type(one), one.reason, one.begun) == (t.AttemptInterrupted, "cancelled by anna", True)
    assert not two.begun
    assert len(said.read_text().splitlines()) == 1


# ---------------------------------------------------------------- laws 6 to 9


async def test_a_dispatch_that_comes_twice_runs_once(play: Play, tmp_path: Path) -> None:
    await play.worker()
    said = tmp_path / "said"
    one, two = job("touches", conf={"file": str(said)}), job("index", 1)
    for _ in range(2):
        await play.leader.dispatch(one)
        await play.leader.outcome(one)
    await play.leader.dispatch(two)
    await play.leader.outcome(two)
    assert len(said.read_text().splitlines()) == 1


async def test_an_attempt_that_comes_again_is_not_run_twice(play: Play, tmp_path: Path) -> None:
    await play.worker(slots=2)
    said = tmp_path / "said"
    first = job("naps", 1, {"seconds": 0.3}, is_async=True)
    await play.leader.dispatch(first)
    again = job("naps")
    again = Job(
        w.Work(attempt=first.work.attempt, delivery=again.work.delivery, is_async=True), first.info
    )
    await play.leader.dispatch(again)
    beat = await play.leader.next_beat()
    number = again.work.delivery.number
    assert beat.held == ((number, number),)
    await play.leader.outcome(first)
    await play.leader.hears(lambda: len(play.leader.outcomes) == 1)
    assert (await play.leader.next_beat()).held == ()
    assert not said.exists()


async def test_a_lower_epoch_is_refused(play: Play, tmp_path: Path) -> None:
    await play.worker()
    said = tmp_path / "said"
    stale, fresh = job("touches", conf={"file": str(said)}), job("index", epoch=5)
    play.leader.epoch = 5
    await play.leader.next_beat()
    await play.leader.dispatch(stale, epoch=4)
    await play.leader.dispatch(fresh)
    await play.leader.outcome(fresh)
    assert not said.exists()


async def test_an_outcome_is_told_again_until_it_is_stored(play: Play) -> None:
    await play.worker()
    play.leader.confirms = False
    one = job("index", 1)
    await play.leader.dispatch(one)
    name = one.work.delivery
    await play.leader.hears(lambda: len(play.leader.outcomes.get(name, ())) == 2)
    assert (await play.leader.next_beat()).held == ((name.number, name.number),)
    await play.leader.say(w.Stored(epoch=1, deliveries=(name,)))
    assert (await play.leader.next_beat()).held == ()


async def test_a_roll_call_is_answered_with_all_that_is_held(play: Play, tmp_path: Path) -> None:
    await play.worker()
    said = tmp_path / "said"
    runs, waits = (job("sleeps", number, {"file": str(said)}) for number in (1, 2))
    await play.leader.dispatch(runs)
    await appears(said)
    await play.leader.hears(lambda: any(word.started for word in play.leader.all(w.Outcomes)))
    seen = len(play.leader.all(w.Hello))
    await play.leader.bus.publish(SUBJECTS.all_workers, t.encode(w.RollCall(epoch=2)))
    await play.leader.hears(lambda: len(play.leader.all(w.Hello)) > seen)
    hello = play.leader.all(w.Hello)[-1]
    assert hello.epoch == 2
    assert hello.held == (t.Held(runs.work.attempt, runs.work.delivery, True),)
    assert waits.work.delivery not in play.leader.outcomes


async def test_the_next_worker_tells_what_the_dead_one_could_not(play: Play) -> None:
    await play.worker()
    play.leader.confirms = False
    one = job("index", 1)
    await play.leader.dispatch(one)
    name = one.work.delivery
    await play.leader.hears(lambda: len(play.leader.outcomes.get(name, ())) == 2)
    await play.stack.aclose()  # dies: nobody said goodbye

    # A process's locks go with it; here the process lives, so the file is let go of by hand.
    kept = play.folder / "workers" / f"{NAME}.outcomes"
    text = kept.read_bytes()
    kept.unlink()
    kept.write_bytes(text)

    play.leader.outcomes.clear()
    play.leader.confirms = True
    await play.worker("host-2")
    outcome = await play.leader.outcome(one)
    assert (outcome.worker, outcome.delivery) == (NAME, name)
    assert play.leader.all(w.Hello)[-1].replaces == (NAME,)
    assert not kept.exists()


async def test_batch_mates_of_a_long_one_are_given_back(play: Play, tmp_path: Path) -> None:
    await play.worker()
    said = tmp_path / "said"
    warm = job("index")
    await play.leader.dispatch(warm)
    await play.leader.outcome(warm)
    short = [job("touches", number, {"file": str(said)}) for number in range(2)]
    long = job("sleeps", conf={"file": str(said)})
    behind = [job("touches", number, {"file": str(said)}) for number in range(5, 8)]
    await play.leader.dispatch(*short, long, *behind)
    await play.leader.hears(lambda: play.leader.all(w.GivenBack))
    given = [name for word in play.leader.all(w.GivenBack) for name in word.deliveries]
    assert given == [one.work.delivery for one in behind]
    started = [one for word in play.leader.all(w.Outcomes) for one in word.started]
    assert started[-1].attempt == long.work.attempt
    beat = await play.leader.next_beat()
    assert beat.held == ((long.work.delivery.number,) * 2,)
    assert len(said.read_text().splitlines()) == 3


async def test_a_drain_gives_back_waits_and_says_goodbye(play: Play, tmp_path: Path) -> None:
    worker = await play.worker()
    said = tmp_path / "said"
    nap = job("naps", 1, {"seconds": 0.3}, is_async=True)
    sleeps, waits = (job("sleeps", number, {"file": str(said)}) for number in (1, 2))
    await play.leader.dispatch(nap, sleeps)
    await appears(said)
    await play.leader.dispatch(waits)
    await play.leader.next_beat()
    await worker.drain(1.0)
    [goodbye] = play.leader.all(w.Goodbye)
    assert type(play.leader.outcomes[nap.work.delivery][0]) is t.AttemptSucceeded
    assert [held.delivery for held in goodbye.held] == [sleeps.work.delivery]
    given = [name for word in play.leader.all(w.GivenBack) for name in word.deliveries]
    assert given == [waits.work.delivery]


async def test_work_goes_on_while_the_wire_is_down(play: Play, tmp_path: Path) -> None:
    await play.worker()
    said = tmp_path / "said"
    one = job("prints_then_touches", conf={"file": str(said)})
    bus = next(bus for bus in play.server.buses if bus.name == NAME)  # type: ignore[attr-defined]
    await play.leader.dispatch(one)
    await play.leader.next_beat()
    play.server.cut(bus, mend=False)
    (tmp_path / "said.go").touch()
    await appears(said)
    bus.mend_later()
    outcome = await play.leader.outcome(one)
    assert type(outcome) is t.AttemptSucceeded
    assert [line.text for line in await play.log_of(one, until=2)] == ["before", "after"]


async def test_a_child_killed_by_a_stranger_is_no_failed_try(play: Play, tmp_path: Path) -> None:
    await play.worker()
    said = tmp_path / "said"
    one = job("sleeps", conf={"file": str(said)})
    await play.leader.dispatch(one)
    [pid] = await appears(said)
    os.kill(int(pid), signal.SIGKILL)
    outcome = await play.leader.outcome(one)
    assert (type(outcome), outcome.begun) == (t.AttemptInterrupted, True)


async def test_an_exclusive_child_dies_when_no_heartbeat_can_be_heard(
    play: Play, tmp_path: Path
) -> None:
    play.leader.lease = 1.5
    await play.worker()
    said = tmp_path / "said"
    one = job("sleeps", conf={"file": str(said)}, exclusive=True)
    await play.leader.dispatch(one)
    [pid] = await appears(said)
    began = asyncio.get_running_loop().time()
    bus = next(bus for bus in play.server.buses if bus.name == NAME)  # type: ignore[attr-defined]
    play.server.cut(bus, mend=False)
    await vanishes(int(pid))
    assert asyncio.get_running_loop().time() - began < play.leader.lease
    bus.mend_later()
    outcome = await play.leader.outcome(one)
    assert type(outcome) is t.AttemptInterrupted


async def test_an_exclusive_child_lives_on_while_heartbeats_go_out(
    play: Play, tmp_path: Path
) -> None:
    play.leader.lease = 2.4  # long enough for a machine that is busy with other tests
    await play.worker()
    said = tmp_path / "said"
    one = job("sleeps", conf={"file": str(said)}, exclusive=True)
    await play.leader.dispatch(one)
    [pid] = await appears(said)
    seen = len(play.leader.all(w.Heartbeat))
    await play.leader.hears(lambda: len(play.leader.all(w.Heartbeat)) > seen + 6)  # two leases
    assert Path(f"/proc/{pid}").exists()
    assert one.work.delivery not in play.leader.outcomes


async def test_a_leader_that_confirms_heartbeats_is_taken_at_its_word(
    play: Play, tmp_path: Path
) -> None:
    play.leader.lease, play.leader.renews = 1.0, True
    await play.worker()
    said = tmp_path / "said"
    one = job("sleeps", conf={"file": str(said)}, exclusive=True)
    await play.leader.dispatch(one)
    [pid] = await appears(said)
    play.leader.renews = False  # it hears no heartbeat any more, though they can be sent
    await vanishes(int(pid))
    assert type(await play.leader.outcome(one)) is t.AttemptInterrupted
