"""The laws of the fold as properties: hypothesis makes the stories, each test states a law.

Every scene also has `invariants.check` run after each of its facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.scene import Scene, fold, indexes, of, picture, states_of
from lifecycle.stories import changing_stories, finish, stories
from penstock.events.types import (
    AttemptEnded,
    AttemptInterrupted,
    AttemptStarted,
    LeaderElected,
    RunCancelled,
    RunTriggered,
    TimerDue,
    WorkerLost,
)
from penstock.lifecycle.advance import Entry, advance, run_of
from penstock.lifecycle.commands import (
    Command,
    Notify,
    NotifyRun,
    Ready,
    RunOver,
)
from penstock.lifecycle.state import State
from penstock.lifecycle.states import CODES, NEXT, RUN_ENDS, RUN_QUARANTINED, WAITING, WORDS

ONCE = (
    AttemptStarted,
    AttemptEnded,
    AttemptInterrupted,
    WorkerLost,
    TimerDue,
    RunCancelled,
    RunTriggered,
)
"""Kinds of facts of which a second telling asks for nothing at all."""

PLAIN_STORY = stories() | changing_stories() | stories("d", "e")
ANY_STORY = PLAIN_STORY | stories(chained=True)
Place = tuple[str, str, int]


def flat(steps: Iterable[list[Command]]) -> list[Command]:
    return [command for step in steps for command in step]


def settled(state: State) -> dict[str, object]:
    """The state without the place in the log that it was folded to."""
    return {**picture(state), "seen": None, "now": None}


# ---------------------------------------------------------------- laws 3 and 6


@given(scene=ANY_STORY)
def test_the_same_facts_give_the_same_state_and_the_same_commands(scene: Scene) -> None:
    state, steps = fold(scene.entries)
    assert steps == scene.steps
    assert picture(state) == picture(scene.state)


@given(scene=ANY_STORY)
def test_a_fact_seen_twice_changes_nothing(scene: Scene) -> None:
    state = State()
    for number, entry in enumerate(scene.entries):
        assert advance(state, entry) == scene.steps[number]
        assert advance(state, entry) == []
    for entry in scene.entries:  # nor does the whole log, read again
        assert advance(state, entry) == []
    assert picture(state) == picture(scene.state)


@given(scene=ANY_STORY)
def test_a_fact_told_again_as_a_new_one_changes_nothing(scene: Scene) -> None:
    """Workers tell an outcome until it is stored, so the log may have it twice (law 6)."""
    state = State()
    for number, entry in enumerate(scene.entries):
        assert advance(state, entry) == scene.steps[number]
        told_again = advance(state, entry._replace(place=1))
        assert told_again == [] or not isinstance(entry.event, ONCE)
    assert settled(state) == settled(scene.state)


@given(scene=ANY_STORY)
def test_an_outcome_of_an_old_try_is_inert(scene: Scene) -> None:
    """At the end of the story, every outcome that was ever told is told once more."""
    before = settled(scene.state)
    for entry in list(scene.entries):
        if isinstance(entry.event, AttemptEnded | AttemptInterrupted):
            assert scene.say(entry.event) == []
    assert settled(scene.state) == before


# ---------------------------------------------------------------- runs side by side


def alone(entries: list[Entry], is_mine: Callable[[str], bool], dag_id: str) -> list[Entry]:
    """What is left of a log when only some runs of one DAG were ever heard of."""
    left = []
    for entry in entries:
        event, run = entry.event, run_of(entry.event)
        if isinstance(event, WorkerLost):
            held = tuple(each for each in event.held if is_mine(each.attempt.run))
            event = WorkerLost(worker="w", reason=event.reason, held=held, clean=event.clean)
        elif (run is not None and not is_mine(run)) or (
            run is None and getattr(event, "dag_id", dag_id) != dag_id
        ):
            continue
        left.append(entry._replace(event=event))
    return left


def part(commands: list[Command], is_mine: Callable[[str], bool]) -> list[Command]:
    return [command for command in commands if is_mine(getattr(command, "run", ""))]


def assert_undisturbed(scene: Scene, is_mine: Callable[[str], bool], dag_id: str) -> None:
    state, steps = fold(alone(scene.entries, is_mine, dag_id))
    assert part(flat(steps), is_mine) == part(flat(scene.steps), is_mine)
    mine = {key: picture(run) for key, run in scene.state.runs.items() if is_mine(key)}
    assert {key: picture(run) for key, run in state.runs.items()} == mine


@given(scene=stories("d", "e", steps=40))
def test_runs_of_two_dags_do_not_disturb_each_other(scene: Scene) -> None:
    for dag_id in ("d", "e"):
        assert_undisturbed(scene, lambda key, of=f"{dag_id}/": key.startswith(of), dag_id)


@given(scene=stories(steps=40, max_active_runs=3))
def test_runs_of_one_dag_do_not_disturb_each_other(scene: Scene) -> None:
    for mine in list(scene.state.runs):
        assert_undisturbed(scene, lambda key, mine=mine: key == mine, "d")


# ---------------------------------------------------------------- totality, liveness


@given(scene=stories(steps=20, nonsense=True))
def test_no_fact_however_strange_makes_the_fold_fail(scene: Scene) -> None:
    """The scene was told without an exception, and what it checks after each fact held."""
    assert isinstance(scene.entries[0].event, LeaderElected)
    _, steps = fold(scene.entries)
    assert steps == scene.steps


@given(scene=PLAIN_STORY)  # what waits for a past that failed does not end
def test_every_run_ends_once_every_attempt_has_an_outcome(scene: Scene) -> None:
    finish(scene)
    assert {run.state for run in scene.state.runs.values()} <= RUN_ENDS - {RUN_QUARANTINED}
    assert all(not run.callbacks for run in scene.state.runs.values())
    over = [command.run for command in scene.commands(RunOver)]
    assert sorted(over) == sorted(scene.state.runs)


@given(scene=stories(steps=20, nonsense=True))
def test_a_quarantined_run_leaves_no_other_waiting(scene: Scene) -> None:
    finish(scene)
    assert {run.state for run in scene.state.runs.values()} <= RUN_ENDS


# ---------------------------------------------------------------- what is told


def replayed(scene: Scene) -> dict[Place, int]:
    """Follow the notices; each step must be one that the table of states knows."""
    now: dict[Place, int] = {}
    for notice in scene.commands(Notify):
        for index in indexes(notice):
            place = (notice.run, notice.task, index)
            assert CODES[notice.state] in NEXT[now.get(place, WAITING)], (place, notice)
            now[place] = CODES[notice.state]
    return now


@given(scene=ANY_STORY)
def test_every_change_is_told_and_is_one_that_the_table_of_states_allows(scene: Scene) -> None:
    told = {
        (run, task if index == -1 else f"{task}[{index}]"): WORDS[code]
        for (run, task, index), code in replayed(scene).items()
    }
    assert told == {
        (run.key, name): word
        for run in scene.state.runs.values()
        for name, word in states_of(run)
        if word != WORDS[WAITING]
    }


@given(scene=ANY_STORY)
def test_the_rows_say_what_the_state_says(scene: Scene) -> None:
    assert scene.wrong_rows() == []


@given(scene=ANY_STORY)
def test_the_notices_of_a_run_are_numbered_without_a_gap(scene: Scene) -> None:
    numbers: dict[str, list[int]] = {}
    for command in flat(scene.steps):
        if isinstance(command, Notify):
            many = command.last - command.first
            numbers.setdefault(command.run, []).extend(
                range(command.sequence, command.sequence + many)
            )
        elif isinstance(command, NotifyRun):
            numbers.setdefault(command.run, []).append(command.sequence)
    for key, run in scene.state.runs.items():
        assert numbers[key] == list(range(1, run.counter + 1))


@given(scene=ANY_STORY)
def test_tries_are_numbered_from_one_and_sent_again_under_their_number(scene: Scene) -> None:
    tries: dict[Place, int] = {}
    for ready in of(Ready, flat(scene.steps)):
        if ready.task.startswith("~"):
            continue
        for index in indexes(ready):
            place = (ready.run, ready.task, index)
            assert ready.try_number == tries.get(place, 0) + (not ready.again)
            tries[place] = ready.try_number


@given(scene=ANY_STORY)
def test_a_released_attempt_is_wanted_until_its_outcome(scene: Scene) -> None:
    """What is dispatched is what `is_wanted` knows, so that nothing is stopped by mistake."""
    for attempt in scene.held:
        run = scene.state.runs[attempt.run]
        is_callback = attempt.task.startswith("~")
        if is_callback or run.state not in RUN_ENDS:
            key = attempt.task.removeprefix("~")
            assert scene.state.is_wanted(attempt) or told_by_an_old_delivery(scene, attempt), key


def told_by_an_old_delivery(scene: Scene, attempt: object) -> bool:
    ended = (entry.event for entry in scene.entries if isinstance(entry.event, AttemptEnded))
    return any(event.attempt == attempt for event in ended)


@settings(max_examples=20)
@given(scene=stories(steps=20), cut=st.integers(0, 30))
def test_a_log_may_be_folded_in_parts(scene: Scene, cut: int) -> None:
    state, first = fold(scene.entries[:cut])
    rest = [advance(state, entry) for entry in scene.entries[cut:]]
    assert first + rest == scene.steps
