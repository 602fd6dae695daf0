"""`penstock logs`: what one try of a task wrote, from the stream that keeps it."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from penstock.cli.daemon import Daemon, Place, place_options, with_daemon
from penstock.cli.lines import LinePrinter, stored_chunks
from penstock.cli.output import emit, json_option
from penstock.errors import UsageError

OVER = frozenset(("success", "failed", "skipped", "upstream_failed", "up_for_retry"))
LOOK_SECONDS = 3.0


@click.command("logs")
@click.argument("run")
@click.argument("task")
@click.option("--map-index", type=click.IntRange(min=0), metavar="N", help="Which instance.")
@click.option("--try", "tried", type=click.IntRange(min=1), metavar="N", help="Else the last one.")
@click.option("--follow", "-f", is_flag=True, help="Go on until the try is over.")
@place_options
@json_option
def command(
    place: Place,
    run: str,
    task: str,
    map_index: int | None,
    tried: int | None,
    follow: bool,
    as_json: bool,
) -> None:
    """Print what TASK wrote in RUN: time and text, line by line."""
    if follow and as_json:
        raise UsageError("--follow and --json do not go together: a document has an end.")
    printer = LinePrinter(as_json=as_json)

    async def reading(daemon: Daemon) -> dict[str, Any]:
        found = await daemon.ask_with("runs_show", {"run": run}, patience=2.0)
        one = instance(found, task, map_index)
        number = tried or one["try_number"]
        if number > max(one["try_number"], 1) and not follow:
            had = f"{one['try_number']} so far" if one["try_number"] else "none so far"
            raise UsageError(f"Task {task!r} of run {run} has had no try {number}: {had}.")
        key = f"{found['dag_id']}/{found['run_id']}"
        if follow:
            await _follow(daemon, key, one, number, printer)
        await _print_stored(daemon, key, one, number, printer)
        if not (printer.next or as_json or follow):
            click.echo(f"{task} has written nothing. See: penstock explain {run} {task}", err=True)
        return {
            "dag_id": found["dag_id"],
            "run_id": found["run_id"],
            "task_id": task,
            "map_index": one["map_index"],
            "try_number": number,
            "lines": printer.printed,
        }

    document = with_daemon(place, reading)
    emit(document, as_json, lambda: None)


def instance(found: dict[str, Any], task: str, map_index: int | None) -> dict[str, Any]:
    """Return the task instance that is meant. Raises UsageError."""
    all_of_it = [one for one in found["tasks"] if one["task_id"] == task]
    run = f"{found['dag_id']}/{found['run_id']}"
    if not all_of_it:
        known = ", ".join(dict.fromkeys(one["task_id"] for one in found["tasks"]))
        raise UsageError(f"Run {run} has no task {task!r} (it has: {known}).")
    if map_index is None and (len(all_of_it) > 1 or all_of_it[0]["map_index"] >= 0):
        last = all_of_it[-1]["map_index"]
        raise UsageError(f"Task {task!r} is mapped: say which with --map-index, 0 to {last}.")
    wanted = -1 if map_index is None else map_index
    for one in all_of_it:
        if one["map_index"] == wanted:
            return dict(one)
    is_mapped = all_of_it[0]["map_index"] >= 0
    what = f"map index {wanted}" if is_mapped else "map indexes: it is not mapped"
    raise UsageError(f"Task {task!r} of run {run} has no {what}.")


async def _print_stored(
    daemon: Daemon, run: str, one: dict[str, Any], tried: int, printer: LinePrinter
) -> None:
    from penstock.events.types import Attempt

    subject = daemon.subjects.log_of(Attempt(run, one["task_id"], one["map_index"], tried))
    async for chunk in stored_chunks(daemon, subject):
        printer.print(chunk)


async def _follow(
    daemon: Daemon, run: str, one: dict[str, Any], tried: int, printer: LinePrinter
) -> None:
    """Print lines as they come until the try is over: heard by its notice, looked at besides."""
    from penstock.events.types import Attempt

    attempt = Attempt(run, one["task_id"], one["map_index"], max(tried, 1))

    async def printing() -> None:
        subject = daemon.subjects.log_of(attempt)
        async for chunk in stored_chunks(daemon, subject, follow=True):
            printer.print(chunk)

    task = asyncio.create_task(printing())
    try:
        await _until_over(daemon, attempt)
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _until_over(daemon: Daemon, attempt: Any) -> None:
    import msgspec

    news = asyncio.Event()
    dag_id = attempt.run.split("/", 1)[0]

    def heard(message: Any) -> None:
        data = msgspec.json.decode(message.payload)["data"]
        if data["run_id"] == attempt.run.split("/", 1)[1]:
            news.set()

    subject = daemon.subjects.task_event(dag_id, attempt.task, "*")
    subscription = await daemon.bus.subscribe(subject, heard)
    try:
        while True:
            news.clear()
            found = await daemon.ask("runs_show", run=attempt.run)
            one = instance(found, attempt.task, attempt.index if attempt.index >= 0 else None)
            moved_on = one["try_number"] > attempt.try_number
            if moved_on or one["state"] in OVER or found["ended_at"]:
                return
            try:
                await asyncio.wait_for(news.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue
    finally:
        await subscription.close()
