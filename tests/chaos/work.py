"""The work that goes on while processes are killed, and what must have come of it.

Two DAGs of 60 mapped tasks: one of tasks that take a slot each, one of tasks so short that they
ride in batches. Every fifth task fails its first try. Beside them stand a few `exclusive` ones. A
task's life is a line at its beginning and one at its end, in a file outside the state folder: the
only witness that does not depend on what is being tried.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

WIDTH = 60
FAILING = 5
ALONE = 3
DAGS = ("long", "short")

SOURCE = """
    import contextlib
    import fcntl
    import json
    import os
    import time
    from datetime import timedelta

    from penstock import DAG, get_current_context, task

    LINES = {lines!r}
    LOCKS = {locks!r}


    @contextlib.contextmanager
    def witnessed():
        ti = get_current_context()["ti"]
        place = [ti.dag_id, ti.run_id, ti.task_id, ti.map_index]

        def say(what):
            line = [what, *place, ti.try_number, os.getpid(), time.time()]
            with open(LINES, "ab", buffering=0) as file:
                file.write(json.dumps(line).encode() + b"\\n")

        # A lock of the kernel's: it goes with the process, however that ends.
        with open(os.path.join(LOCKS, "-".join(map(str, place))), "wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("twice")
            say("begin")
            yield ti.try_number
            say("end")


    def work(number, seconds):
        with witnessed() as try_number:
            time.sleep(seconds)
            if number % {failing} == 0 and try_number == 1:
                raise RuntimeError("the first try of every fifth task fails")
        return number


    for dag_id, seconds in (("long", 0.06), ("short", 0.002)):
        with DAG(dag_id, schedule=None, max_active_tasks=100):

            @task(retries=1, retry_delay=timedelta(seconds=0.2))
            def each(number, seconds):
                return work(number, seconds + number % 7 * seconds / 4)

            @task(exclusive=True)
            def alone(number):
                with witnessed():
                    time.sleep(0.2)

            @task
            def total(numbers):
                with witnessed():
                    return sum(numbers)

            total(each.partial(seconds=seconds).expand(number=list(range({width}))))
            alone.expand(number=list(range({alone})))
"""


class Line(NamedTuple):
    """What a task wrote. what: begin, end, or twice (another process had it at that moment).

    at: seconds since 1970.
    """

    what: str
    dag_id: str
    run_id: str
    task: str
    index: int
    try_number: int
    pid: int
    at: float

    @property
    def place(self) -> str:
        return f"{self.dag_id}/{self.run_id} {self.task}[{self.index}]"


def write_dags(folder: Path) -> Path:
    """Write the DAG file into `folder`/dags; return the file that its tasks append lines to."""
    lines, locks, dags = folder / "lines", folder / "locks", folder / "dags"
    locks.mkdir()
    dags.mkdir()
    lines.touch()
    text = SOURCE.format(
        lines=str(lines), locks=str(locks), failing=FAILING, width=WIDTH, alone=ALONE
    )
    (dags / "chaos.py").write_text(textwrap.dedent(text))
    return lines


def read_lines(path: Path) -> list[Line]:
    """Return the lines in the order in which they were written."""
    # A process that is killed in a write leaves nothing of the line: it is one write to a file.
    return [Line(*json.loads(text)) for text in path.read_text().splitlines()]


def expected_tries() -> dict[tuple[str, int], int]:
    """Return by (task, map index) the try that succeeds, with and without kills."""
    tries = {("each", number): 2 if number % FAILING == 0 else 1 for number in range(WIDTH)}
    return tries | {("alone", number): 1 for number in range(ALONE)} | {("total", -1): 1}


def misbehaved(lines: list[Line]) -> Iterator[str]:
    """Yield what the lines say against the promise, a sentence each."""
    newest: dict[str, Line] = {}
    ended: dict[str, Line] = {}
    for line in lines:
        before = newest.get(line.place)
        if before is not None and line.try_number < before.try_number:
            yield f"{line.place}: try {line.try_number} ran ({line.what}) after {before}"
        if before is None or line.try_number > before.try_number:
            newest[line.place] = line
        if line.what == "twice" and line.task == "alone":
            yield f"{line.place}: it is exclusive, and ran in two places: {line}"
        if line.what == "end":
            ended[line.place] = line
    for place, tries in {line.place: line.try_number for line in lines}.items():
        if place not in ended:
            yield f"{place}: try {tries} was the last to begin, and none ever ended"
