"""A try that fails is tried again, later, under its own number; what is lost is sent again."""

from __future__ import annotations

import pytest

from lifecycle.scene import SECOND, Scene, dag, failed, of, started, succeeded, task
from penstock.events.types import Delivery, TimerDue
from penstock.lifecycle.commands import InstanceRow, Ready, Remind
from penstock.lifecycle.instances import MOST_TRIES
from penstock.lifecycle.retries import CENTURY, LONGEST, delay, micros

BACKOFF = {"retry_exponential_backoff": True}


def test_the_first_try_is_number_one() -> None:
    scene = Scene(dag(task("load")))
    scene.trigger()
    assert scene.current("load").try_number == 1


def test_a_failed_try_waits_for_its_delay_and_gets_the_next_number() -> None:
    scene = Scene(dag(task("load", retries=1, retry_delay=60.0)))
    scene.trigger()
    commands = scene.fail("load")
    assert of(Remind, commands) == [
        Remind(scene.now + 60 * SECOND, "retry", "d/r", "load", caused_by="1-4.0")
    ]
    assert scene.states() == {"load": "up_for_retry"}
    scene.ring()
    assert scene.current("load").try_number == 2
    scene.succeed("load")
    assert scene.told("load") == [
        *("queued", "running", "up_for_retry"),
        *("queued", "running", "success"),
    ]


def test_when_no_retry_is_left_the_task_has_failed() -> None:
    scene = Scene(dag(task("load", retries=1), task("use", "load")))
    scene.trigger()
    scene.fail("load")
    scene.ring()
    scene.fail("load", reason="no such file")
    assert scene.states() == {"load": "failed", "use": "upstream_failed"}
    assert scene.run().reason == "failed: 'load': no such file"


def test_a_final_failure_uses_no_retry() -> None:
    scene = Scene(dag(task("load", retries=5)))
    scene.trigger()
    scene.fail("load", final=True)
    assert scene.states() == {"load": "failed"}


def test_the_next_try_does_not_start_before_its_moment_nor_twice() -> None:
    scene = Scene(dag(task("load", retries=2)))
    scene.trigger()
    scene.fail("load")
    [due] = scene.run().record("load").due.values()
    assert scene.say(TimerDue(what="retry", due=due - 1, run="d/r", task="load")) == []
    assert of(Ready, scene.say(TimerDue(what="retry", due=due, run="d/r", task="load"))) != []
    assert scene.say(TimerDue(what="retry", due=due, run="d/r", task="load")) == []


def test_more_retries_than_two_bytes_count_are_cut_to_what_they_count() -> None:
    scene = Scene(dag(task("load", retries=100_000)))
    scene.trigger()
    scene.run().record("load").tries[0] = MOST_TRIES
    attempt, delivery = scene.pop("load")
    scene.say(failed(attempt.__class__("d/r", "load", -1, MOST_TRIES), delivery, scene.now))
    assert scene.states() == {"load": "failed"}


# ---------------------------------------------------------------- how long


def test_without_backoff_every_delay_is_the_same() -> None:
    load = task("load", retry_delay=1.5)
    assert [delay(load, tried, "x") for tried in (1, 2, 9)] == [1_500_000] * 3


@pytest.mark.parametrize("tried", [1, 2, 3, 6])
def test_backoff_doubles_and_adds_up_to_as_much_again(tried: int) -> None:
    load = task("load", retry_delay=10.0, **BACKOFF)
    least = 10 * 2 ** (tried - 1)
    found = {delay(load, tried, f"task {number}") // SECOND for number in range(200)}
    assert least <= min(found) < max(found) < 2 * least
    assert len(found) > min(least, 100) / 2  # spread, so that not all come back at once


def test_the_jitter_is_the_same_whenever_it_is_asked() -> None:
    load = task("load", retry_delay=300.0, **BACKOFF)
    assert delay(load, 3, "d/r#load#-1") == delay(load, 3, "d/r#load#-1")
    assert delay(load, 3, "d/r#load#-1") != delay(load, 3, "d/r#load#7")


def test_backoff_stops_at_a_day_and_at_the_tasks_own_cap() -> None:
    assert delay(task("load", **BACKOFF), 500, "x") == LONGEST * SECOND
    assert delay(task("load", max_retry_delay=400.0, **BACKOFF), 9, "x") == 400 * SECOND
    # As in Airflow, the cap is one of the backoff, not of a plain delay.
    assert delay(task("load", retry_delay=900.0, max_retry_delay=400.0), 1, "x") == 900 * SECOND


def test_a_delay_of_nothing_backs_off_by_a_second() -> None:
    assert delay(task("load", retry_delay=0.0, **BACKOFF), 1, "x") == SECOND


def test_no_delay_is_longer_than_a_column_holds() -> None:
    assert micros(1e300) == CENTURY * SECOND < 2**63 - 2 * 10**15
    assert delay(task("load", retry_delay=1e308, **BACKOFF), 9, "x") == LONGEST * SECOND


# ---------------------------------------------------------------- lost by the infrastructure


def test_what_a_lost_worker_held_is_sent_again_as_the_same_try() -> None:
    scene = Scene(dag(task("load")))
    scene.trigger()
    scene.start("load")
    commands = scene.lose_worker(scene.lend("load"))
    [ready] = of(Ready, commands)
    assert (ready.try_number, ready.again) == (1, True)
    [row] = of(InstanceRow, commands)
    assert (row.state, row.lost, row.reason) == ("queued", 1, "worker w fell silent")
    assert scene.told("load") == ["queued", "running", "queued"]


def test_three_begun_deliveries_may_be_lost_and_the_fourth_fails_the_try() -> None:
    scene = Scene(dag(task("load")))
    scene.trigger()
    for lost in (1, 2, 3):
        scene.interrupt("load")
        assert scene.states() == {"load": "queued"}, lost
    scene.interrupt("load")
    assert scene.states() == {"load": "failed"}
    assert scene.run().reason == (
        "failed: 'load': lost 4 times by the infrastructure, the last time: was killed"
    )


def test_the_limit_is_a_setting_and_a_new_try_counts_anew() -> None:
    scene = Scene(dag(task("load", retries=1)), redeliveries=0)
    scene.trigger()
    scene.interrupt("load")
    assert scene.states() == {"load": "up_for_retry"}
    scene.ring()
    scene.interrupt("load", begun=False)
    assert scene.states() == {"load": "queued"}
    scene.interrupt("load")
    assert scene.states() == {"load": "failed"}


def test_what_had_not_begun_or_was_handed_back_in_order_does_not_count() -> None:
    scene = Scene(dag(task("load")))
    scene.trigger()
    for _ in range(5):
        scene.interrupt("load", begun=False)
        scene.lose_worker(scene.lend("load"), clean=True, reason="said goodbye")
    assert scene.states() == {"load": "queued"}
    assert scene.run().record("load").lost[0].times == 0


def test_a_loss_told_twice_counts_once() -> None:
    scene = Scene(dag(task("load")))
    scene.trigger()
    held = scene.lend("load")
    scene.lose_worker(held)
    assert scene.lose_worker(held) == []
    assert scene.run().record("load").lost[0].times == 1


def test_the_loss_of_a_sending_that_a_later_one_overtook_is_inert() -> None:
    scene = Scene(dag(task("load")))
    scene.trigger()
    held = scene.lend("load")
    later = Delivery(held.delivery.epoch, held.delivery.number + 7)
    scene.say(started(held.attempt, later, scene.now))
    assert scene.lose_worker(held) == []
    assert scene.states() == {"load": "running"}


def test_a_later_sending_that_starts_is_where_it_runs_and_is_no_news() -> None:
    scene = Scene(dag(task("load")))
    scene.trigger()
    scene.start("load")
    held = scene.lend("load")
    later = Delivery(held.delivery.epoch, held.delivery.number + 7)
    commands = scene.say(started(held.attempt, later, scene.now))
    assert scene.run().record("load").flights[0].delivery == later
    assert [type(command) for command in commands] == [InstanceRow]


def test_a_start_of_a_sending_that_was_lost_is_inert() -> None:
    scene = Scene(dag(task("load")))
    scene.trigger()
    attempt, delivery = scene.pop("load")
    scene.held[attempt] = delivery
    scene.interrupt("load")
    assert scene.say(started(attempt, delivery, scene.now)) == []
    scene.start("load")
    assert scene.states() == {"load": "running"}
    assert scene.start("load") == []  # told twice


def test_the_first_outcome_of_a_try_counts_whoever_tells_it() -> None:
    """A worker that was given up for lost may come back with an outcome: the work is done."""
    scene = Scene(dag(task("load")))
    scene.trigger()
    attempt, delivery = scene.pop("load")
    scene.held[attempt] = delivery
    scene.interrupt("load")
    scene.say(succeeded(attempt, delivery, scene.now))
    assert scene.states() == {"load": "success"}
    assert scene.fail("load") == []  # the second sending's outcome


def test_an_outcome_of_an_earlier_try_is_inert() -> None:
    scene = Scene(dag(task("load", retries=1)))
    scene.trigger()
    attempt, delivery = scene.pop("load")
    scene.say(failed(attempt, delivery, scene.now))
    assert scene.say(succeeded(attempt, delivery, scene.now)) == []
    scene.ring()
    assert scene.say(succeeded(attempt, delivery, scene.now)) == []
    assert not scene.state.is_wanted(attempt)
    assert scene.state.is_wanted(scene.current("load"))
