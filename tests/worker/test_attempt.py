"""The table of ends and outcomes, row by row."""

from __future__ import annotations

import signal

import pytest

from penstock.events import types as t
from penstock.events import words as w
from penstock.worker.attempt import outcome_of
from penstock.worker.pool import Ending

WORK = w.Work(attempt=t.Attempt("d/r", "t"), delivery=t.Delivery(1, 2), timeout=5.0)


@pytest.mark.parametrize(
    ("ending", "kind", "reason"),
    [
        (Ending(how="returned"), t.AttemptSucceeded, None),
        (Ending(how="skipped", reason="no data"), t.AttemptSkipped, "no data"),
        (Ending(how="raised", reason="ValueError: x"), t.AttemptFailed, "ValueError: x"),
        (Ending(how="stopped", asked="timeout"), t.AttemptFailed, "timed out after 5 s"),
        (Ending(how="died", signal=9, asked="timeout"), t.AttemptFailed, "timed out after 5 s"),
        # It returned in time, in the very moment that the worker's clock struck.
        (Ending(how="returned", asked="timeout", took=4.9), t.AttemptSucceeded, None),
        # It took the stop for an error of its own and went on.
        (Ending(how="returned", asked="timeout", took=5.1), t.AttemptFailed, "timed out after 5 s"),
        (
            Ending(how="died", signal=9, asked="memory:3145728"),
            t.AttemptFailed,
            "killed for its memory: 3 MiB were resident",
        ),
        (Ending(how="stopped", asked="cancelled"), t.AttemptInterrupted, "cancelled"),
        (Ending(how="returned", asked="cancelled"), t.AttemptInterrupted, "cancelled"),
        (Ending(how="died", signal=9, asked="cancelled"), t.AttemptInterrupted, "cancelled"),
        (
            Ending(how="stopped"),
            t.AttemptInterrupted,
            "its process was told to end (SIGTERM)",
        ),
        (
            Ending(how="died", code=7),
            t.AttemptFailed,
            "its process ended by itself with exit code 7",
        ),
        *[
            (
                Ending(how="died", signal=number),
                t.AttemptFailed,
                f"its process was killed by {number.name} ({signal.strsignal(number)})",
            )
            for number in (
                signal.SIGSEGV,
                signal.SIGBUS,
                signal.SIGABRT,
                signal.SIGFPE,
                signal.SIGILL,
                signal.SIGXCPU,
            )
        ],
        *[
            (
                Ending(how="died", signal=number),
                t.AttemptInterrupted,
                f"its process was killed by {number.name}",
            )
            for number in (signal.SIGKILL, signal.SIGTERM)
        ],
        (
            Ending(how="died", begun=False, reason="no children can be had"),
            t.AttemptInterrupted,
            "no children can be had",
        ),
    ],
)
def test_each_end_has_its_outcome(ending: Ending, kind: type, reason: str | None) -> None:
    outcome = outcome_of(WORK, "w", ending, logged=3, now=10)
    assert type(outcome) is kind
    assert getattr(outcome, "reason", None) == reason
    if isinstance(outcome, t.AttemptInterrupted):
        assert outcome.begun is ending.begun
    else:
        assert (outcome.logged, outcome.worker) == (3, "w")
