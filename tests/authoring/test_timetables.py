"""What a schedule makes of its dates: catchup, start and end, the kinds that are not cron."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.authoring import timetables
from penstock.authoring.crontab import crontab
from penstock.authoring.serialized import SerializedSchedule as Schedule
from penstock.authoring.timetables import ScheduleError, Tick, next_run

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
HOUR = 3600 * SECOND


def utc(text: str) -> int:
    return (datetime.fromisoformat(text + "Z") - EPOCH) // timedelta(microseconds=1)


def dates(ticks: list[Tick]) -> list[str]:
    return [f"{EPOCH + timedelta(microseconds=tick.logical_date):%Y-%m-%d %H:%M}" for tick in ticks]


def one(tick: Tick | None) -> str | None:
    return None if tick is None else dates([tick])[0]


def hourly(
    start: str | None = "2026-01-01 00:00", end: str | None = None, **more: bool
) -> Schedule:
    return Schedule(
        kind="cron",
        cron="0 * * * *",
        start=utc(start) if start else None,
        end=utc(end) if end else None,
        **more,
    )


NOON = utc("2026-01-01 12:10")


# ---------------------------------------------------------------- what a tick stands for


def test_a_tick_of_a_cron_stands_for_its_own_moment() -> None:
    moment = utc("2026-01-01 12:00")
    assert next_run(hourly(), None, NOON) == Tick(moment, moment, moment, moment)


def test_a_scheduled_run_is_named_by_its_logical_date() -> None:
    tick = next_run(hourly(), None, NOON)
    assert tick is not None
    assert timetables.run_id(tick) == "scheduled__2026-01-01T12:00:00+00:00"


# ---------------------------------------------------------------- catchup

CATCHUP = [
    # (catchup, start, the last tick, now, the next tick)
    (True, "2026-01-01 00:00", None, "2026-01-01 12:10", "2026-01-01 00:00"),
    (True, "2026-01-01 00:01", None, "2026-01-01 12:10", "2026-01-01 01:00"),
    (True, "2026-01-01 00:00", "2026-01-01 03:00", "2026-01-01 12:10", "2026-01-01 04:00"),
    (True, "2026-01-01 00:00", "2026-01-01 12:00", "2026-01-01 12:10", "2026-01-01 13:00"),
    (True, "2026-01-01 20:00", None, "2026-01-01 12:10", "2026-01-01 20:00"),
    (True, None, "2026-01-01 03:00", "2026-01-01 12:10", "2026-01-01 04:00"),
    (False, "2026-01-01 00:00", None, "2026-01-01 12:10", "2026-01-01 12:00"),
    (False, "2026-01-01 00:00", None, "2026-01-01 12:00", "2026-01-01 12:00"),
    (False, "2026-01-01 00:00", "2026-01-01 03:00", "2026-01-01 12:10", "2026-01-01 12:00"),
    (False, "2026-01-01 00:00", "2026-01-01 12:00", "2026-01-01 12:10", "2026-01-01 13:00"),
    (False, "2026-01-01 12:00", None, "2026-01-01 12:10", "2026-01-01 12:00"),
    (False, "2026-01-01 12:05", None, "2026-01-01 12:10", "2026-01-01 13:00"),
    (False, "2026-01-01 20:00", None, "2026-01-01 12:10", "2026-01-01 20:00"),
    # A start that was moved beyond the last tick is kept to.
    (True, "2026-01-01 20:00", "2026-01-01 03:00", "2026-01-01 12:10", "2026-01-01 20:00"),
    (False, "2026-01-01 20:00", "2026-01-01 03:00", "2026-01-01 12:10", "2026-01-01 20:00"),
    # The clock went back behind the last tick.
    (False, "2026-01-01 00:00", "2026-01-01 14:00", "2026-01-01 12:10", "2026-01-01 15:00"),
]


@pytest.mark.parametrize(("catchup", "start", "after", "now", "expected"), CATCHUP)
def test_which_tick_is_next(
    catchup: bool, start: str | None, after: str | None, now: str, expected: str
) -> None:
    tick = next_run(hourly(start, catchup=catchup), utc(after) if after else None, utc(now))
    assert one(tick) == expected


def test_without_a_start_a_fresh_tick_runs_and_an_older_one_does_not() -> None:
    at = utc("2026-01-01 12:00")
    for minutes, expected in [(0, "12:00"), (6, "12:00"), (7, "13:00"), (59, "13:00")]:
        tick = next_run(hourly(None), None, at + minutes * 60 * SECOND)
        assert one(tick) == f"2026-01-01 {expected}"


def test_without_a_start_the_schedule_counts_from_when_it_came_into_force() -> None:
    since = utc("2026-01-01 09:30")
    assert one(next_run(hourly(None, catchup=True), None, NOON, since=since)) == "2026-01-01 10:00"
    assert one(next_run(hourly(None), None, NOON, since=since)) == "2026-01-01 12:00"


def test_what_was_missed_is_given_one_at_a_time() -> None:
    schedule = hourly("2020-01-01 00:00", catchup=True)
    ticks = timetables.missed(schedule, None, NOON)  # 52,621 of them, made when asked for
    assert dates(list(islice(ticks, 2))) == ["2020-01-01 00:00", "2020-01-01 01:00"]
    last = list(timetables.missed(schedule, utc("2026-01-01 09:00"), NOON))
    assert dates(last) == ["2026-01-01 10:00", "2026-01-01 11:00", "2026-01-01 12:00"]


def test_without_catchup_one_tick_was_missed_at_most() -> None:
    assert dates(list(timetables.missed(hourly(), None, NOON))) == ["2026-01-01 12:00"]
    assert list(timetables.missed(hourly(), utc("2026-01-01 12:00"), NOON)) == []


def test_upcoming_ticks_go_on_into_the_future() -> None:
    ticks = list(islice(timetables.upcoming(hourly(), None, NOON), 3))
    assert dates(ticks) == ["2026-01-01 12:00", "2026-01-01 13:00", "2026-01-01 14:00"]


# ---------------------------------------------------------------- start and end


def test_start_and_end_belong_to_the_schedule() -> None:
    schedule = hourly("2026-01-01 10:00", "2026-01-01 12:00", catchup=True)
    ticks = list(timetables.upcoming(schedule, None, NOON))
    assert dates(ticks) == ["2026-01-01 10:00", "2026-01-01 11:00", "2026-01-01 12:00"]


def test_after_its_end_a_schedule_has_no_tick() -> None:
    assert next_run(hourly(end="2026-01-01 11:00"), None, NOON) is None
    assert next_run(hourly(end="2025-01-01 11:00", catchup=True), None, NOON) is None


# ---------------------------------------------------------------- the other kinds


def test_a_timedelta_counts_from_the_start() -> None:
    start = utc("2026-01-01 00:25")
    each = Schedule(kind="delta", delta=5400.0, start=start, catchup=True)
    ticks = list(timetables.missed(each, None, utc("2026-01-01 04:00")))
    assert dates(ticks) == ["2026-01-01 00:25", "2026-01-01 01:55", "2026-01-01 03:25"]


def test_a_timedelta_without_catchup_stays_on_its_grid() -> None:
    start = utc("2026-01-01 00:25")
    last = Schedule(kind="delta", delta=3600.0, start=start)
    assert one(next_run(last, None, NOON)) == "2026-01-01 11:25"
    assert one(next_run(last, start, NOON)) == "2026-01-01 11:25"
    assert one(next_run(last, utc("2026-01-01 11:25"), NOON)) == "2026-01-01 12:25"


def test_a_timedelta_without_a_start_begins_when_it_comes_into_force() -> None:
    schedule = Schedule(kind="delta", delta=3600.0)
    assert one(next_run(schedule, None, NOON, since=NOON)) == "2026-01-01 12:10"
    assert one(next_run(schedule, None, NOON + HOUR // 2, since=NOON)) == "2026-01-01 12:10"


def test_fractions_of_a_second_are_kept() -> None:
    schedule = Schedule(kind="delta", delta=0.25, start=0, catchup=True)
    assert next_run(schedule, 750_000, NOON) == Tick(SECOND, SECOND, SECOND, SECOND)


def test_once_is_once() -> None:
    start = utc("2026-02-01 00:00")
    once = Schedule(kind="once", start=start)
    assert one(next_run(once, None, NOON)) == "2026-02-01 00:00"
    assert next_run(once, start, NOON) is None
    assert one(next_run(Schedule(kind="once"), None, NOON, since=NOON)) == "2026-01-01 12:10"
    assert next_run(Schedule(kind="once", start=start, end=start - 1), None, NOON) is None


def test_continuous_goes_on_where_the_last_run_ended() -> None:
    schedule = Schedule(kind="continuous", start=utc("2026-01-01 00:00"))
    first = next_run(schedule, None, NOON)
    assert first == Tick(utc("2026-01-01 00:00"), utc("2026-01-01 00:00"), NOON, NOON)
    later = NOON + HOUR
    assert next_run(schedule, first.logical_date, later, after_end=first.interval_end) == Tick(
        NOON, NOON, later, later
    )


def test_continuous_never_gives_the_same_logical_date_twice() -> None:
    first = next_run(Schedule(kind="continuous"), None, NOON)
    assert first is not None
    assert first.logical_date == NOON
    second = next_run(
        Schedule(kind="continuous"), first.logical_date, NOON, after_end=first.interval_end
    )
    assert second is not None
    assert second.logical_date == NOON + 1


def test_continuous_ends_with_its_end() -> None:
    schedule = Schedule(kind="continuous", end=NOON)
    assert next_run(schedule, None, NOON) is not None
    assert next_run(schedule, NOON - HOUR, NOON + 1) is None


def test_no_schedule_no_tick() -> None:
    assert next_run(Schedule(), None, NOON) is None


# ---------------------------------------------------------------- refusals

BAD = [
    (Schedule(kind="cron", cron="61 * * * *"), r"'61 \* \* \* \*' cannot be read.*Write minute"),
    (Schedule(kind="cron", cron="0 0 *"), r"'0 0 \*' cannot be read"),
    (Schedule(kind="cron", cron=""), r"cannot be read"),
    (Schedule(kind="cron", cron="@fortnightly"), r"'@fortnightly' cannot be read.*@daily"),
    (Schedule(kind="cron", cron="each day at noon !"), r"cannot be read"),
    (Schedule(kind="cron", cron="0 0 31 2 *"), r"names a day that never comes"),
    (Schedule(kind="cron", cron="R 0 * * *"), r"'R', a time left to chance"),
    (Schedule(kind="cron", cron="0 H(0-4) * * *"), r"'H\(0-4\)', a time left to chance"),
    (Schedule(kind="cron"), r"has no expression"),
    (Schedule(kind="cron", cron="@daily", timezone="Europe/Nowhere"), r"'Europe/Nowhere'.*IANA"),
    (Schedule(kind="cron", cron="@daily", timezone="../etc"), r"is not known"),
    (Schedule(kind="cron", cron="@daily", timezone="+99:00"), r"is not known"),
    (Schedule(kind="cron", cron="@daily", timezone=""), r"is not known"),
    (Schedule(kind="delta", delta=0.0), r"never move on"),
    (Schedule(kind="delta", delta=-60.0), r"never move on"),
    (Schedule(kind="tides"), r"'tides' is not known.*update"),
]


@pytest.mark.parametrize(("schedule", "sentence"), BAD)
def test_what_makes_no_sense_is_refused_with_a_sentence(schedule: Schedule, sentence: str) -> None:
    with pytest.raises(ScheduleError, match=sentence):
        timetables.check(schedule)


@pytest.mark.parametrize(
    "cron",
    ["@daily", "@midnight", "0 0 * * MON-FRI", "0 0 ? * 7", "0 12 L * *", "*/7 3-22/4 * 6 *"],
)
def test_what_makes_sense_is_accepted(cron: str) -> None:
    timetables.check(Schedule(kind="cron", cron=cron, timezone="Asia/Kathmandu"))


# ---------------------------------------------------------------- for people

WORDS = [
    (Schedule(), "only when asked for"),
    (Schedule(kind="once"), "once"),
    (Schedule(kind="cron", cron="@daily"), "daily at 00:00 (UTC)"),
    (
        Schedule(kind="cron", cron="30 2 * * *", timezone="Europe/Berlin"),
        "daily at 02:30 (Europe/Berlin)",
    ),
    (Schedule(kind="cron", cron="5 4 * * 1"), "every Monday at 04:05 (UTC)"),
    (Schedule(kind="cron", cron="5 4 9 * *"), "monthly on day 9 at 04:05 (UTC)"),
    (Schedule(kind="cron", cron="*/5 * * * *"), "every 5 minutes (UTC)"),
    (Schedule(kind="cron", cron="* * * * *"), "every minute (UTC)"),
    (Schedule(kind="cron", cron="@hourly"), "hourly at 0 past (UTC)"),
    (Schedule(kind="cron", cron="1 2 3 4 5"), "by cron `1 2 3 4 5` (UTC)"),
    (Schedule(kind="delta", delta=95_430.5), "every 1 day 2 h 30 min 30.5 s"),
    (
        Schedule(kind="delta", delta=60, start=0, end=86_400 * SECOND, catchup=True),
        "every 1 min, from 1970-01-01 00:00 UTC, until 1970-01-02 00:00 UTC, "
        "what was missed is caught up",
    ),
    (Schedule(kind="continuous"), "again as soon as the last run has ended"),
]


@pytest.mark.parametrize(("schedule", "words"), WORDS)
def test_a_schedule_can_be_read(schedule: Schedule, words: str) -> None:
    assert timetables.describe(schedule) == words


# ---------------------------------------------------------------- laws

CRONS = ["*/20 * * * *", "30 2 * * *", "15 * * * *", "0 1-4/2 * * *", "0 0 * * 1", "45 1 L * *"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
moments = st.integers(utc("2025-10-20 00:00"), utc("2026-12-01 00:00"))
tables = st.builds(crontab, st.sampled_from(CRONS), st.sampled_from(ZONES))


@given(table=tables, moment=moments)
def test_looking_ahead_and_looking_back_agree(table, moment: int) -> None:
    past, coming = table.latest(moment), table.after(moment)
    assert past <= moment < coming
    assert table.after(past) == coming
    assert table.latest(coming) == coming
    assert table.latest(coming - 1) == past


@given(cron=st.sampled_from(CRONS), moment=moments)
def test_where_clocks_never_jump_it_is_croniter(cron: str, moment: int) -> None:
    start = EPOCH + timedelta(microseconds=moment)
    expected = croniter(cron, start).get_next(datetime)
    found = crontab(cron, "UTC").after(moment)
    assert found is not None
    assert EPOCH + timedelta(microseconds=found) == expected


schedules = st.builds(
    Schedule,
    kind=st.sampled_from(["cron", "delta"]),
    cron=st.sampled_from(CRONS),
    delta=st.sampled_from([1800.0, 86_400.0, 5000.5]),
    timezone=st.sampled_from(ZONES),
    start=st.none() | moments,
    catchup=st.booleans(),
)


@given(schedule=schedules, since=moments, waits=st.lists(st.integers(1, 9 * 86_400 * SECOND)))
@settings(max_examples=60)
def test_however_often_it_is_asked_no_tick_comes_twice_or_out_of_order(
    schedule: Schedule, since: int, waits: list[int]
) -> None:
    now, after, made = since, None, []
    for wait in waits:
        now += wait
        for tick in islice(timetables.missed(schedule, after, now, since=since), 40):
            assert tick.run_after <= now
            after = tick.logical_date
            made.append(after)
    assert made == sorted(set(made))


@given(schedule=schedules, now=moments, since=moments)
def test_between_two_ticks_the_answer_stays_the_same(schedule, now: int, since: int) -> None:
    tick = next_run(schedule, None, now, since=since)
    if tick.run_after > now:  # its timer fires then, or a new leader asks shortly before
        for later in (now + 1, (now + tick.run_after) // 2, tick.run_after):
            assert next_run(schedule, None, later, since=since) == tick


# ---------------------------------------------------------------- the corners


def test_a_schedule_of_a_newer_penstock_is_refused_wherever_it_turns_up() -> None:
    for use in (lambda s: next_run(s, None, NOON), timetables.check, timetables.describe):
        with pytest.raises(ScheduleError, match="'tides' is not known"):
            use(Schedule(kind="tides"))


def test_continuous_has_one_tick_at_a_time() -> None:
    schedule = Schedule(kind="continuous")
    timetables.check(schedule)
    assert len(list(timetables.missed(schedule, None, NOON))) == 1
    assert len(list(timetables.upcoming(schedule, None, NOON))) == 1
    later = Schedule(kind="continuous", start=NOON + HOUR)
    assert next_run(later, NOON - HOUR, NOON) == Tick(*[NOON + HOUR] * 4)
    assert list(timetables.missed(later, None, NOON)) == []


def test_a_timedelta_keeps_to_a_start_that_was_moved() -> None:
    schedule = Schedule(kind="delta", delta=3600.0, start=NOON + HOUR)
    tick = next_run(schedule, NOON - 9 * HOUR, NOON)
    assert tick is not None
    assert tick.logical_date == NOON + HOUR


def test_a_schedule_that_has_run_out_has_no_tick() -> None:
    years = Schedule(kind="cron", cron="0 0 1 1 * 0 2027", start=0, catchup=True)
    only = utc("2027-01-01 00:00")
    assert next_run(years, None, NOON) == Tick(only, only, only, only)
    assert next_run(years, only, NOON) is None
    unstarted = Schedule(kind="cron", cron="0 0 1 1 * 0 2027")
    assert next_run(unstarted, None, NOON) == Tick(only, only, only, only)
    assert next_run(unstarted, None, utc("2031-01-01 00:00")) is None


def test_the_days_that_are_remembered_are_not_remembered_for_ever() -> None:
    table = crontab("0 0 * * 1-5", "Pacific/Auckland")
    moment = NOON
    for _ in range(2_000):
        moment = table.after(moment)
        table.latest(moment)
    assert len(table._later) <= 512
    assert len(table._earlier) <= 512
