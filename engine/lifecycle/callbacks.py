"""What becomes of attempts that are no task instance's own: users' callbacks, and triggers.

A callback is called at least once for the state that asked for it, and then it is over. A trigger
runs while its task instance is deferred; how it ends decides how that goes on (`pauses`).
"""

from __future__ import annotations

from msgspec import structs

from penstock.events.types import Attempt, AttemptEnded, Delivery
from penstock.lifecycle import pauses
from penstock.lifecycle.commands import RunOver, RunRow
from penstock.lifecycle.limits import is_trigger
from penstock.lifecycle.state import Callback, Lost, RunState, key_of
from penstock.lifecycle.states import RUN_ENDS
from penstock.lifecycle.turn import Turn


def ended(turn: Turn, event: AttemptEnded) -> None:
    """A callback returned or raised; either way it was called, which is all that is promised."""
    run = over(turn, event.attempt)
    if run is not None and is_trigger(event.attempt.task):
        pauses.trigger_ended(turn, run, event)


def over(turn: Turn, attempt: Attempt) -> RunState | None:
    """Close it and return its run; None if it was closed before."""
    run = turn.state.runs.get(attempt.run)
    if run is None or run.callbacks.pop(key_of(attempt), None) is None:
        return None
    turn.add(RunRow(run.key))
    if run.state in RUN_ENDS and not run.callbacks:
        turn.add(RunOver(run.key))
    return run


def lost(turn: Turn, attempt: Attempt, delivery: Delivery, reason: str, begun: bool) -> None:
    """A delivery ended without an outcome: send it again, unless that was too often."""
    run = turn.state.runs.get(attempt.run)
    callback = None if run is None else run.callbacks.get(key_of(attempt))
    if run is None or callback is None or delivery <= callback.lost.last:
        return
    lost = Lost(callback.lost.times + begun, delivery)
    if lost.times > turn.state.redeliveries:
        give_up(turn, run, attempt, lost, reason)
        return
    again: Callback = structs.replace(callback, lost=lost)
    run.callbacks[again.key] = again
    turn.add(RunRow(run.key))
    turn.ready_callback(run, again, again=True)


def give_up(turn: Turn, run: RunState, attempt: Attempt, lost: Lost, reason: str) -> None:
    over(turn, attempt)
    if is_trigger(attempt.task):
        why = f"its trigger was lost {lost.times} times, the last time: {reason}"
        pauses.trigger_failed(turn, run, attempt, why)
