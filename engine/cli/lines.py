"""A task's log as lines: time, stream, text; each line once, however often its chunk comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.times import format_moment, local_clock

if TYPE_CHECKING:
    from penstock.cli.daemon import Daemon
    from penstock.events.types import Delivery
    from penstock.events.words import LogChunk

SAID_BY_PENSTOCK, STDERR = 0, 2

LOOK_SECONDS = 0.2
"""Between two looks at a log that is followed."""


async def stored_chunks(
    daemon: Daemon, subject: str, *, follow: bool = False
) -> AsyncIterator[LogChunk]:
    """Yield the chunks that are stored under a subject; with `follow`, then those to come.

    Looked for, not heard: what a worker stores crosses into the log's account as a service, and
    nats-server does not export such a message again, as a stream, to ours.
    """
    from penstock.events.words import decode_chunk

    after = 0
    while True:
        async for stored in daemon.bus.replay("LOGS", subject, after=after):
            after = stored.sequence
            yield decode_chunk(stored.payload)
        if not follow:
            return
        await asyncio.sleep(LOOK_SECONDS)


class LinePrinter:
    """Prints chunks as they come. names: each line says which task wrote it.

    A try may have been sent more than once: its worker was lost, or it has waited in between. Where
    another sending's lines begin, a line says so, and which of both it was.
    """

    def __init__(self, *, err: bool = False, names: bool = False, as_json: bool = False) -> None:
        self.err, self.names, self.as_json = err, names, as_json
        self.next: dict[tuple[str, Delivery], int] = {}
        self.current: dict[str, tuple[Delivery, int]] = {}
        self.printed: list[dict[str, Any]] = []

    def print(self, chunk: LogChunk) -> None:
        place = _place(chunk)
        key = (place, chunk.delivery)
        start = max(self.next.get(key, 0), chunk.first)
        fresh = chunk.lines[start - chunk.first :]
        if not fresh:
            return
        self.next[key] = chunk.first + len(chunk.lines)
        before = self.current.get(place)
        phase = chunk.attempt.phase
        self.current[place] = chunk.delivery, phase
        if before is not None and before[0] != chunk.delivery and not self.as_json:
            why = "sent again" if phase == before[1] else "goes on"
            click.secho(f"-- {place}: {why} --", err=self.err, dim=True)
        for line in fresh:
            self._print_line(place, line.at, line.stream, line.text)

    def _print_line(self, place: str, at: int, stream: int, text: str) -> None:
        if self.as_json:
            self.printed.append({"at": format_moment(at), "stream": stream, "text": text})
            return
        name = click.style(place, fg="cyan") + "  " if self.names else ""
        colour = {STDERR: "yellow", SAID_BY_PENSTOCK: "bright_black"}.get(stream)
        clock = click.style(local_clock(at), dim=True)
        click.echo(f"{clock}  {name}{click.style(text, fg=colour)}", err=self.err)


def _place(chunk: LogChunk) -> str:
    attempt = chunk.attempt
    index = "" if attempt.index < 0 else f"[{attempt.index}]"
    tried = "" if attempt.try_number == 1 else f" try {attempt.try_number}"
    return f"{attempt.task}{index}{tried}"
