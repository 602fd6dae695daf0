"""Answers: to workers, who need XComs and variables; to people, who need to know why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.coordinator.api import UnknownThingError, find_run
from penstock.coordinator.keeping import (
    a_name,
    answer_kept,
    seal_variable,
)
from penstock.coordinator.other_runs import OtherRuns
from penstock.errors import PenstockError
from penstock.events.bus import BusError, Message
from penstock.events.questions import (
    Answer,
    AskLastSuccess,
    AskStates,
    AskTrigger,
    AskXcoms,
    Changed,
    ChangeVariable,
    FoundXcom,
    Question,
    Refused,
    RunFound,
    XcomsFound,
    decode_question,
)
from penstock.events.types import NOT_MAPPED, Attempt, VariableSet, encode
from penstock.lifecycle.explain import explain, stuck

if TYPE_CHECKING:
    from penstock.coordinator.coordinator import Coordinator


class Questions:
    def __init__(self, coordinator: Coordinator) -> None:
        self.coordinator = coordinator
        self.other_runs = OtherRuns(coordinator)

    # ------------------------------------------------------------ workers

    def asked(self, message: Message) -> None:
        self.coordinator.hearing.start(self.reply(message))

    async def reply(self, message: Message) -> None:
        try:
            question = decode_question(message.payload)
            if question.epoch > self.coordinator.sequencer.epoch:
                self.coordinator.sequencer.doubt(known=question.epoch)
                return  # the leader that sent the attempt answers; we are none any more
            answer = await self.answer(question)
        except (PenstockError, msgspec.MsgspecError) as error:
            answer = Refused(why=str(error))
        try:
            await self.coordinator.bus.publish(message.reply, encode(answer))
        except BusError:
            return  # the worker asks again

    async def answer(self, question: Question) -> Answer:
        if isinstance(question, AskXcoms):
            return await self.xcoms(question)
        if isinstance(question, AskLastSuccess):
            await self.coordinator.caught_up()
            found = await asyncio.to_thread(self.coordinator.reading.last_success, question.run)
            return RunFound(run=found)
        if isinstance(question, ChangeVariable):
            return await self.change_variable(question)
        if isinstance(question, AskTrigger):
            return await self.other_runs.trigger(question)
        if isinstance(question, AskStates):
            return await self.other_runs.states(question)
        one = self.coordinator
        kept = one.state.variables, one.state.connections
        return answer_kept(one.reading.vault, *kept, question)

    async def change_variable(self, asked: ChangeVariable) -> Changed:
        """Set or delete a variable for a task. Deleting what is not there is no error."""
        one, key, kept = self.coordinator, asked.key, None
        if asked.value is not None:
            key = a_name("variable", asked.key)
            kept = seal_variable(one.reading.vault, key, asked.value, asked.description)
        if kept is not None or key in one.state.variables:
            await one.propose(VariableSet(key=key, value=kept, by="a task"))
        return Changed()

    async def xcoms(self, question: AskXcoms) -> XcomsFound:
        """Answer from what is kept of live runs, else from the projection once it has caught up."""
        one = self.coordinator
        run = one.state.runs.get(question.run)
        mapped: tuple[str, ...] = ()
        if run is not None:
            mapped = tuple(
                task
                for task in question.tasks
                if (record := run.record(task)) is not None and record.length is not None
            )
        is_plain = question.key == "return_value" and question.indexes is None and not mapped
        kept = [one.maker.kept(question.run, task) for task in question.tasks] if is_plain else []
        if kept and all(kept):
            found = tuple(
                FoundXcom(task, NOT_MAPPED, xcom)
                for task, xcom in zip(question.tasks, kept, strict=True)
                if xcom is not None
            )
            return XcomsFound(found=found)
        await one.caught_up()
        rows = await asyncio.to_thread(
            one.reading.xcoms, question.run, question.tasks, question.key, question.indexes
        )
        return XcomsFound(found=tuple(rows), mapped=mapped)

    # ------------------------------------------------------------ people

    def resolve_run(self, text: str) -> str:
        """Return a run's key. Raises UnknownThingError."""
        runs = self.coordinator.state.runs
        if text in runs:
            return text
        live = [key for key in runs if key.partition("/")[2] == text]
        if len(live) == 1:
            return live[0]
        if len(live) > 1:
            raise UnknownThingError(
                f"{len(live)} runs are called {text!r}: say which ({', '.join(sorted(live)[:5])})"
            )
        return find_run(self.coordinator.reading, text)

    def explain(self, run: str, task: str | None) -> list[str]:
        return explain(self.coordinator.state, run, task, why_queued=self.why_queued)

    def stuck(self, run: str) -> list[str]:
        return stuck(self.coordinator.state, run, why_queued=self.why_queued)

    def why_queued(self, run: str, task: str, index: int) -> str:
        one = self.coordinator
        record = one.state.runs[run].record(task)
        place = None if record is None else record.place(index)
        if record is None or place is None:
            return "it is not known"
        attempt = Attempt(run, task, index, record.tries[place], record.phase(place))
        holding = one.dispatcher.by_attempt.get(attempt)
        if holding is not None:
            return f"was sent to worker {holding.link.worker}, which has not said that it began"
        if not one.dispatcher.epoch:
            return "waits for the coordinator that was just elected to take over"
        waits = one.dispatcher.queue.why(attempt)
        if waits is None and one.dispatcher.unheard:
            names = ", ".join(sorted(one.dispatcher.unheard))
            return f"may be out already: worker {names} has not answered the new leader's roll call"
        if waits is None:
            return "is about to be sent"
        if not one.dispatcher.links:
            return f"{waits}; no worker is there at all"
        return waits

    def status(self) -> dict[str, Any]:
        one = self.coordinator
        links = one.dispatcher.links
        return {
            "leader": one.settings.name,
            "epoch": one.state.epoch,
            "sequence": one.sequence,
            "projected": one.projector.sequence,
            "trouble": one.projector.trouble or one.room.trouble,
            "live_runs": len(one.state.runs),
            "dead_words": one.hearing.bad_words,
            "workers": [
                {
                    "worker": name,
                    "host": known.host,
                    "pid": known.pid,
                    "slots": known.slots,
                    "queues": list(known.queues),
                    "held": len(links[name].holdings) if name in links else None,
                    "state": self.state_of(name),
                }
                for name, known in one.state.workers.items()
            ],
        }

    def state_of(self, worker: str) -> str:
        link = self.coordinator.dispatcher.links.get(worker)
        if link is None:
            return "silent"
        return "draining" if link.draining else "ready"
