"""What the coordinator answers: a table of verbs, each a small function of (coordinator, args).

A question is a request on `api.<verb>` with a JSON object of arguments; the answer is
`{"ok": document}` or `{"error": sentence, "code": 1 or 2}` (2: the question itself was wrong),
deflated when it is large. Verbs that only read stand in `READS`: they need nothing but the
projection, so that the command line answers them too when no daemon runs. Before a read the
coordinator waits until the projection has caught up: an answer is never older than its question.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Awaitable, Callable, Coroutine
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec import Raw

from penstock.authoring.serialized import SerializedDag, dump
from penstock.clock import Clock
from penstock.coordinator import keeping, reads
from penstock.coordinator.keeping import a_name
from penstock.coordinator.reads import (
    Args,
    UnknownThingError,
    find_run,
    unknown_dag,
)
from penstock.errors import PenstockError, UsageError
from penstock.events.bus import Bus, BusError, Message
from penstock.events.subjects import Subjects, untoken
from penstock.events.types import (
    NOT_MAPPED,
    Attempt,
    DagPaused,
    DagRegistered,
    Event,
    PoolSet,
    RunCancelled,
)
from penstock.events.words import decode_chunk
from penstock.lifecycle.state import DagState, State

if TYPE_CHECKING:
    from penstock.store.reading import Reading

__all__ = [
    "HANDLERS",
    "READS",
    "Coordinating",
    "UnknownThingError",
    "answer",
    "find_run",
    "open_api",
    "pack",
    "unpack",
]

LARGE = 256 * 1024
"""Bytes from which an answer is deflated: documents of wide runs repeat themselves a lot."""

PAGE_BYTES = 1024 * 1024
"""About how much of a task's log goes into one answer."""


PATIENCE_SECONDS = 15.0
"""How long a question waits for the projection: less than whoever asks waits for an answer."""


class BehindError(PenstockError):
    """The projection cannot be brought up to date, so it is not read."""


class Coordinating(Protocol):
    """What the handlers need of a coordinator."""

    bus: Bus
    subjects: Subjects
    clock: Clock
    state: State
    reading: Reading

    async def propose(self, event: Event) -> int:
        """Return the sequence of the record that has it, once that is stored and folded."""

    async def trigger(
        self,
        dag_id: str,
        *,
        conf: dict[str, Any],
        run_id: str | None = None,
        logical_date: int | None = None,
        run_type: str = "manual",
        by: str = "",
    ) -> tuple[str, str]:
        """Return (run key, state). Raises TriggerRefusedError with the reason why not."""

    async def caught_up(self, sequence: int | None = None) -> None:
        """Return when the projection has all that is folded now (or that sequence)."""

    async def register(self, file: str) -> list[str]:
        """Parse the file in a child and register its DAGs; return their ids."""

    def resolve_run(self, text: str) -> str:
        """Return the key of the run that `text` names: its key, or a run id that only it has."""

    def explain(self, run: str, task: str | None) -> list[str]: ...
    def stuck(self, run: str) -> list[str]: ...
    def status(self) -> dict[str, Any]: ...


# ---------------------------------------------------------------- DAGs


async def register(coordinator: Coordinating, args: Args) -> Any:
    """Register DAGs: those of a `file`, or `dags` that the asker has had parsed already.

    own: refuse to replace a DAG of another file. Answers {"dag_ids": [...]}.
    """
    if "dags" not in args:
        return {"dag_ids": await coordinator.register(args["file"])}
    dags = [msgspec.convert(dag, SerializedDag) for dag in args["dags"]]
    for dag in dags:
        there = coordinator.state.dags.get(dag.dag_id)
        if there and not there.gone and there.plan.dag.file != dag.file:
            raise UsageError(
                f"DAG {dag.dag_id!r} of {dag.file} has the id of one that is registered from "
                f"{there.plan.dag.file}. Rename one of them, or use another --home."
            )
    for dag in dags:
        version, text = dump(dag)
        there = coordinator.state.dags.get(dag.dag_id)
        if there is None or there.gone or there.plan.version != version:
            paused = True if args.get("paused") else None
            await coordinator.propose(
                DagRegistered(dag_id=dag.dag_id, version=version, dag=Raw(text), paused=paused)
            )
    return {"dag_ids": [dag.dag_id for dag in dags]}


async def dags_pause(coordinator: Coordinating, args: Args) -> Any:
    dag = the_dag(coordinator, args["dag_id"])
    paused = bool(args["paused"])
    if dag.paused != paused:
        await coordinator.propose(
            DagPaused(dag_id=dag.dag_id, paused=paused, by=str(args.get("by", "")))
        )
    return {"dag_id": dag.dag_id, "paused": paused}


async def dags_next(coordinator: Coordinating, args: Args) -> Any:
    """Answer the next `count` ticks of a DAG's schedule as if it were not paused."""
    from penstock.authoring.timetables import describe, upcoming  # late: the CLI imports us too
    from penstock.coordinator.notices import rfc3339

    dag = the_dag(coordinator, args["dag_id"])
    schedule = dag.plan.dag.schedule
    ticks = upcoming(schedule, dag.last_tick, coordinator.clock.now(), since=dag.since)
    return {
        "dag_id": dag.dag_id,
        "schedule": describe(schedule),
        "paused": dag.paused,
        "next": [
            {name: rfc3339(at) for name, at in tick._asdict().items()}
            for tick in islice(ticks, int(args.get("count", 1)))
        ],
    }


def the_dag(coordinator: Coordinating, dag_id: str) -> DagState:
    dag = coordinator.state.dags.get(dag_id)
    if dag is None:
        raise unknown_dag(dag_id, list(coordinator.state.dags))
    return dag


# ---------------------------------------------------------------- runs


async def trigger(coordinator: Coordinating, args: Args) -> Any:
    run, state = await coordinator.trigger(
        args["dag_id"],
        conf=args.get("conf") or {},
        run_id=args.get("run_id"),
        logical_date=args.get("logical_date"),
        by=str(args.get("by", "")),
    )
    dag_id, run_id = run.split("/", 1)
    return {"dag_id": dag_id, "run_id": run_id, "state": state}


async def runs_cancel(coordinator: Coordinating, args: Args) -> Any:
    run = coordinator.resolve_run(args["run"])
    if run in coordinator.state.runs:
        await coordinator.propose(RunCancelled(run=run, by=str(args.get("by", ""))))
    return await read(coordinator, "runs_show", {"run": run})


async def explain(coordinator: Coordinating, args: Args) -> Any:
    run = await asyncio.to_thread(coordinator.resolve_run, args["run"])
    task = args.get("task")
    if run not in coordinator.state.runs:
        return await read(coordinator, "explain", {"run": run, "task": task})
    return {"run": run, "task_id": task, "reasons": coordinator.explain(run, task)}


async def live_state(coordinator: Coordinating, args: Args) -> Any:
    """Answer the run's state, and what it waits for if nothing of it runs."""
    run = coordinator.state.runs.get(args["run"])
    if run is None:
        return await read(coordinator, "runs_state", args)
    return {"run": run.key, "state": run.state, "waits": coordinator.stuck(run.key)}


async def logs(coordinator: Coordinating, args: Args) -> Any:
    """Answer a page of a try's log: chunks in order, and `after`, the cursor of the next page."""
    run = coordinator.resolve_run(args["run"])
    index, tried = int(args.get("map_index", NOT_MAPPED)), int(args["try"])
    subject = coordinator.subjects.log_of(Attempt(run, args["task"], index, tried))
    chunks: list[Any] = []
    size, after = 0, int(args.get("after", 0))
    async for stored in coordinator.bus.replay("LOGS", subject, after=after):
        chunk = decode_chunk(stored.payload)
        chunks.append({"delivery": chunk.delivery, "first": chunk.first, "lines": chunk.lines})
        after, size = stored.sequence, size + len(stored.payload)
        if size >= PAGE_BYTES:
            break
    return {"run": run, "chunks": chunks, "after": after, "more": size >= PAGE_BYTES}


async def dead_list(coordinator: Coordinating, args: Args) -> Any:
    """Answer a page of the dead letters: the oldest first, and `after`, the next page's cursor."""
    subject = coordinator.subjects.dead
    if args.get("kind"):
        subject = coordinator.subjects.dead_letter(str(args["kind"]))
    letters: list[Any] = []
    size, after = 0, int(args.get("after", 0))
    async for stored in coordinator.bus.replay("DEAD", subject, after=after):
        kind = untoken(stored.subject.rpartition(".")[2])
        letter = msgspec.json.decode(stored.payload, type=dict[str, Any])
        letters.append({"number": stored.sequence, "kind": kind, **letter})
        after, size = stored.sequence, size + len(stored.payload)
        if size >= PAGE_BYTES:
            break
    return {"letters": letters, "after": after, "more": size >= PAGE_BYTES}


async def status(coordinator: Coordinating, args: Args) -> Any:
    return coordinator.status()


# ---------------------------------------------------------------- pools


async def pool_set(coordinator: Coordinating, args: Args) -> Any:
    name, slots = a_name("pool", args["name"]), int(args["slots"])
    if slots < -1:
        raise UsageError(f"A pool has a number of slots, or -1 for no limit; not {slots}.")
    await coordinator.propose(PoolSet(name=name, slots=slots, by=str(args.get("by", ""))))
    return {"name": name, "slots": slots}


async def pool_delete(coordinator: Coordinating, args: Args) -> Any:
    name = str(args["name"])
    if name == "default_pool":
        raise UsageError("The pool `default_pool` cannot be deleted; it can be resized.")
    if name not in coordinator.state.pools:
        known = ", ".join(sorted(coordinator.state.pools))
        raise UnknownThingError(f"There is no pool {name!r} (known: {known}).")
    await coordinator.propose(PoolSet(name=name, slots=None, by=str(args.get("by", ""))))
    return {"name": name, "deleted": True}


# ---------------------------------------------------------------- the table and its use

HANDLERS: dict[str, Callable[[Any, Args], Awaitable[Any]]] = {
    "register": register,
    "dags_pause": dags_pause,
    "dags_next": dags_next,
    "trigger": trigger,
    "runs_cancel": runs_cancel,
    "runs_state": live_state,
    "explain": explain,
    "logs": logs,
    "dead_list": dead_list,
    "status": status,
    "pool_set": pool_set,
    "pool_delete": pool_delete,
    **keeping.CHANGES,
}

READS = reads.READS | keeping.READS


async def read(coordinator: Coordinating, verb: str, args: Args) -> Any:
    """Answer from the projection, once it has all that was folded when the question came."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await coordinator.caught_up(args.get("wait_seq"))
    except TimeoutError:
        why = coordinator.status().get("trouble") or "it is busy"
        raise BehindError(f"The answer would not be up to date, so there is none: {why}") from None
    return await asyncio.to_thread(READS[verb], coordinator.reading, args)


async def answer(coordinator: Coordinating, verb: str, payload: bytes) -> bytes:
    """Return the answer's bytes. Never raises but for cancellation."""
    try:
        args = msgspec.json.decode(payload or b"{}", type=dict[str, Any])
        if verb in HANDLERS:
            document = await HANDLERS[verb](coordinator, args)
        elif verb in READS:
            document = await read(coordinator, verb, args)
        else:
            raise UsageError(f"The coordinator has no verb {verb!r}: is it of another version?")
        return pack({"ok": document})
    except PenstockError as error:
        return pack({"error": str(error), "code": 2 if isinstance(error, UsageError) else 1})
    except (msgspec.MsgspecError, KeyError, ValueError, TypeError) as error:
        what = f"{type(error).__name__}: {error}"
        return pack(
            {"error": f"{verb}: the arguments are not as they should be: {what}", "code": 2}
        )
    except Exception as error:
        return pack({"error": f"{verb}: {type(error).__name__}: {error}", "code": 1})


async def open_api(
    coordinator: Coordinating, start: Callable[[Coroutine[Any, Any, None]], Any]
) -> None:
    """Answer `api.*` from now on. start: runs a coroutine in the coordinator's task group."""

    async def reply(verb: str, payload: bytes, to: str) -> None:
        with contextlib.suppress(BusError):  # whoever asked asks again
            await coordinator.bus.publish(to, await answer(coordinator, verb, payload))

    def heard(message: Message) -> None:
        verb = untoken(message.subject.rpartition(".")[2])
        start(reply(verb, message.payload, message.reply))

    await coordinator.bus.subscribe(coordinator.subjects.all_api, heard)


def pack(document: Any) -> bytes:
    """Return the document as it goes over the wire."""
    text = msgspec.json.encode(document)
    return zlib.compress(text, 1) if len(text) > LARGE else text


def unpack(payload: bytes) -> Any:
    """Return what `pack` was given, as plain JSON."""
    text = payload if payload[:1] == b"{" else zlib.decompress(payload)
    return msgspec.json.decode(text)
