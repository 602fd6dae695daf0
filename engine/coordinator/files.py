"""DAG files: parsed in a child, registered, watched. User code never runs in this process.

A file that cannot be parsed leaves its last good version in force and its error to be seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from msgspec import Raw

from penstock.authoring.serialized import ParsedFile, SerializedDag, dump
from penstock.errors import PenstockError
from penstock.events.types import DagRegistered, DagRemoved, Event, FileBroken, FileMended
from penstock.lifecycle.plan import plan_of
from penstock.lifecycle.state import State

log = logging.getLogger("penstock.coordinator")

PARSE_SECONDS = 60.0
AT_ONCE = 2

WATCH_MS = 200
"""How often the folder is looked at, and how long a burst of changes is gathered."""


class DagFileError(PenstockError):
    """A DAG file could not be parsed. line: in that file, if it is known."""

    def __init__(self, message: str, file: str, line: int | None = None) -> None:
        super().__init__(message)
        self.file, self.line = file, line


Ask = Callable[[Event], Awaitable[int]]
Parse = Callable[[str, float], Awaitable[ParsedFile]]


class DagFiles:
    """Keeps the log's DAGs as the files have them. known: the DAGs of each file."""

    def __init__(
        self, state: State, ask: Ask, parse: Parse, *, timeout: float = PARSE_SECONDS
    ) -> None:
        self.state, self.ask, self.parse, self.timeout = state, ask, parse, timeout
        self.turns = asyncio.Semaphore(AT_ONCE)
        self.first_parse = asyncio.Event()  # set: an unknown DAG is unknown for good

    async def register(self, file: str) -> list[str]:
        """Parse a file and register its DAGs; return their ids. Raises DagFileError."""
        try:
            async with self.turns:
                found = await self.parse(file, self.timeout)
            if found.error is not None:
                raise DagFileError(found.error.message, file, found.error.line)
            dags = list(found.dags)
            await self.put_in_force(file, dags)
        except DagFileError as error:
            if self.state.broken.get(file) != (str(error), error.line):
                await self.ask(FileBroken(file=file, error=str(error), line=error.line))
            raise
        if file in self.state.broken:
            await self.ask(FileMended(file=file))
        return [dag.dag_id for dag in dags]

    async def put_in_force(self, file: str, dags: list[SerializedDag]) -> None:
        for dag in dags:
            version, text = dump(dag)
            known = self.state.dags.get(dag.dag_id)
            if known is not None and known.plan.dag.file != file and not known.gone:
                raise DagFileError(
                    f"{file}:{dag.line or 1}: DAG {dag.dag_id!r} is defined in "
                    f"{known.plan.dag.file} already. Give one of them another dag_id",
                    file,
                    dag.line,
                )
            if known is None or known.gone or known.plan.version != version:
                self.check(dag, version, text)
                await self.ask(DagRegistered(dag_id=dag.dag_id, version=version, dag=text))
        ids = {dag.dag_id for dag in dags}
        for dag_id in self.dags_of(file) - ids:
            await self.ask(DagRemoved(dag_id=dag_id))

    def check(self, dag: SerializedDag, version: str, text: Raw) -> None:
        """Refuse here what the fold could not take. Raises DagFileError."""
        try:
            plan_of(version, text)
        except Exception as error:  # a bug of ours: one file's, and all else goes on
            log.exception("DAG %s of %s cannot be planned", dag.dag_id, dag.file)
            raise DagFileError(
                f"DAG {dag.dag_id!r} cannot be taken, by a bug of Penstock's own: "
                f"{type(error).__name__}: {error}. Please report it",
                dag.file,
                dag.line,
            ) from error

    async def removed(self, file: str) -> None:
        for dag_id in self.dags_of(file):
            await self.ask(DagRemoved(dag_id=dag_id))
        if file in self.state.broken:
            await self.ask(FileMended(file=file))

    def dags_of(self, file: str) -> set[str]:
        return {
            dag.dag_id
            for dag in self.state.dags.values()
            if dag.plan.dag.file == file and not dag.gone
        }

    # ------------------------------------------------------------ a folder

    async def watch(self, folder: Path) -> None:
        """Register what is in the folder, then what changes in it, until cancelled."""
        # In a thread: 10,000 files take a second, and the leader has other things to do.
        await self.parse_all(await asyncio.to_thread(find_dag_files, folder))
        vanished = {dag.plan.dag.file for dag in self.state.dags.values() if not dag.gone} | set(
            self.state.broken
        )
        for file in vanished:
            if not Path(file).exists():
                await self.removed(file)
        self.first_parse.set()
        async for changed in watched(folder):
            found = await asyncio.to_thread(only_dag_files, changed)
            for file in changed - found:
                await self.removed(file)  # gone, or no DAG file any more
            await self.parse_all(sorted(found))

    async def parse_all(self, files: list[str]) -> None:
        async def one(file: str) -> None:
            try:
                await self.register(file)
            except DagFileError:
                return  # it is in the log, and shown

        async with asyncio.TaskGroup() as group:
            for file in files:
                group.create_task(one(file))


def find_dag_files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*.py") if is_dag_file(path))


def only_dag_files(files: set[str]) -> set[str]:
    return {file for file in files if is_dag_file(Path(file))}


def is_dag_file(path: Path) -> bool:
    """Whether a file looks as if it had a DAG: Airflow's own test, with our name beside its."""
    if path.suffix != ".py" or any(part.startswith((".", "__")) for part in path.parts[1:]):
        return False
    try:
        if not path.is_file():  # a named pipe would be read for ever
            return False
        text = path.read_bytes().lower()
    except OSError:
        return False
    return b"dag" in text and (b"airflow" in text or b"penstock" in text)


async def watched(folder: Path) -> AsyncIterator[set[str]]:
    from watchfiles import awatch  # late: a run of one file watches nothing

    async for changes in awatch(folder, step=WATCH_MS, debounce=WATCH_MS):
        yield {str(Path(path)) for _, path in changes if path.endswith(".py")}
