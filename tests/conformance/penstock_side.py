"""Has Penstock run the DAG files: one `penstock up` on all of them, asked as other services ask.

A client with a key of `penstock access` triggers the runs and hears how they end; what became of
them is then read from the projection.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.events import Client, TriggerRefusedError
from penstock.home import Home
from penstock.store.reading import Reading, UnknownRunError
from tests.cli.shell import Shell
from tests.conformance import expectations
from tests.conformance.expectations import Subject

SECONDS = 120.0
"""To read all files, and then for the runs of each; one that hangs is told as it stands."""

RUN_SECONDS = "10"


def observe(folder: Path, dags: Path, subjects: list[Subject], *, slots: int = 4) -> dict[str, Any]:
    """Run the DAGs of the folder `dags` below `folder`, a new one; say what became of each."""
    shell = Shell(folder)
    shutil.copytree(dags, folder / "dags")
    files = folder / "files"
    files.mkdir()
    shell.environment |= expectations.ENVIRONMENT
    shell.environment |= {"CONFORMANCE_FILES": str(files), "CONFORMANCE_RUN_SECONDS": RUN_SECONDS}
    home = folder / "home"
    with shell.up(home, "--dags", "dags", "--slots", slots, "--drain", 1):
        access = shell.penstock("access", "add", "conformance", "--home", home, "--json").document
        with Reading(Home(home).database) as reading:
            broken = _once_all_are_read(reading, subjects)
            return asyncio.run(_run_all(access, reading, files, subjects, broken))


def _once_all_are_read(reading: Reading, subjects: list[Subject]) -> dict[str, str]:
    """Wait until the daemon has a DAG or an error of every subject; return the errors."""
    until = time.monotonic() + SECONDS
    while True:
        known = {str(row["dag_id"]) for row in reading.rows("dags_in_force")}
        errors = {Path(one["file"]).stem: one["error"] for one in reading.errors()}
        unknown = {one.name: one.file for one in subjects if one.name not in known}
        if errors.keys() >= set(unknown.values()):
            return {name: errors[file] for name, file in unknown.items()}
        assert time.monotonic() < until, f"never read: {sorted(unknown)}"
        time.sleep(0.05)  # a table wakes nobody, and to ask without a pause slows what is awaited


async def _run_all(
    access: dict[str, str],
    reading: Reading,
    files: Path,
    subjects: list[Subject],
    broken: dict[str, str],
) -> dict[str, Any]:
    results: dict[str, Any] = {name: {"error": error} for name, error in broken.items()}
    async with Client.connect(access["url"], nkey_seed=access["nkey_seed"]) as client:
        ends = Ends(client)
        listening = asyncio.create_task(ends.listen())
        courses = [
            Course(client, ends, reading, files, subject)
            for subject in subjects
            if subject.name not in results
        ]
        async with asyncio.TaskGroup() as group:
            for course in courses:
                group.create_task(course.run())
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
    return results | {course.subject.name: course.observed for course in courses}


class Ends:
    """The runs that are over, as the notices tell."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.over: dict[str, list[str]] = {}
        self.changed = asyncio.Condition()

    async def listen(self) -> None:
        async for notice in self.client.notices("event.run.>", after=0):
            data = notice["data"]
            if data["state"] in expectations.ENDED:
                async with self.changed:
                    self.over.setdefault(data["dag_id"], []).append(data["run_id"])
                    self.changed.notify_all()

    async def of(self, dag_id: str, run_id: str | None = None) -> str:
        """Wait for the end of a run, of a DAG's first one without an id; return its id."""
        async with self.changed:
            await self.changed.wait_for(
                lambda: self.over.get(dag_id) and (not run_id or run_id in self.over[dag_id])
            )
        return run_id or self.over[dag_id][0]


class Course:
    """One file on its way: its runs one after the other, then what follows elsewhere."""

    def __init__(
        self, client: Client, ends: Ends, reading: Reading, files: Path, subject: Subject
    ) -> None:
        self.client, self.ends, self.reading = client, ends, reading
        self.files, self.subject = files, subject
        self.observed: dict[str, Any] = {"runs": [], "others": {}, "files": {}}
        self.until = asyncio.get_running_loop().time() + SECONDS

    async def run(self) -> None:
        dag_id = self.subject.name
        for number, given in enumerate(self.subject.given(), 1):
            run_id = expectations.RUN_ID.format(number)
            try:
                await self.client.request_run(
                    dag_id,
                    given.conf,
                    run_id=run_id,
                    logical_date=given.logical_date,
                    timeout=SECONDS,
                )
            except TriggerRefusedError as error:
                self.observed["runs"].append({"refused": str(error)})
            else:
                self.observed["runs"].append(await self.end_of(dag_id, run_id))
        for other in self.subject.others:
            self.observed["others"][other] = await self.end_of(other)
        for name, text in self.subject.files.items():
            self.observed["files"][name] = await self.written(self.files / name, len(text))

    async def end_of(self, dag_id: str, run_id: str | None = None) -> dict[str, Any]:
        """Return what became of a run once it is over, or what there is when the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self.until):
                run_id = await self.ends.of(dag_id, run_id)
                # Notices are sent before what they tell of is projected.
                await self.until_true(
                    lambda: self.reading.run_state(f"{dag_id}/{run_id}") in expectations.ENDED
                )
        return self.document(f"{dag_id}/{run_id}")

    def document(self, key: str) -> dict[str, Any]:
        try:
            found = self.reading.run_document(key)
        except UnknownRunError:
            return {"run": "not begun", "tasks": {}, "xcoms": {}}
        return {
            "run": found["state"],
            "tasks": {
                expectations.name_of(one["task_id"], one["map_index"]): expectations.state_of(
                    one["state"], one["try_number"]
                )
                for one in found["tasks"]
            },
            "xcoms": {
                expectations.name_of(one["task_id"], one["map_index"], one["key"]): one["value"]
                for one in found["xcoms"]
                if expectations.is_compared(one["key"])
            },
        }

    async def written(self, path: Path, size: int) -> str:
        """Return what a file holds once it is as long as expected, or the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self.until):
                await self.until_true(lambda: path.exists() and path.stat().st_size >= size)
        return path.read_text() if path.exists() else ""

    async def until_true(self, true: Callable[[], Any]) -> None:
        while not true():  # noqa: ASYNC110  files and tables wake nobody
            await asyncio.sleep(0.02)
