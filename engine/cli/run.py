"""`penstock run`: one run to its end, on a stack of its own or on the daemon of the state folder.

Everything starts at once: NATS, the coordinator, the worker, and the parsing of the file, which is
done in a child as everywhere. What is wrong with the file or the command is said without waiting
for the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from penstock.cli.asking import read_conf, read_logical_date, request_options
from penstock.cli.daemon import Daemon, Place, open_reading, reach
from penstock.cli.interrupts import interruptible
from penstock.cli.output import emit, json_option
from penstock.cli.sizes import memory_option
from penstock.errors import PenstockError, UsageError
from penstock.home import Home

if TYPE_CHECKING:
    from penstock.authoring.serialized import SerializedDag
    from penstock.coordinator.parsing import Answering
    from penstock.supervisor.stack import Stack

T = TypeVar("T")

DRAIN_SECONDS = 1.0
"""How long a role may take to end: the run is over, or was cancelled, so nothing is waited for."""

CANCEL_SECONDS = 2.0
"""How long an interrupted run may take to say in the log that it was cancelled."""

START_SECONDS = 60.0
"""How long the coordinator may take to answer for the first time."""


class BrokenFileError(PenstockError):
    """The DAG file cannot be read, or holds no DAG. line: in `file`, if it is known."""

    def __init__(self, file: str, line: int | None, message: str) -> None:
        super().__init__(f"{file}{f':{line}' if line else ''}: {message}")
        self.file, self.line = file, line


class RunRequest(Struct, kw_only=True):
    """What was asked for on the command line."""

    file: Path
    dag_id: str | None
    conf: dict[str, Any]
    logical_date: int | None
    run_id: str | None
    slots: int
    memory_limit: int
    xcoms: bool
    verbose: bool
    as_json: bool


@click.command("run")
@click.argument("target", metavar="FILE[::DAG_ID]")
@request_options
@click.option("--home", metavar="DIR", help="Keep the state here; else it is temporary.")
@click.option("--slots", type=click.IntRange(1, 4096), help="Tasks at once; else the CPUs.")
@memory_option
@click.option("--xcoms", is_flag=True, help="Print the XComs, too.")
@click.option("-v", "--verbose", is_flag=True, help="Stream the tasks' logs to stderr.")
@json_option
def command(
    target: str,
    conf: str | None,
    params: tuple[str, ...],
    logical_date: str | None,
    run_id: str | None,
    home: str | None,
    slots: int | None,
    memory_limit: int,
    xcoms: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Run one DAG of FILE to its end. Exit code 0: it succeeded, 1: it failed, 2: wrong use.

    Without --home nothing is left behind. On the state folder of a running daemon the DAG is
    registered there, paused, and the run is that daemon's.
    """
    import time

    name, separator, dag_id = target.rpartition("::")
    request = RunRequest(
        file=existing_file(name if separator else target),
        dag_id=dag_id if separator else None,
        conf=read_conf(conf, params),
        logical_date=read_logical_date(logical_date, default=time.time_ns() // 1000),
        run_id=run_id,
        slots=slots or os.cpu_count() or 1,
        memory_limit=memory_limit,
        xcoms=xcoms,
        verbose=verbose,
        as_json=as_json,
    )
    document = interruptible(carry_out(request, Home(home) if home else None))

    def show() -> None:
        from penstock.cli.report import print_run

        print_run(document)

    emit(document, as_json, show)
    if document["state"] != "success":
        click.get_current_context().exit(1)


def existing_file(name: str) -> Path:
    """Return the absolute path of a DAG file. Raises UsageError if it is none."""
    path = Path(name).absolute()
    if not path.exists():
        raise UsageError(f"{name}: there is no such file.")
    if not path.is_file():
        raise UsageError(f"{name} is no file. Name the Python file that has the DAG.")
    return path


async def carry_out(request: RunRequest, home: Home | None) -> dict[str, Any]:
    """Return the document of the run, once it is over."""
    if home is not None and _is_running(home):
        dags = await parse(request.file, home)
        url, seed = Place(home).key()
        async with reach(url, seed) as daemon:
            return await run_on(daemon, request, dags, home)
    async with temporary(home) as folder:
        return await run_embedded(request, folder)


def _is_running(home: Home) -> bool:
    from penstock.events.lock import holder

    return holder(home.folder) is not None


@contextlib.asynccontextmanager
async def temporary(home: Home | None) -> AsyncIterator[Home]:
    """Give the folder of the state: the one named, or one that is gone afterwards."""
    if home is not None:
        yield home
        return
    folder = tempfile.mkdtemp(prefix="penstock-")
    try:
        yield Home(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def run_embedded(request: RunRequest, home: Home) -> dict[str, Any]:
    from penstock.supervisor.stack import Stack, StackSettings

    parsing = asyncio.create_task(parse(request.file, home))
    settings = StackSettings(
        slots=request.slots, memory_limit=request.memory_limit, schedules=False
    )
    stack = Stack(home, settings, report=lambda it: click.echo(f"penstock: {it}", err=True))
    try:
        await stack.start()
        return await _run_in(stack, request, parsing)
    finally:
        parsing.cancel()
        await stack.drain(patience=DRAIN_SECONDS)


async def _run_in(
    stack: Stack, request: RunRequest, parsing: Awaitable[list[SerializedDag]]
) -> dict[str, Any]:
    async def connect_and_run() -> dict[str, Any]:
        dags = await parsing
        credentials = await stack.credentials()
        async with reach(credentials.url, credentials.admin) as daemon:
            return await run_on(daemon, request, dags, stack.home)

    return await stack.unless_broken(connect_and_run())


def answers_of(home: Home | None) -> Answering | None:
    """Return what answers from the folder's database, None if there is none yet."""
    from penstock.coordinator.keeping import answer_kept

    if home is None or not home.database.exists():
        return None
    try:
        one = open_reading(home)
    except PenstockError:  # of an earlier version: the coordinator is about to see to it
        return None
    return lambda question: answer_kept(one.vault, one.variables(), one.connections(), question)


async def parse(file: Path, home: Home | None = None) -> list[SerializedDag]:
    """Parse the file in a child. Raises BrokenFileError.

    home: where the variables and connections are that it looks up at its top level.
    """
    from penstock.coordinator.parsing import LIMIT, parse_file

    parsed = await parse_file(str(file), parse_limit(LIMIT), answers_of(home))
    if parsed.error is not None:
        raise BrokenFileError(parsed.error.file, parsed.error.line, parsed.error.message)
    if not parsed.dags:
        raise BrokenFileError(str(file), None, "there is no DAG in this file, at its top level.")
    return list(parsed.dags)


def parse_limit(default: float) -> float:
    """Return the seconds that reading a DAG file may take: PENSTOCK_PARSE_SECONDS, or `default`."""
    named = os.environ.get("PENSTOCK_PARSE_SECONDS")
    try:
        return float(named) if named else default
    except ValueError:
        raise UsageError(f"PENSTOCK_PARSE_SECONDS is {named!r}: give it seconds.") from None


def choose(file: str, dag_id: str | None, dags: Mapping[str, T]) -> T:
    """Return the DAG of a file that is meant, its only one if no id is said. Raises UsageError."""
    ids = ", ".join(dags)
    if dag_id is not None:
        if dag_id not in dags:
            raise UsageError(f"{file} has no DAG {dag_id!r} (it has: {ids}).")
        return dags[dag_id]
    if len(dags) > 1:
        raise UsageError(f"{file} has {len(dags)} DAGs: say which one, as FILE::DAG_ID ({ids}).")
    return next(iter(dags.values()))


async def run_on(
    daemon: Daemon, request: RunRequest, dags: list[SerializedDag], home: Home
) -> dict[str, Any]:
    """Register, trigger, hear of the end, and return the document of the run."""
    import msgspec

    from penstock.cli.progress import choose as choose_progress
    from penstock.cli.progress import say_waits
    from penstock.cli.watching import Watch, stream_logs

    dag = choose(str(request.file), request.dag_id, {dag.dag_id: dag for dag in dags})
    for warning in dag.warnings:
        click.echo(f"penstock: warning: {warning}", err=True)
    names = [task.task_id for task in dag.tasks]
    progress = choose_progress(names, as_json=request.as_json, verbose=request.verbose)
    registration = {"dags": [msgspec.to_builtins(dag)], "paused": True}
    await daemon.ask_with("register", registration, patience=START_SECONDS)
    listen, tell = (progress.heard, progress.waits) if progress else (None, say_waits)

    def tell_where(waits: list[str]) -> None:
        tell([*waits, f"Other commands find this run with --home {home}"] if waits else [])

    async with Watch(daemon, dag.dag_id, listen, tell=tell_where) as watch:
        begun = await daemon.ask(
            "trigger",
            dag_id=dag.dag_id,
            conf=request.conf,
            run_id=request.run_id,
            logical_date=request.logical_date,
            by="penstock run",
        )
        key = f"{dag.dag_id}/{begun['run_id']}"
        async with contextlib.AsyncExitStack() as meanwhile:
            if request.verbose:
                await meanwhile.enter_async_context(stream_logs(daemon, key))
            if progress:
                progress.open(key)
                meanwhile.callback(progress.close)
            try:
                await watch.until_over(begun["run_id"])
            except asyncio.CancelledError:
                await cancel(daemon, key)
                raise
    found = await daemon.ask("runs_show", run=key, xcoms=request.xcoms)
    assert isinstance(found, dict)
    return found


async def cancel(daemon: Daemon, run: str) -> None:
    """Say in the log that nobody wants the run any more: a kept folder would go on with it."""
    with contextlib.suppress(PenstockError, TimeoutError):
        async with asyncio.timeout(CANCEL_SECONDS):
            await daemon.ask("runs_cancel", run=run, by="penstock run, interrupted")
