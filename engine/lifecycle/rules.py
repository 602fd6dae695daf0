"""When may a task start? Here, and nowhere else, the ends of its direct upstreams are weighed.

A task counts how the instances of its upstreams ended, and how many upstream tasks have not ended
yet. `verdict` looks at the counts and the task's trigger rule, a row of `RULES`. Pools and due
times are not known here: what may start can still be made to wait. A task without upstreams starts.

The rules and what they force early are those of Airflow 3.3 (its documentation, "Trigger Rules",
and what `airflow dags test` was seen to do where that is silent).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from penstock.lifecycle.states import FAILED, SKIPPED, SUCCESS, UPSTREAM_FAILED

S, F, K, U = (frozenset((code,)) for code in (SUCCESS, FAILED, SKIPPED, UPSTREAM_FAILED))
BAD = F | U

START, WAIT = "start", "wait"


class Rule(NamedTuple):
    """One row.

    early: (ends, fate): the task ends in `fate` as soon as one upstream ended in one of `ends`.
    on: one upstream that ended in one of these starts the task; empty: all have to end first.
    late: (ends, fate): all have ended and none in one of `ends`.
    at_once: starts without looking. setups: only the setup tasks among the upstreams are weighed.
    """

    early: tuple[tuple[frozenset[int], int], ...] = ()
    on: frozenset[int] = frozenset()
    late: tuple[tuple[frozenset[int], int], ...] = ()
    at_once: bool = False
    setups: bool = False


RULES: dict[str, Rule] = {
    "all_success": Rule(early=((BAD, UPSTREAM_FAILED), (K, SKIPPED))),
    "all_failed": Rule(early=((S | K, SKIPPED),)),
    "all_done": Rule(),
    "all_done_min_one_success": Rule(early=((K, SKIPPED),), late=((S, UPSTREAM_FAILED),)),
    "all_done_setup_success": Rule(
        late=((S | BAD, SKIPPED), (S, UPSTREAM_FAILED)),
        setups=True,
    ),
    "one_success": Rule(on=S, late=((S | BAD, SKIPPED), (S, UPSTREAM_FAILED))),
    "one_failed": Rule(on=BAD, late=((BAD, SKIPPED),)),
    "one_done": Rule(on=S | F, late=((S | F, SKIPPED),)),
    "none_failed": Rule(early=((BAD, UPSTREAM_FAILED),)),
    "none_failed_min_one_success": Rule(early=((BAD, UPSTREAM_FAILED),), late=((S, SKIPPED),)),
    "none_skipped": Rule(early=((K, SKIPPED),)),
    "all_skipped": Rule(early=((S | BAD, SKIPPED),)),
    "always": Rule(at_once=True),
}
RULES["dummy"] = RULES["always"]  # Airflow 1's word, still in people's files


def verdict(
    rule: Rule, ends: Sequence[int], open_upstreams: int, setup_ends: Sequence[int] = ()
) -> str | int:
    """Return START, WAIT, or the state that the task ends in without having started.

    ends: how many upstream instances ended, by state (`ends[SUCCESS]`...). open_upstreams: how many
    upstream tasks have not ended. setup_ends: the same as `ends`, of setup tasks alone.
    """
    if rule.at_once:
        return START
    for seen, fate in rule.early:
        if any(ends[end] for end in seen):
            return fate
    if any(ends[end] for end in rule.on):
        return START
    if open_upstreams:
        return WAIT
    weighed = setup_ends if rule.setups else ends
    if any(weighed):  # no upstream (or no setup) at all: nothing is missing
        for wanted, fate in rule.late:
            if not any(weighed[end] for end in wanted):
                return fate
    return START
