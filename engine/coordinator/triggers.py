"""Turns requests for runs into facts, each once, or into a reason why not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from penstock.coordinator.intake import (
    MalformedTriggerError,
    Request,
    TriggerRefusedError,
    check_params,
    check_run_id,
    read_request,
    write_conf,
)
from penstock.coordinator.notices import rfc3339
from penstock.errors import PenstockError
from penstock.events.bus import BusError, FencedError, Message, Pulled
from penstock.events.subjects import SHORTENED, token, untoken
from penstock.events.types import RunTriggered, encode
from penstock.lifecycle.states import RUN_QUEUED

if TYPE_CHECKING:
    from penstock.coordinator.coordinator import Coordinator

FILES_SECONDS = 15.0
"""How long a request for a DAG that is not known yet waits for its file to be read."""

AT_ONCE = 64
"""Published requests that are dealt with side by side, so that they share appends."""

log = logging.getLogger("penstock.coordinator")


class Triggers:
    def __init__(self, coordinator: Coordinator) -> None:
        self.coordinator = coordinator
        self.under_way: dict[str, asyncio.Future[int]] = {}

    # ------------------------------------------------------------ one request

    async def trigger(
        self,
        dag_id: str,
        *,
        conf: dict[str, Any],
        run_id: str | None = None,
        logical_date: int | None = None,
        run_type: str = "manual",
        by: str = "",
        named: bool = True,
    ) -> tuple[str, str]:
        """Return (run key, state) of the run, new or known. Raises TriggerRefusedError.

        named: a run of that id that is there already is a refusal, not the answer.
        """
        one = self.coordinator
        await self.may_come(dag_id)
        dag = one.state.dags.get(dag_id)
        if dag is None or dag.gone:
            raise TriggerRefusedError(self.unknown(dag_id))
        if run_id is not None:
            check_run_id(run_id)
            known = await self.find(f"{dag_id}/{run_id}")
            if known is not None and named:
                raise TriggerRefusedError(
                    f"DAG {dag_id!r} has a run {run_id!r} already, in state {known}"
                )
            if known is not None:
                return f"{dag_id}/{run_id}", known
        text = write_conf(conf)
        check_params(dag.plan.dag, conf)
        one.room.check()
        event = RunTriggered(
            dag_id=dag_id,
            run_id=run_id or await self.make_run_id(dag_id, run_type, logical_date),
            version=dag.plan.version,
            run_type=run_type,
            logical_date=logical_date,
            interval_start=logical_date,
            interval_end=logical_date,
            conf=Raw(text),
            by=by,
        )
        if named and run_id and (event.run in self.under_way or event.run in one.state.runs):
            raise TriggerRefusedError(  # asked for twice at one moment: nothing was awaited since
                f"DAG {dag_id!r} has a run {run_id!r} already: it was asked for a moment ago"
            )
        await self.append(event)
        run = one.state.runs.get(event.run)
        return event.run, RUN_QUEUED if run is None else run.state

    async def append(self, event: RunTriggered) -> None:
        """Append it, or wait for the same request that is on its way."""
        future = self.under_way.get(event.run)
        if future is None:
            future = asyncio.ensure_future(self.coordinator.sequencer.ask(event))
            self.under_way[event.run] = future
            future.add_done_callback(lambda done: self.over(event.run, done))
        await asyncio.shield(future)

    def over(self, run: str, done: asyncio.Future[int]) -> None:
        self.under_way.pop(run, None)
        if not done.cancelled():
            done.exception()  # whoever waited has heard it; it may be that nobody does any more

    async def find(self, key: str) -> str | None:
        """Return the state of a run that is live or finished, None if there is none."""
        one = self.coordinator
        if key in self.under_way:
            await asyncio.shield(self.under_way[key])
        run = one.state.runs.get(key)
        if run is not None:
            return run.state
        # Not live. What left the memory is projected, so the projection knows it.
        return await asyncio.to_thread(one.reading.run_state, key)

    async def may_come(self, dag_id: str) -> None:
        """Let an unknown DAG's file be read for the first time, as far as who asked can wait."""
        if dag_id not in self.coordinator.state.dags:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FILES_SECONDS):
                    await self.coordinator.files.first_parse.wait()

    async def make_run_id(self, dag_id: str, run_type: str, logical_date: int | None) -> str:
        """Return an id that no run of the DAG has or had."""
        now = self.coordinator.clock.now() if logical_date is None else logical_date
        base = name = f"{run_type}__{rfc3339(now).replace('Z', '+00:00')}"
        number = 1
        # While the projection was asked, somebody else may have taken the name.
        while await self.find(f"{dag_id}/{name}") or f"{dag_id}/{name}" in self.under_way:
            number += 1
            name = f"{base}_{number}"
        return name

    def unknown(self, dag_id: str) -> str:
        known = sorted(name for name, dag in self.coordinator.state.dags.items() if not dag.gone)
        shown = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
        return f"there is no DAG {dag_id!r} (known: {shown or 'none'}). See: penstock dags list"

    def named_by(self, subject: str) -> str:
        """Return the DAG id that a subject ends in. One that was too long for it is looked up."""
        said = subject.rpartition(".")[2]
        if SHORTENED not in said:
            return untoken(said)
        known = (dag_id for dag_id in self.coordinator.state.dags if token(dag_id) == said)
        return next(known, untoken(said))

    async def carry_out(self, request: Request) -> tuple[str, str]:
        if request.dag_id not in self.coordinator.state.dags:
            await self.coordinator.files.first_parse.wait()
        if request.named:
            await self.check_asker(f"{request.dag_id}/{request.run_id}", request.by)
        return await self.trigger(
            request.dag_id,
            conf=request.conf,
            run_id=request.run_id,
            logical_date=request.logical_date,
            run_type="manual" if request.named else "event",
            by=request.by,
            named=False,
        )

    async def check_asker(self, key: str, by: str) -> None:
        """Raise TriggerRefusedError if the run is there because somebody else asked for it.

        Else two services that choose the same run id would each take the other's run for theirs.
        """
        if await self.find(key) is None:
            return
        asker = await self.asker(key)
        if asker != by:
            dag_id, _, run_id = key.partition("/")
            raise TriggerRefusedError(
                f"DAG {dag_id!r} has a run {run_id!r} already, which {asker!r} asked for"
            )

    async def asker(self, key: str) -> str:
        """Return who asked for a run that is there."""
        run = self.coordinator.state.runs.get(key)
        if run is not None:
            return run.triggered.by
        found = await asyncio.to_thread(self.coordinator.reading.run, key)
        return str(found["triggered_by"])

    # ------------------------------------------------------------ by request

    def requested(self, message: Message) -> None:
        self.coordinator.hearing.start(self.answer(message))

    async def answer(self, message: Message) -> None:
        dag_id = self.named_by(message.subject)
        try:
            key, state = await self.carry_out(read_request(dag_id, message))
            answer = {"dag_id": dag_id, "run_id": key.partition("/")[2], "state": state}
        except PenstockError as error:
            answer = {"error": str(error)}
        except Exception as error:  # a bug of ours, but no reason to stop leading
            log.exception("a request for a run of %s failed", dag_id)
            answer = {"error": f"a bug of Penstock's own: {type(error).__name__}: {error}"}
        await self.reply(message, self.coordinator.bus.publish(message.reply, encode(answer)))

    async def reply(self, message: Message, sending: Awaitable[None]) -> None:
        try:
            await sending
        except BusError:
            return  # whoever asked will ask again

    # ------------------------------------------------------------ by the stream

    async def run(self) -> None:
        """Take what other services publish, until cancelled."""
        room = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            async for pulled in self.coordinator.bus.pull("TRIGGERS", "triggers"):
                await room.acquire()
                task = group.create_task(self.take(pulled))
                task.add_done_callback(lambda _: room.release())

    async def take(self, pulled: Pulled) -> None:
        """Deal with one published request; it is acked once it is a fact or a dead letter."""
        stored = pulled.stored
        message = Message(stored.subject, stored.payload, "", pulled.headers)
        dag_id = self.named_by(stored.subject)
        try:
            fallback = f"{stored.sequence}\0{stored.payload.decode('utf-8', 'replace')}"
            await self.carry_out(read_request(dag_id, message, fallback))
        except (TriggerRefusedError, MalformedTriggerError) as error:
            reason = str(error)
        except PenstockError as error:
            if not isinstance(error, FencedError):  # then the next leader hears it again
                log.warning("a request for a run of %s comes again: %s", dag_id, error)
            return
        except Exception as error:  # a bug of ours: it would come again, and again
            log.exception("a request for a run of %s failed", dag_id)
            reason = f"a bug of Penstock's own: {type(error).__name__}: {error}"
        else:
            reason = ""
        if reason and not await self.coordinator.hearing.bury("trigger", message, reason):
            return  # it comes again, and is tried again
        try:
            await pulled.ack()
        except BusError:
            return  # it comes again, and is the same run
