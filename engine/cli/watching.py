"""Waiting for a run to end by hearing of it: its notices, not a clock.

Notices are words here, and a word can get lost when the connection breaks; so after a silence the
coordinator is asked. It says too what the run waits for if nothing of it runs, and that is passed
on to who watches. Subscribe first, trigger then: nothing that matters can come in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from penstock.cli.daemon import Daemon, DaemonError
from penstock.events.types import Attempt

if TYPE_CHECKING:
    from penstock.events.bus import Message, Subscription

SILENCE = 3.0
"""Seconds without any notice of the run after which the coordinator is asked how it is."""

MOST_WAITS = 5
"""So many of the things that a run waits for are said; the rest is counted."""

ENDS = frozenset(("success", "failed", "quarantined"))

Listener = Callable[[dict[str, Any]], None]
Teller = Callable[[list[str]], None]


class Watch:
    """`async with Watch(daemon, dag_id) as watch:`, trigger, then `await watch.until_over(run)`.

    listen: told the `data` of each notice of the run and its tasks; None: the run's own are enough.
    tell: told, whenever it changes, what the run waits for while nothing of it runs (sentences).
    """

    def __init__(
        self, daemon: Daemon, dag_id: str, listen: Listener | None = None, *, tell: Teller
    ) -> None:
        self.daemon, self.dag_id, self.listen, self.tell = daemon, dag_id, listen, tell
        self._waits: list[str] = []
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._subscriptions: list[Subscription] = []

    async def __aenter__(self) -> Watch:
        subjects = self.daemon.subjects
        wanted = [subjects.run_event(self.dag_id, "*")]
        if self.listen is not None:
            wanted.append(subjects.task_event(self.dag_id, "any", "any").rsplit(".", 2)[0] + ".>")
        for subject in wanted:
            self._subscriptions.append(await self.daemon.bus.subscribe(subject, self._hear))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        for subscription in self._subscriptions:
            await subscription.close()

    async def until_over(self, run_id: str) -> str:
        """Return the state in which the run ended."""
        loop = asyncio.get_running_loop()
        look = loop.time() + SILENCE
        while True:
            try:
                async with asyncio.timeout_at(look):
                    data = await self._heard.get()
            except TimeoutError:
                state = await self._ask(run_id)
                if state in ENDS:
                    return state
                look = loop.time() + SILENCE
                continue
            if data.get("run_id") != run_id:
                continue  # another run's: this one is silent all the same
            look = loop.time() + SILENCE
            self._say([])
            if self.listen is not None:
                self.listen(data)
            if "task_id" not in data and data["state"] in ENDS:
                return str(data["state"])

    def _hear(self, message: Message) -> None:
        import msgspec

        notice = msgspec.json.decode(message.payload)
        self._heard.put_nowait(notice["data"])

    async def _ask(self, run_id: str) -> str:
        """Ask for the run's state; "" while nobody can say, which is not yet our failure."""
        try:
            found = await self.daemon.ask("runs_state", run=f"{self.dag_id}/{run_id}")
        except DaemonError:
            return ""
        self._say(found.get("waits", []))
        return str(found["state"])

    def _say(self, waits: list[str]) -> None:
        if waits == self._waits:
            return
        self._waits = waits
        more = [f"and {len(waits) - MOST_WAITS} more"] if waits[MOST_WAITS:] else []
        self.tell(waits[:MOST_WAITS] + more)


@asynccontextmanager
async def stream_logs(daemon: Daemon, run: str) -> AsyncIterator[None]:
    """Print what the run's tasks write to stderr, from the first line on, while the block runs."""
    from penstock.cli.lines import LinePrinter, stored_chunks

    printer = LinePrinter(err=True, names=True)
    any_task = daemon.subjects.log_of(Attempt(run, "any"))
    subject = any_task.rsplit(".", 3)[0] + ".>"

    async def printing() -> None:
        async for chunk in stored_chunks(daemon, subject, follow=True):
            printer.print(chunk)

    task = asyncio.create_task(printing())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
    # The last lines were stored before the outcome was, but may not have been looked at yet.
    async for chunk in stored_chunks(daemon, subject):
        printer.print(chunk)
