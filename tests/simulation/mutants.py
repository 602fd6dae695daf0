"""For each law a change of the code that drops it, and the story that finds it out.

A simulation that finds nothing may be one that looks for nothing. So here the product is broken on
purpose, one law at a time, by patching a function or two, and a story has to end badly that ends
well without the patch. `found_by` is the story known to do it; after a change of the product or of
the stories `python -m tests.simulation 0 400 --kind KIND --mutant NAME --stop 1` finds another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple
from unittest.mock import patch

from tests.simulation import broken_log as log
from tests.simulation import broken_work as work
from tests.simulation.broken_log import Patch


class Mutant(NamedTuple):
    """law: what of DESIGN it drops. patches: (where, name, instead). found_by: kind and seed."""

    law: str
    patches: Callable[[], list[Patch]]
    found_by: tuple[str, int]


@contextmanager
def applied(name: str) -> Iterator[None]:
    """Break the product for a while; "" leaves it whole."""
    with ExitStack() as stack:
        for where, what, instead in MUTANTS[name].patches() if name else []:
            stack.enter_context(patch.object(where, what, instead))
        yield


FOUND: tuple[tuple[Callable[[], list[Patch]], tuple[str, int]], ...] = (
    (log.told_before_stored, ("runs", 23)),
    (log.unfenced, ("runs", 23)),
    (log.appended_twice, ("runs", 1)),
    (log.never_doubts, ("runs", 70)),
    (log.equal_by_number, ("lost", 0)),
    (log.lost_tail_forgotten, ("lost", 0)),
    (log.overtaken_and_forgotten, ("lost", 15)),
    (log.place_unseen, ("lost", 216)),
    (log.asks_the_clock, ("runs", 0)),
    (log.folds_twice, ("runs", 1)),
    (log.ticks_by_the_clock, ("schedules", 0)),
    (log.half_a_batch, ("runs", 5)),
    (log.past_unread, ("past", 0)),
    (log.old_tries_count, ("absent", 19)),
    (log.outbox_empty, ("runs", 3)),
    (log.sent_once, ("users", 2)),
    (work.dropped_when_told, ("calm", 0)),
    (work.absence_always_counts, ("calm", 38)),
    (work.absence_never_counts, ("runs", 4)),
    (work.runs_twice_here, ("runs", 8)),
    (work.roll_not_awaited, ("calm", 3)),
    (work.low_epochs_heard, ("absent", 3)),
    (work.heard_once_lost_twice, ("absent", 346)),
    (work.begins_after_lapse, ("absent", 28)),
    (work.unpickles, ("runs", 0)),
    (work.loads_dag_files, ("runs", 0)),
    (work.causes_untold, ("runs", 0)),
    (work.adopted_without_cause, ("runs", 0)),
    (work.unexplained, ("calm", 0)),
    (work.limits_off, ("calm", 11)),
    (work.phase_forgotten, ("waits", 1)),
    (work.parked_for_ever, ("users", 0)),
    (work.reasons_lost, ("runs", 55)),
    (work.never_stopped, ("users", 101)),
    (work.not_doomed, ("runs", 0)),
    (work.stall_counts, ("calm", 14)),
    (work.outage_counts, ("calm", 1)),
    (work.guard_off, ("absent", 7)),
    (work.lease_from_arrival, ("users", 7)),
    (work.goodbye_unheard, ("visits", 19)),
    (work.stretched_waits, ("runs", 26)),
    (work.callbacks_once, ("users", 34)),
    (work.kills_are_tries, ("users", 0)),
    (work.answers_from_afar, ("users", 20)),
)


def name_of(function: Callable[[], list[Patch]]) -> str:
    return function.__name__.replace("_", "-")


MUTANTS = {
    name_of(function): Mutant(str(function.__doc__), function, found_by)
    for function, found_by in FOUND
}
