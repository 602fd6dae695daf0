"""What is seen of a run while it goes: a live picture on a terminal, plain lines elsewhere.

Both go to stderr, so that stdout has the answer alone. A mapped task is one row with counts: ten
thousand instances must not scroll by.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import click

from penstock.cli.output import COLOURS, one_line
from penstock.cli.times import span

if TYPE_CHECKING:
    from rich.console import Group

ROWS = 20
"""Tasks that the live picture shows at most; those that have ended make room first."""

ENDED = ("success", "failed", "skipped", "upstream_failed")
TOLD = (*ENDED, "up_for_retry")
WAITS = {
    "up_for_reschedule": "not there yet, looks again later",
    "deferred": "waits, and holds no slot",
}


class Progress(Protocol):
    """Told the `data` of each notice of one run and of its tasks."""

    def open(self, title: str) -> None: ...
    def heard(self, data: dict[str, Any]) -> None: ...
    def waits(self, sentences: list[str]) -> None: ...
    def close(self) -> None: ...


def say_waits(sentences: list[str]) -> None:
    """Say on stderr what the run waits for, a line each."""
    for sentence in sentences:
        click.echo(sentence, err=True)


class Lines:
    """A line for each end and each retry; of a mapped task's instances only what went wrong.

    That a try waits is said once, however often it looks.
    """

    def __init__(self) -> None:
        self.waiting: set[tuple[str, int]] = set()

    def open(self, title: str) -> None:
        click.echo(f"{title}: started", err=True)

    def heard(self, data: dict[str, Any]) -> None:
        task, state, index = data.get("task_id"), data["state"], data.get("map_index", -1)
        if task is not None and index < 0 and state in WAITS:
            self._say_wait(task, data.get("try_number", 1), WAITS[state])
        if task is None or state not in TOLD or (index >= 0 and state in ("success", "skipped")):
            return
        place = task if index < 0 else f"{task}[{index}]"
        tried = f" (try {data['try_number']})" if data.get("try_number", 1) > 1 else ""
        reason = f": {one_line(data['reason'])}" if data.get("reason") else ""
        click.echo(f"{place}: {state}{tried}{reason}", err=True)

    def _say_wait(self, task: str, try_number: int, words: str) -> None:
        if (task, try_number) not in self.waiting:
            self.waiting.add((task, try_number))
            click.echo(f"{task}: {words}", err=True)

    def waits(self, sentences: list[str]) -> None:
        say_waits(sentences)

    def close(self) -> None:
        return


class Picture:
    """One row a task, redrawn at most ten times a second, gone when the run is over."""

    def __init__(self, tasks: Sequence[str]) -> None:
        self.states: dict[str, dict[int, str]] = {task: {} for task in tasks}
        self.counts: dict[str, Counter[str]] = {task: Counter() for task in tasks}
        self.title, self.since = "", time.monotonic()
        self.waiting: list[str] = []

    def open(self, title: str) -> None:
        from rich.console import Console
        from rich.live import Live

        self.title = title
        self.live = Live(
            console=Console(stderr=True),
            get_renderable=self.draw,
            refresh_per_second=10,
            transient=True,
        )
        self.live.start()

    def heard(self, data: dict[str, Any]) -> None:
        task = data.get("task_id")
        if task is None:
            return
        states = self.states.setdefault(task, {})
        counts = self.counts.setdefault(task, Counter())
        index = data.get("map_index", -1)
        if index in states:
            counts[states[index]] -= 1
        states[index] = data["state"]
        counts[data["state"]] += 1

    def waits(self, sentences: list[str]) -> None:
        self.waiting = sentences

    def close(self) -> None:
        self.live.stop()

    def draw(self) -> Group:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        head = Text(self.title, style="bold")
        head.append(f"  {span(time.monotonic() - self.since)}", style="not bold")
        grid = Table.grid(padding=(0, 2))
        open_first = sorted(self.counts, key=lambda task: self._is_over(task))
        shown = set(open_first[:ROWS])
        for task, counts in self.counts.items():
            if task in shown:
                grid.add_row(Text(task), self._words(counts))
        if len(self.counts) > ROWS:
            grid.add_row(Text(f"and {len(self.counts) - ROWS} more", style="dim"))
        return Group(head, grid, *(Text(line, style="yellow") for line in self.waiting))

    def _is_over(self, task: str) -> bool:
        counts = +self.counts[task]
        return bool(counts) and all(state in ENDED for state in counts)

    @staticmethod
    def _words(counts: Counter[str]) -> Any:
        from rich.text import Text

        many = counts.total() > 1
        text = Text()
        for state, number in (+counts).items():
            word = f"{state} {number}  " if many else state
            text.append(word, style=COLOURS.get(state, ""))
        return text or Text("-", style="dim")


def choose(tasks: Sequence[str], *, as_json: bool, verbose: bool = False) -> Progress | None:
    """Return what fits where stderr goes; None where nobody would read it.

    verbose: the tasks' logs stream to stderr, where a picture would be drawn over them.
    """
    import sys

    if sys.stderr.isatty() and not verbose:
        return Picture(tasks)
    return None if as_json else Lines()
