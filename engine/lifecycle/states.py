"""The states of runs and task instances: Airflow's words, with a small number each.

A mapped task keeps one byte for each of its instances, so a state is an int here; the words are for
the wire, the store and people. `quarantined` is ours: a run whose events the fold could not take.
"""

from __future__ import annotations

WAITING, QUEUED, RUNNING, UP_FOR_RETRY, UP_FOR_RESCHEDULE, DEFERRED = 0, 1, 2, 3, 4, 5
SUCCESS, FAILED, SKIPPED, UPSTREAM_FAILED = 6, 7, 8, 9

WORDS = (
    "none",
    "queued",
    "running",
    "up_for_retry",
    "up_for_reschedule",
    "deferred",
    "success",
    "failed",
    "skipped",
    "upstream_failed",
)
CODES = {word: code for code, word in enumerate(WORDS)}

ENDS = (SUCCESS, FAILED, SKIPPED, UPSTREAM_FAILED)
"""The states that are final; `code >= SUCCESS` says the same."""

LIVE = (QUEUED, RUNNING)
"""The states in which an attempt may be under way somewhere."""

PAUSED = (UP_FOR_RESCHEDULE, DEFERRED)
"""The states of a try that waits for something and holds nothing meanwhile."""

RUN_QUEUED, RUN_RUNNING, RUN_SUCCESS, RUN_FAILED = "queued", "running", "success", "failed"
RUN_QUARANTINED = "quarantined"
RUN_ENDS = frozenset((RUN_SUCCESS, RUN_FAILED, RUN_QUARANTINED))

NEXT = {
    WAITING: {QUEUED, SUCCESS, SKIPPED, UPSTREAM_FAILED, FAILED},
    QUEUED: {RUNNING, UP_FOR_RETRY, *PAUSED, SUCCESS, FAILED, SKIPPED},
    RUNNING: {QUEUED, UP_FOR_RETRY, *PAUSED, SUCCESS, FAILED, SKIPPED},
    UP_FOR_RETRY: {QUEUED, SKIPPED, FAILED},
    UP_FOR_RESCHEDULE: {QUEUED, SKIPPED, FAILED},
    DEFERRED: {QUEUED, UP_FOR_RETRY, SUCCESS, SKIPPED, FAILED},
}
"""Where a task instance may go from a state; from an end, nowhere. RUNNING, QUEUED: sent again."""
