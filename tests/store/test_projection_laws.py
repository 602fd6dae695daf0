"""The projection holds the whole live state, however the log is cut into batches (law 4)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lifecycle.scene import Scene
from lifecycle.stories import changing_stories, stories

from penstock.events.types import Record, encode
from penstock.lifecycle.compare import same
from store.follower import Follower, folded
from store.stories import Logged, write_log

EXAMPLES = int(os.environ.get("PENSTOCK_EXAMPLES", "1"))

laws = settings(
    max_examples=60 * EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
seeds = st.integers(0, 2**32)


@contextmanager
def followers(number: int, **limits: int) -> Iterator[list[Follower]]:
    with tempfile.TemporaryDirectory() as folder:
        made = [Follower(Path(folder) / f"{n}.db", **limits) for n in range(number)]
        yield made
        for follower in made:
            follower.close()


@laws
@given(seed=seeds, length=st.integers(1, 60))
def test_what_is_loaded_is_what_was_folded(seed: int, length: int) -> None:
    log = write_log(Random(seed), length)
    with followers(1) as (follower,):
        follower.follow(log, 7)
        follower.restart()
        assert same(folded(log), follower.state) == []


@laws
@given(seed=seeds, length=st.integers(1, 60))
def test_it_is_one_projection_in_batches_of_one_of_seven_or_all_at_once(
    seed: int, length: int
) -> None:
    log = write_log(Random(seed), length)
    with followers(3, tail_records=20, tail_bytes=8000) as (one, seven, whole):
        one.follow(log, 1)
        seven.follow(log, 7)
        whole.follow(log, len(log))
        rows = one.rows()
        assert seven.rows() == rows
        assert whole.rows() == rows


@laws
@given(seed=seeds, length=st.integers(2, 60), cut=st.integers(1, 50), every=st.integers(1, 5))
def test_going_on_after_a_start_is_never_having_stopped(
    seed: int, length: int, cut: int, every: int
) -> None:
    log = write_log(Random(seed), length)
    with followers(2) as (stopped, steady):
        steady.follow(log, 7)
        for start in range(0, len(log), cut):
            stopped.follow(log[start : start + cut], every)
            stopped.restart()
        assert same(folded(log), stopped.state) == []
        assert stopped.rows() == steady.rows()


@laws
@given(
    scene=st.one_of(stories(), changing_stories(), stories(chained=True)), every=st.integers(1, 9)
)
def test_the_stories_of_the_pure_core_are_projected_as_they_were_folded(
    scene: Scene, every: int
) -> None:
    log = log_of(scene)
    with followers(2) as (often, whole):
        for start in range(0, len(log), 10):
            often.follow(log[start : start + 10], every)
            often.restart()
        whole.follow(log, len(log))
        assert same(scene.state, often.state) == []
        assert often.rows() == whole.rows()


def log_of(scene: Scene) -> list[Logged]:
    """The log that a scene wrote, a record a fact."""
    records = [
        Record(epoch=entry.epoch, number=entry.number, at=entry.at, events=(entry.event,))  # type: ignore[arg-type]
        for entry in scene.entries
    ]
    return [Logged(sequence, encode(record)) for sequence, record in enumerate(records, 1)]
