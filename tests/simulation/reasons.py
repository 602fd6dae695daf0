"""Law 12, judged: each fact names what led to it, and whatever has not ended says why not yet.

`ask_why` is asked again and again while a story goes on, of the leader, for each instance.
"""

from __future__ import annotations

from penstock.events.types import (
    AttemptEnded,
    AttemptInterrupted,
    AttemptStarted,
    TimerDue,
)
from penstock.lifecycle.explain import explain
from penstock.lifecycle.states import ENDS
from tests.simulation.judgement import StoryError
from tests.simulation.tales import Tale
from tests.simulation.world import World

LED_TO = (AttemptEnded, AttemptInterrupted, AttemptStarted, TimerDue)
"""Facts that others led to. The rest comes from outside: people, files, clocks, deaths."""

NO_REASON = "is about to be sent"
"""True only while a record is being folded, so never when somebody asks."""


def judge_causes(world: World, tale: Tale) -> None:
    """Who led to a fact is a fact that is before it in the log."""
    known: set[str] = set()
    for record in world.records():
        for place, event in enumerate(record.events):
            if isinstance(event, LED_TO) and event.caused_by not in known:
                raise StoryError(f"what led to {event}? {event.caused_by!r} is not before it")
            known.add(f"{record.id}.{place}")


def ask_why(world: World) -> None:
    """Raise StoryError if the leader cannot say why something has not ended."""
    leader = world.leader
    if leader is None or not leader.bus.connected:  # type: ignore[attr-defined]
        return
    for run in leader.state.runs.values():
        for record in run.tasks:
            for place, code in enumerate(record.states):
                if code in ENDS:
                    continue
                task, index = record.step.task.task_id, record.index(place)
                (said,) = explain(
                    leader.state,
                    run.key,
                    task,
                    index=index,
                    why_queued=leader.questions.why_queued,
                )
                if not said.partition(f"{task!r}")[2] or NO_REASON in said:
                    raise StoryError(f"{run.key}: no reason is given: {said}")
