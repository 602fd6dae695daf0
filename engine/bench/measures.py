"""The measures, one function each. The same process measures Penstock and its peers, in turns.

What is taken from a run is what the run's document says: when each task started and ended, in its
child. The first run of each warms the children up and is told apart. The peers do the same work
between the runs, so that a noisy machine is noisy for all.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any

from penstock.bench import processes, work
from penstock.bench.figures import Figure
from penstock.bench.stack import DAGS, PENSTOCK, BenchError, MeasuredStack
from penstock.bench.yardstick import Peer, Starts, pool, seconds

MB = 1_000_000
IDLE_SECONDS = 5.0
WIDE = 100_000
PATIENCE_SECONDS = 20.0
"""How long a peer's work may take, all its runs of one kind together, before no other is begun."""

Say = Callable[[str], None]


class Bench:
    """One session. repeat: runs that count, of each. peers: who else does the work, by name."""

    def __init__(self, repeat: int, peers: dict[str, Starts], say: Say) -> None:
        self.repeat, self.say = repeat, say
        self.peers: dict[str, Starts] = {"pool": pool} | peers
        self.stack: MeasuredStack

    async def turns(
        self, name: str, once: Callable[[], Awaitable[float]]
    ) -> tuple[Figure, dict[str, list[float]]]:
        """Do the work in turns. Return a figure with ours, and each peer's seconds.

        Several peers are not kept alive together: each has turns of its own with us.
        """
        first = await once()
        ours: list[float] = []
        theirs: dict[str, list[float]] = {}

        async def turn() -> None:
            ours.append(await once())

        for peer, start in self.peers.items():
            try:
                theirs[peer] = await self.others(start, name, turn if peer == "pool" else None)
            except ImportError as error:
                self.say(f"{peer} is left out: {error}")
        figure = Figure(
            name=name,
            what=name,
            unit="s",
            value=statistics.median(ours),
            all=tuple(round(each, 5) for each in ours),
            first=round(first, 5),
            peers={peer: statistics.median(each) for peer, each in theirs.items()},
        )
        return figure, theirs

    async def others(
        self, start: Starts, name: str, between: Callable[[], Awaitable[None]] | None
    ) -> list[float]:
        """Return the seconds of a peer's runs, with a turn of ours after each."""
        took: list[float] = []
        with ExitStack() as stack:
            peer = await asyncio.to_thread(stack.enter_context, start())
            await asyncio.to_thread(warm, peer, name)
            while len(took) < self.repeat:
                took.append(await asyncio.to_thread(seconds, peer, name))
                if between is not None:
                    await between()
                elif sum(took) > PATIENCE_SECONDS:
                    break
        return took


def warm(peer: Peer, name: str) -> None:
    """Have children started, and pandas imported where it is needed."""
    needed = work.frame if name == "frames" else work.nothing
    for handle in [peer.submit(needed) for _ in range(8)]:
        peer.result(handle)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def began(task: dict[str, Any]) -> float:
    return moment(task["started_at"])


def ended(task: dict[str, Any]) -> float:
    return moment(task["ended_at"])


def whole(document: dict[str, Any]) -> float:
    """Return the seconds from a run's first start of a task to the last end of one."""
    tasks = document["tasks"]
    return max(map(ended, tasks)) - min(map(began, tasks))


def stored(document: dict[str, Any]) -> float:
    """Return the seconds until a run's last outcome was stored: as a peer's until its result."""
    return ended(document) - began(document)


# ---------------------------------------------------------------- without a stack


async def help_(bench: Bench) -> list[Figure]:
    took = [timed([*PENSTOCK, "--help"]) for _ in range(bench.repeat + 1)]
    return [figure_of("help", "penstock --help", took, aim=0.25)]


async def cold(bench: Bench) -> list[Figure]:
    command = [*PENSTOCK, "run", str(DAGS / "one.py"), "--json"]
    with tempfile.TemporaryDirectory() as folder:
        took = [timed(command, folder) for _ in range(bench.repeat + 1)]
    return [figure_of("cold", "penstock run, one task, cold", took, aim=2.0)]


def timed(command: Sequence[str], folder: str | None = None) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr}")
    return time.perf_counter() - start


def figure_of(name: str, what: str, took: Sequence[float], *, aim: float) -> Figure:
    return Figure(
        name=name,
        what=what,
        unit="s",
        first=round(took[0], 5),
        value=statistics.median(took[1:]),
        all=tuple(round(each, 5) for each in took[1:]),
        aim=aim,
    )


# ---------------------------------------------------------------- on a stack


async def idle(bench: Bench) -> list[Figure]:
    """Measure memory and time on a core before any task has run."""
    processes.check()
    pids = processes.tree(bench.stack.process.pid)
    await asyncio.sleep(1.0)  # what the start left to do
    before, since = sum(map(processes.cpu_seconds, pids)), time.perf_counter()
    await asyncio.sleep(IDLE_SECONDS)
    used = sum(map(processes.cpu_seconds, pids)) - before
    share = 100 * used / (time.perf_counter() - since)
    memory = sum(processes.pss_bytes(pid) for pid in processes.tree(bench.stack.process.pid)) / MB
    return [
        Figure(name="idle_memory", what="idle, PSS", unit="MB", value=memory, aim=190.0),
        Figure(name="idle_cpu", what="idle, of a core", unit="%", value=share, aim=2.0),
    ]


async def chain40(bench: Bench) -> list[Figure]:
    """Measure forty hops, and what one synced publish costs on the same server."""
    medians: list[float] = []
    publishes: list[float] = []

    async def once() -> float:
        document = await bench.stack.run("chain40")
        tasks = sorted(document["tasks"], key=began)
        hops = [began(after) - ended(one) for one, after in pairwise(tasks)]
        medians.append(1000 * statistics.median(hops))
        publishes.append(1000 * await bench.stack.publish_median())
        return whole(document)

    figure, theirs = await bench.turns("chain40", once)
    figure.what, figure.aim = "chain of 40", 0.08
    publish = statistics.median(publishes)
    hop = Figure(
        name="hop",
        what="hop: one task's end to the next one's start",
        unit="ms",
        value=statistics.median(medians[1:]),
        all=tuple(round(each, 3) for each in medians[1:]),
        first=round(medians[0], 3),
        aim=max(1.5, 2.5 * publish),
        peers={peer: 1000 * statistics.median(each) / 40 for peer, each in theirs.items()},
        note="the aim is 1.5 ms or 2.5 bare synced publishes",
    )
    bare = Figure(name="publish", what="bare synced publish", unit="ms", value=publish)
    return [bare, hop, figure]


def fan(width: int) -> Callable[[Bench], Awaitable[list[Figure]]]:
    async def measure(bench: Bench) -> list[Figure]:
        async def once() -> float:
            tasks = (await bench.stack.run("fan", n=width))["tasks"]
            by_id = {task["task_id"]: task for task in tasks}
            return began(by_id["end"]) - ended(by_id["numbers"])

        figure, _ = await bench.turns(f"fan{width}", once)
        assert figure.value is not None
        figure.what, figure.unit, figure.more = f"fan-out of {width:,}", "tasks/s", True
        figure.all = tuple(round(width / each) for each in figure.all)
        figure.first = round(width / figure.first) if figure.first else None
        figure.value = width / figure.value
        figure.peers = {peer: width / each for peer, each in figure.peers.items()}
        figure.aim = max(5000.0, figure.peers["pool"])
        return [figure]

    return measure


async def cpu10(bench: Bench) -> list[Figure]:
    async def once() -> float:
        return stored(await bench.stack.run("cpu10"))

    figure, _ = await bench.turns("cpu10", once)
    figure.what, figure.aim = "ten CPU-bound tasks", 1.02 * figure.peers["pool"]
    return [figure]


async def frames(bench: Bench) -> list[Figure]:
    async def once() -> float:
        return stored(await bench.stack.run("frames"))

    figure, _ = await bench.turns("frames", once)
    figure.what, figure.aim = "10 MB DataFrame, handed on five times", 0.4
    return [figure]


async def memory(bench: Bench) -> list[Figure]:
    """Measure the coordinator's peak while a mapped task of 100,000 runs."""
    processes.check()
    pid = bench.stack.pid("coordinator")
    processes.forget_peak(pid)
    before, start = processes.peak_bytes(pid) / MB, time.perf_counter()
    await bench.stack.run("fan", show=False, n=WIDE)
    took = time.perf_counter() - start
    return [
        Figure(
            name="memory",
            what=f"coordinator, {WIDE:,} mapped instances, peak RSS",
            unit="MB",
            value=processes.peak_bytes(pid) / MB,
            first=before,
            aim=200.0,
            note=f"before: {before:.0f} MB; the run took {took:.1f} s",
        )
    ]


Measure = Callable[[Bench], Awaitable[list[Figure]]]
ALONE: dict[str, Measure] = {"help": help_, "cold": cold}
"""What needs no stack; the machine is quiet then."""

ON_STACK: dict[str, tuple[Measure, tuple[str, ...]]] = {
    "idle": (idle, ()),
    "chain40": (chain40, ("chain40",)),
    "fan1000": (fan(1_000), ("fan",)),
    "fan10000": (fan(10_000), ("fan",)),
    "cpu10": (cpu10, ("cpu10",)),
    "frames": (frames, ("frames",)),
    "memory": (memory, ("fan",)),
}
"""name: (measure, the DAG files that it runs). `idle` comes first: it is before any task."""

NAMES = [*ALONE, *ON_STACK]


async def measure(
    names: Sequence[str], repeat: int, peers: dict[str, Starts], say: Say
) -> list[Figure]:
    """Measure what is named, in the order of the tables."""
    bench = Bench(repeat, peers, say)
    found: list[Figure] = []
    for name in [name for name in ALONE if name in names]:
        say(name)
        found += await ALONE[name](bench)
    on_stack = [name for name in ON_STACK if name in names and is_possible(name, say)]
    if on_stack:
        async with started(bench, on_stack):
            for name in on_stack:
                say(name)
                try:
                    found += await ON_STACK[name][0](bench)
                except processes.NoProcError as error:
                    say(f"{name} is left out: {error}")
    return found


@asynccontextmanager
async def started(bench: Bench, names: Sequence[str]) -> AsyncIterator[None]:
    dags = {file: None for name in names for file in ON_STACK[name][1]}
    async with MeasuredStack(list(dags) or ["one"]) as stack:
        bench.stack = stack
        yield


def is_possible(name: str, say: Say) -> bool:
    """Say what a measure lacks."""
    if name == "frames":
        from importlib.util import find_spec

        missing = [each for each in ("pandas", "pyarrow") if find_spec(each) is None]
        if missing:
            say(f"frames is left out: {missing[0]} is missing. pip install 'penstock[ml]'")
            return False
    return True


def machine() -> dict[str, Any]:
    """Return what the figures depend on; load: processes that wanted a core, over one minute."""
    import platform

    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
        "load": round(os.getloadavg()[0], 2),
    }
