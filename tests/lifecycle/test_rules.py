"""The trigger rules, all of them, over every count of up to five upstream tasks.

The table in `rules.py` is compared with an oracle that is written the other way round: predicates
over the plain list of upstreams, after Airflow's documentation and its scheduler's behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement, product

import pytest

from penstock.lifecycle.rules import RULES, START, WAIT, verdict
from penstock.lifecycle.states import FAILED, SKIPPED, SUCCESS, UPSTREAM_FAILED, WORDS

OPEN = 0
UP_TO = 5
ENDED = (SUCCESS, FAILED, SKIPPED, UPSTREAM_FAILED)

Up = tuple[int, bool]
"""One upstream: its end (or OPEN), and whether it is a setup."""


def counted(rule: str, ups: tuple[Up, ...]) -> str | int:
    """Ask the table, with counters made from the upstreams."""
    ends, setup_ends = [0] * len(WORDS), [0] * len(WORDS)
    for end, is_setup in ups:
        ends[end] += end != OPEN
        setup_ends[end] += end != OPEN and is_setup
    open_upstreams = sum(end == OPEN for end, _ in ups)
    return verdict(RULES[rule], ends, open_upstreams, setup_ends)


# ---------------------------------------------------------------- the oracle


class Seen:
    """The upstreams of a task, and plain questions about them."""

    def __init__(self, ups: tuple[Up, ...]) -> None:
        self.ends = [end for end, _ in ups]
        self.setups = [end for end, is_setup in ups if is_setup]
        self.over = OPEN not in self.ends
        self.failed = FAILED in self.ends
        self.upstream_failed = UPSTREAM_FAILED in self.ends
        self.bad = self.failed or self.upstream_failed
        self.success = SUCCESS in self.ends
        self.skip = SKIPPED in self.ends
        self.only_skips = set(self.ends) == {SKIPPED}


def all_success(s: Seen) -> str | int:
    if s.bad:
        return UPSTREAM_FAILED
    return SKIPPED if s.skip else when(s.over)


def all_failed(s: Seen) -> str | int:
    return SKIPPED if s.success or s.skip else when(s.over)


def all_done_min_one_success(s: Seen) -> str | int:
    if s.skip:
        return SKIPPED
    return UPSTREAM_FAILED if s.over and not s.success else when(s.over)


def all_done_setup_success(s: Seen) -> str | int:
    if not s.over or not s.setups or SUCCESS in s.setups:
        return when(s.over)
    return SKIPPED if set(s.setups) == {SKIPPED} else UPSTREAM_FAILED


def one_success(s: Seen) -> str | int:
    if s.success or not s.over:
        return when(s.success)
    return SKIPPED if s.only_skips else UPSTREAM_FAILED


def one_failed(s: Seen) -> str | int:
    return SKIPPED if s.over and not s.bad else when(s.bad)


def one_done(s: Seen) -> str | int:
    done = s.success or s.failed
    return SKIPPED if s.over and not done else when(done)


def none_failed(s: Seen) -> str | int:
    return UPSTREAM_FAILED if s.bad else when(s.over)


def none_failed_min_one_success(s: Seen) -> str | int:
    if s.bad:
        return UPSTREAM_FAILED
    return SKIPPED if s.only_skips else when(s.over)


def none_skipped(s: Seen) -> str | int:
    return SKIPPED if s.skip else when(s.over)


def all_skipped(s: Seen) -> str | int:
    return SKIPPED if s.success or s.bad else when(s.over)


def when(met: bool) -> str:
    return START if met else WAIT


ORACLE: dict[str, Callable[[Seen], str | int]] = {
    "all_success": all_success,
    "all_failed": all_failed,
    "all_done": lambda s: when(s.over),
    "all_done_min_one_success": all_done_min_one_success,
    "all_done_setup_success": all_done_setup_success,
    "one_success": one_success,
    "one_failed": one_failed,
    "one_done": one_done,
    "none_failed": none_failed,
    "none_failed_min_one_success": none_failed_min_one_success,
    "none_skipped": none_skipped,
    "all_skipped": all_skipped,
    "always": lambda s: START,
    "dummy": lambda s: START,
}


# ---------------------------------------------------------------- every count


def every_count() -> Iterator[tuple[Up, ...]]:
    """Every multiset of 1 to 5 upstreams, setups among them."""
    kinds = list(product((OPEN, *ENDED), (False, True)))
    for many in range(1, UP_TO + 1):
        yield from combinations_with_replacement(kinds, many)


def test_the_table_has_airflows_thirteen_rules_and_the_old_word_for_one() -> None:
    assert set(RULES) == set(ORACLE)
    assert len(RULES) == 14
    assert RULES["dummy"] is RULES["always"]


@pytest.mark.parametrize("rule", ORACLE)
def test_every_count_of_ends_gets_the_verdict_that_airflow_gives(rule: str) -> None:
    wrong = [
        (ups, counted(rule, ups), expected)
        for ups in every_count()
        if counted(rule, ups) != (expected := ORACLE[rule](Seen(ups)))
    ]
    assert wrong == []


@pytest.mark.parametrize("rule", RULES)
def test_a_task_without_upstreams_starts(rule: str) -> None:
    assert counted(rule, ()) == START


# ---------------------------------------------------------------- every order


def fates(rule: str, ends: tuple[int, ...], setups: int) -> tuple[str | int, str | int]:
    """Return the first verdict that is not WAIT as these upstreams end in turn, and the last one.

    setups: bits that say which upstreams are setups.
    """
    is_setup = [bool(setups >> place & 1) for place in range(len(ends))]
    verdicts = []
    for ended in range(len(ends) + 1):
        now = (*ends[:ended], *((OPEN,) * (len(ends) - ended)))
        verdicts.append(counted(rule, tuple(zip(now, is_setup, strict=True))))
    return next(what for what in verdicts if what != WAIT), verdicts[-1]


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"all_success"}))
@pytest.mark.parametrize("many", range(1, UP_TO + 1))
def test_an_early_fate_is_the_one_that_waiting_would_have_given(rule: str, many: int) -> None:
    weighs_setups = RULES[rule].setups
    for setups in range(2**many if weighs_setups else 1):
        for ends in product(ENDED, repeat=many):
            early, late = fates(rule, ends, setups)
            assert early == late, (ends, setups)


@pytest.mark.parametrize("many", range(1, UP_TO + 1))
def test_all_success_takes_the_word_of_the_first_upstream_that_did_not_succeed(many: int) -> None:
    """As in Airflow: whether a skip or a failure came first decides how it ends, never whether."""
    for ends in product(ENDED, repeat=many):
        early, late = fates("all_success", ends, 0)
        assert (early == START) == (late == START) == (set(ends) == {SUCCESS})
        if early != START:
            first = next(end for end in ends if end != SUCCESS)
            assert early == (SKIPPED if first == SKIPPED else UPSTREAM_FAILED)
