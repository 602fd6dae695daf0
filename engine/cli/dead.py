"""`penstock dead`: what came in and could not be taken, each with the reason."""

from __future__ import annotations

from collections import deque
from typing import Any

import click

from penstock.cli.daemon import Daemon, Place, place_options, with_daemon
from penstock.cli.output import emit, json_option, table
from penstock.cli.times import format_moment, short

KINDS = ("trigger", "word")


@click.group("dead")
def command() -> None:
    """Look at the dead letters: messages that could not be taken, kept for 30 days."""


@command.command("list")
@click.option("--kind", type=click.Choice(KINDS), help="trigger: other services'; word: workers'.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@place_options
@json_option
def list_(place: Place, kind: str | None, limit: int, as_json: bool) -> None:
    """List the newest dead letters, the oldest of them first: where from, and why not."""

    async def reading(daemon: Daemon) -> list[dict[str, Any]]:
        newest: deque[dict[str, Any]] = deque(maxlen=limit)
        page: dict[str, Any] = {"after": 0, "more": True}
        while page["more"]:
            asked = {"kind": kind, "after": page["after"]}
            page = await daemon.ask_with("dead_list", asked, patience=2.0)
            newest.extend(page["letters"])
        return list(newest)

    found = with_daemon(place, reading)
    for letter in found:
        letter["at"] = format_moment(letter["at"])
    rows = [
        (one["number"], short(one["at"]), one["subject"], one["reason"], shown(one["payload"]))
        for one in found
    ]
    heads = ("number", "at (UTC)", "subject", "why not", "message")
    emit(found, as_json, lambda: table(heads, rows, empty="There are no dead letters."))


def shown(payload: str, most: int = 60) -> str:
    """Return the beginning of a message, on one line."""
    text = " ".join(payload.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."
