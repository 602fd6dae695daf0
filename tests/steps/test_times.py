"""Branches by the clock and by the schedule."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import pytest
from authoring.world import run_info

from penstock import DAG, EmptyOperator
from penstock.authoring.context import DagRun
from penstock.authoring.errors import InvalidArgumentError
from penstock.steps.latest_only import LatestOnlyOperator
from penstock.steps.smooth import SmoothOperator
from penstock.steps.times import BranchDateTimeOperator, BranchDayOfWeekOperator, WeekDay

WAYS = {"follow_task_ids_if_true": "yes", "follow_task_ids_if_false": ["no"]}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def choice(operator: Any, date: datetime | None, **more: Any) -> Any:
    """What an operator of a run with this date chooses."""
    info = run_info(operator.dag, {}, date)
    run = DagRun.of(info)
    for name, value in more.items():
        setattr(run, name, value)
    return operator.choose_branch({"dag_run": run})


def by_time(lower: Any, upper: Any, zone: Any = UTC) -> BranchDateTimeOperator:
    with DAG("clock", start_date=datetime(2025, 1, 1, tzinfo=zone)):
        return BranchDateTimeOperator(
            task_id="b", target_lower=lower, target_upper=upper, use_task_logical_date=True, **WAYS
        )


@pytest.mark.parametrize(
    ("lower", "upper", "moment", "holds"),
    [
        (at("2025-01-01T10:00"), at("2025-01-01T11:00"), "2025-01-01T10:30", True),
        (at("2025-01-01T10:00"), at("2025-01-01T11:00"), "2025-01-02T10:30", False),
        (at("2025-01-01T10:00"), at("2025-01-01T11:00"), "2025-01-01T11:00", True),
        (time(10), time(11), "2025-06-01T10:30", True),
        (time(10), time(11), "2025-06-01T09:59", False),
        (time(22), time(6), "2025-06-01T23:00", True),
        (time(22), time(6), "2025-06-01T05:00", False),  # that belongs to yesterday's night
        (time(10), None, "2025-06-01T23:00", True),
        (None, time(10), "2025-06-01T23:00", False),
    ],
)
def test_a_span_of_time(lower: Any, upper: Any, moment: str, holds: bool) -> None:
    assert choice(by_time(lower, upper), at(moment)) == ("yes" if holds else ["no"])


def test_a_time_of_day_is_in_the_dags_time_zone() -> None:
    operator = by_time(time(10), time(11), timezone(timedelta(hours=2)))
    assert choice(operator, at("2025-06-01T08:30")) == "yes"


def test_the_clock_counts_unless_the_logical_date_is_asked_for() -> None:
    now = datetime.now(UTC)
    with DAG("clock"):
        operator = BranchDateTimeOperator(
            task_id="b", target_lower=now, target_upper=now + timedelta(hours=1), **WAYS
        )
    assert choice(operator, at("2020-01-01")) == "yes"


def test_without_a_logical_date_the_run_is_taken_when_it_was_made() -> None:
    operator = by_time(at("2025-01-01"), at("2025-01-02"))
    assert choice(operator, None, run_after=at("2025-01-01T12:00")) == "yes"


@pytest.mark.parametrize("day", ["wednesday", WeekDay.WEDNESDAY, {"Monday", WeekDay.WEDNESDAY}])
def test_days_of_the_week(day: Any) -> None:
    with DAG("days"):
        operator = BranchDayOfWeekOperator(
            task_id="b", week_day=day, use_task_logical_date=True, **WAYS
        )
    assert choice(operator, at("2025-01-01")) == "yes"
    assert choice(operator, at("2025-01-02")) == ["no"]


@pytest.mark.parametrize("day", ["Caturday", 3, [7]])
def test_what_is_no_day_is_refused(day: Any) -> None:
    with DAG("days"), pytest.raises(InvalidArgumentError, match=r"test_times.py:\d+: task 'b'"):
        BranchDayOfWeekOperator(task_id="b", week_day=day, **WAYS)


def test_a_span_needs_an_end() -> None:
    with pytest.raises(InvalidArgumentError, match="give target_lower or target_upper"):
        by_time(None, None)


def latest(schedule: Any, ago: timedelta, run_type: str = "scheduled") -> list[str]:
    with DAG("latest", schedule=schedule, start_date=at("2020-01-01")):
        operator = LatestOnlyOperator(task_id="newest")
        operator >> [EmptyOperator(task_id="a"), EmptyOperator(task_id="b")]
    found: list[str] = choice(operator, datetime.now(UTC) - ago, run_type=run_type)
    return found


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("schedule", "ago", "run_type", "goes_on"),
    [
        ("* * * * *", HOUR, "scheduled", False),
        (HOUR, 3 * HOUR, "scheduled", False),
        (HOUR, 3 * HOUR, "backfill", False),
        ("@yearly", HOUR, "scheduled", True),
        ("@yearly", 400 * 24 * HOUR, "scheduled", False),
        ("@yearly", 400 * 24 * HOUR, "manual", True),
        ("@once", HOUR, "scheduled", True),
        (None, HOUR, "scheduled", True),
    ],
)
def test_only_the_newest_run_goes_on(
    schedule: Any, ago: timedelta, run_type: str, goes_on: bool
) -> None:
    assert latest(schedule, ago, run_type) == (["a", "b"] if goes_on else [])


def test_smooth(caplog: pytest.LogCaptureFixture) -> None:
    with DAG("smooth"), caplog.at_level("INFO"):
        SmoothOperator(task_id="s").execute({})
    assert "Smooth Operator" in caplog.text
