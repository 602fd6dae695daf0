"""What the tests of this folder share: a pool with an ear, and a leader on a bus in memory."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Raw

from penstock.clock import SystemClock
from penstock.events import questions as q
from penstock.events import types as t
from penstock.events import words as w
from penstock.worker.pool import Answer, Ending, Job, Question
from penstock.worker.process_pool import PoolSettings, ProcessPool

HERE = str(Path(__file__).parent)
_numbers = itertools.count(1)


def job(
    task: str, index: int = -1, conf: dict[str, Any] | None = None, epoch: int = 1, **more: Any
) -> Job:
    """Return a job in a run of its own, whose conf the task's function reads."""
    number = next(_numbers)
    info = w.RunInfo(
        run=f"d/{number}",
        dag_id="d",
        run_id=str(number),
        run_type="manual",
        file="d.py",
        version="1",
        conf=Raw(json.dumps(conf or {}).encode()),
    )
    attempt = t.Attempt(info.run, task, index, 1)
    return Job(w.Work(attempt=attempt, delivery=t.Delivery(epoch, number), **more), info)


class Ear:
    """Listens to a pool, and lets a test wait for what it says."""

    def __init__(self) -> None:
        self.begun: list[t.Delivery] = []
        self.endings: dict[t.Delivery, Ending] = {}
        self.lines: dict[t.Delivery, list[w.LogLine]] = {}
        self.questions: list[Question] = []
        self.replies: Callable[[Question], Answer] = lambda _: q.Refused(why="nobody knows")
        self.changed = asyncio.Event()

    def began(self, delivery: t.Delivery) -> None:
        self.begun.append(delivery)
        self.changed.set()

    def printed(self, delivery: t.Delivery, lines: list[w.LogLine]) -> None:
        self.lines.setdefault(delivery, []).extend(lines)

    def ended(self, delivery: t.Delivery, ending: Ending) -> None:
        assert delivery not in self.endings, "an end is told once"
        self.endings[delivery] = ending
        self.changed.set()

    async def answer(self, question: Question) -> Answer:
        self.questions.append(question)
        return self.replies(question)

    async def hears(self, true: Callable[[], Any]) -> None:
        while not true():
            self.changed.clear()
            await self.changed.wait()

    def text(self, job: Job) -> list[str]:
        return [line.text for line in self.lines.get(job.work.delivery, [])]


class PoolPlay:
    """A real pool with an ear."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        settings = {"kill_grace": 0.3, "entry": "entry", "paths": (HERE,)} | settings
        self.blobs = str(folder / "blobs")
        self.pool = ProcessPool(PoolSettings(blobs=self.blobs, **settings), SystemClock())
        self.ear = Ear()

    async def __aenter__(self) -> PoolPlay:
        await self.pool.start(self.ear)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.close()

    async def run(self, *jobs: Job, lane: int = 0) -> list[Ending]:
        """Run jobs in one lane and return how they ended."""
        self.pool.run(lane, jobs)
        return await self.ends(*jobs)

    async def ends(self, *jobs: Job) -> list[Ending]:
        names = [job.work.delivery for job in jobs]
        await self.ear.hears(lambda: all(name in self.ear.endings for name in names))
        return [self.ear.endings[name] for name in names]


async def appears(file: Path, lines: int = 1) -> list[str]:
    """Wait until a task, in its own process, has written so many lines to a file."""
    while True:
        found = file.read_text().splitlines() if file.exists() else []
        if len(found) >= lines:
            return found
        await asyncio.sleep(0.005)


async def vanishes(pid: int) -> None:
    """Wait until a process is gone (or dead and waiting to be buried)."""
    while True:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        await asyncio.sleep(0.005)


def value_of(ending: Ending) -> Any:
    """Return the JSON value that a job returned."""
    [xcom] = [one for one in ending.xcoms if one.key == "return_value"]
    return json.loads(bytes(xcom.value))
