"""What became of a job, as an outcome for the log: whose fault an end was, in one table.

The user's code, our own limits: a failed try. The infrastructure: the same try again.

| end | outcome |
| --- | --- |
| returned, skipped, raised | succeeded, skipped, failed |
| paused: it waits for a moment or a trigger | paused |
| stopped or killed for its timeout or its memory | failed |
| stopped for any other reason (cancel, drain) | interrupted |
| died by SIGSEGV and its kin, or by any signal but those below | failed |
| died by an exit of its own (`os._exit`) | failed |
| died by SIGKILL, SIGTERM, SIGINT, SIGHUP, not ours | interrupted |
| its child died before it began | interrupted, not begun |
"""

from __future__ import annotations

import signal

from msgspec import structs

from penstock.events.types import (
    AttemptFailed,
    AttemptInterrupted,
    AttemptPaused,
    AttemptSkipped,
    AttemptSucceeded,
    Outcome,
)
from penstock.events.words import Work
from penstock.worker.pool import Ending

TIMEOUT = "timeout"
MEMORY = "memory"
FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def outcome_of(work: Work, worker: str, ending: Ending, *, logged: int, now: int) -> Outcome:
    """Return the fact that this end is. logged: lines published. now: microseconds."""
    what, reason, final = _judge(work, ending)
    if what is AttemptInterrupted:
        return AttemptInterrupted(
            attempt=work.attempt,
            delivery=work.delivery,
            worker=worker,
            reason=reason,
            begun=ending.begun,
            caused_by=work.caused_by,
        )
    ended = AttemptSucceeded(
        attempt=work.attempt,
        delivery=work.delivery,
        worker=worker,
        started_at=ending.started_at or now,
        ended_at=ending.ended_at or now,
        took=ending.took,
        xcoms=ending.xcoms,
        logged=logged,
        caused_by=work.caused_by,
    )
    facts = structs.asdict(ended)
    del facts["skip"]
    if what is AttemptFailed:
        return AttemptFailed(**facts, reason=reason, final=final)
    if what is AttemptSkipped:
        return AttemptSkipped(**facts, reason=reason)
    if what is AttemptPaused and ending.pause is not None:
        return AttemptPaused(**facts | {"xcoms": ()}, pause=ending.pause)
    return structs.replace(ended, skip=ending.skip) if ending.skip else ended


def _judge(work: Work, ending: Ending) -> tuple[type[Outcome], str, bool]:
    """Return the kind of outcome, the reason, and whether it is final."""
    why, _, figure = ending.asked.partition(":")
    limit = work.timeout
    if why == TIMEOUT and not (ending.how == "returned" and ending.took < (limit or 0)):
        return AttemptFailed, f"timed out after {limit:g} s" if limit else "timed out", False
    if why == MEMORY:
        return AttemptFailed, f"killed for its memory: {_mebibytes(figure)} were resident", False
    if ending.how == "died":
        return _judge_death(ending)
    if ending.how == "stopped" or (why and why != TIMEOUT):
        return AttemptInterrupted, why or "its process was told to end (SIGTERM)", False
    if ending.how == "skipped":
        return AttemptSkipped, ending.reason, False
    if ending.how == "paused":
        return AttemptPaused, "", False
    if ending.how == "raised":
        return AttemptFailed, ending.reason, ending.final
    return AttemptSucceeded, "", False


def _judge_death(ending: Ending) -> tuple[type[Outcome], str, bool]:
    if not ending.begun or ending.asked:
        return AttemptInterrupted, ending.asked or ending.reason or "its process died", False
    if not ending.signal:
        said = f"its process ended by itself with exit code {ending.code}"
        return AttemptFailed, said, False
    try:
        name = signal.Signals(ending.signal).name
    except ValueError:
        name = f"signal {ending.signal}"
    said = f"its process was killed by {name}"
    if ending.signal in FROM_OUTSIDE:
        return AttemptInterrupted, said, False
    return AttemptFailed, f"{said} ({signal.strsignal(ending.signal)})", False


def _mebibytes(figure: str) -> str:
    return f"{int(figure or 0) / 1048576:,.0f} MiB"
