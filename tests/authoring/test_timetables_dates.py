"""Dates that were worked out by hand, from the zones' rules and a wall calendar.

Berlin    2026-03-29 02:00 +01 -> 03:00 +02     2026-10-25 03:00 +02 -> 02:00 +01
New York  2026-03-08 02:00 -05 -> 03:00 -04     2026-11-01 02:00 -04 -> 01:00 -05
Lord Howe 2026-10-04 02:00 +10:30 -> 02:30 +11  2026-04-05 02:00 +11 -> 01:30 +10:30
Apia      2011-12-29 24:00 -10 -> 2011-12-31 00:00 +14 (there was no 30 December)
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from penstock.authoring.crontab import crontab

EPOCH = datetime.fromisoformat("1970-01-01T00:00Z")


def utc(text: str) -> int:
    return (datetime.fromisoformat(text + "Z") - EPOCH) // timedelta(microseconds=1)


# (what happens, zone, cron, the instants in UTC, one after the other)
DATES = [
    (
        "a gap: half past two is an hour later, once",
        "Europe/Berlin",
        "30 2 * * *",
        ["2026-03-28 01:30", "2026-03-29 01:30", "2026-03-30 00:30"],
    ),
    (
        "a gap: every hour that passes has its run",
        "Europe/Berlin",
        "30 * * * *",
        ["2026-03-28 23:30", "2026-03-29 00:30", "2026-03-29 01:30", "2026-03-29 02:30"],
    ),
    (
        "a gap: the day is 23 hours long",
        "Europe/Berlin",
        "@daily",
        ["2026-03-27 23:00", "2026-03-28 23:00", "2026-03-29 22:00", "2026-03-30 22:00"],
    ),
    (
        "a gap: two wall times on one instant are one tick",
        "Europe/Berlin",
        "0 2,3 * * *",
        ["2026-03-28 02:00", "2026-03-29 01:00", "2026-03-30 00:00", "2026-03-30 01:00"],
    ),
    (
        "a fold: the second half past two",
        "Europe/Berlin",
        "30 2 * * *",
        ["2026-10-24 00:30", "2026-10-25 01:30", "2026-10-26 01:30"],
    ),
    (
        "a fold: every hour that passes has its run",
        "Europe/Berlin",
        "30 * * * *",
        ["2026-10-24 23:30", "2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 02:30"],
    ),
    (
        "a fold: every second hour of the wall clock",
        "Europe/Berlin",
        "0 */2 * * *",
        ["2026-10-24 22:00", "2026-10-25 01:00", "2026-10-25 03:00"],
    ),
    (
        "a fold: the day is 25 hours long",
        "Europe/Berlin",
        "@daily",
        ["2026-10-23 22:00", "2026-10-24 22:00", "2026-10-25 23:00", "2026-10-26 23:00"],
    ),
    (
        "a gap",
        "America/New_York",
        "15 2 * * *",
        ["2026-03-07 07:15", "2026-03-08 07:15", "2026-03-09 06:15"],
    ),
    (
        "a gap does not touch what lies after it",
        "America/New_York",
        "0 9 * * 1-5",
        ["2026-03-06 14:00", "2026-03-09 13:00", "2026-03-10 13:00"],
    ),
    (
        "a fold",
        "America/New_York",
        "30 1 * * *",
        ["2026-10-31 05:30", "2026-11-01 06:30", "2026-11-02 06:30"],
    ),
    (
        "a fold, twice through the hour",
        "America/New_York",
        "*/30 * * * *",
        [
            "2026-11-01 05:00",
            "2026-11-01 05:30",
            "2026-11-01 06:00",
            "2026-11-01 06:30",
            "2026-11-01 07:00",
        ],
    ),
    (
        "a gap of half an hour",
        "Australia/Lord_Howe",
        "15 2 * * *",
        ["2026-10-02 15:45", "2026-10-03 15:45", "2026-10-04 15:15"],
    ),
    (
        "a gap of half an hour: two wall times change places",
        "Australia/Lord_Howe",
        "15,30 2 * * *",
        ["2026-10-02 15:45", "2026-10-02 16:00", "2026-10-03 15:30", "2026-10-03 15:45"],
    ),
    (
        "a gap of half an hour: the minute that was asked for",
        "Australia/Lord_Howe",
        "30 * * * *",
        ["2026-10-03 14:00", "2026-10-03 15:00", "2026-10-03 15:30", "2026-10-03 16:30"],
    ),
    (
        "a fold of half an hour",
        "Australia/Lord_Howe",
        "45 1 * * *",
        ["2026-04-03 14:45", "2026-04-04 15:15", "2026-04-05 15:15"],
    ),
    (
        "a fold of half an hour, every hour",
        "Australia/Lord_Howe",
        "45 * * * *",
        ["2026-04-04 13:45", "2026-04-04 14:45", "2026-04-04 15:15", "2026-04-04 16:15"],
    ),
    (
        "a day that was left out",
        "Pacific/Apia",
        "0 12 * * *",
        ["2011-12-28 22:00", "2011-12-29 22:00", "2011-12-30 22:00", "2011-12-31 22:00"],
    ),
    (
        "an offset has no summer",
        "+05:30",
        "0 0 * * *",
        ["2026-03-28 18:30", "2026-03-29 18:30", "2026-03-30 18:30"],
    ),
    ("leap days", "UTC", "0 0 29 2 *", ["2024-02-29 00:00", "2028-02-29 00:00"]),
    (
        "leap days, 2100 is no leap year",
        "UTC",
        "0 0 29 2 *",
        ["2096-02-29 00:00", "2104-02-29 00:00"],
    ),
    (
        "the day after a leap day",
        "America/New_York",
        "0 0 1 3 *",
        ["2027-03-01 05:00", "2028-03-01 05:00", "2029-03-01 05:00"],
    ),
    (
        "months that have 31 days",
        "UTC",
        "0 0 31 * *",
        ["2026-03-31 00:00", "2026-05-31 00:00", "2026-07-31 00:00", "2026-08-31 00:00"],
    ),
    (
        "months that have 31 days, over the new year",
        "UTC",
        "0 0 31 * *",
        ["2026-10-31 00:00", "2026-12-31 00:00", "2027-01-31 00:00", "2027-03-31 00:00"],
    ),
    (
        "the last day of the month",
        "UTC",
        "0 0 L * *",
        ["2028-01-31 00:00", "2028-02-29 00:00", "2028-03-31 00:00", "2028-04-30 00:00"],
    ),
    (
        "the third Friday",
        "UTC",
        "0 6 * * 5#3",
        ["2026-01-16 06:00", "2026-02-20 06:00", "2026-03-20 06:00", "2026-04-17 06:00"],
    ),
    (
        "day of month or day of week",
        "UTC",
        "0 0 13 * 5",
        ["2026-01-09 00:00", "2026-01-13 00:00", "2026-01-16 00:00", "2026-01-23 00:00"],
    ),
    (
        "the turn of the year",
        "Asia/Tokyo",
        "59 23 31 12 *",
        ["2026-12-31 14:59", "2027-12-31 14:59"],
    ),
    (
        "seconds, the sixth field",
        "UTC",
        "0 0 * * * 15",
        ["2026-01-01 00:00:15", "2026-01-02 00:00:15"],
    ),
    (
        "years, the seventh",
        "UTC",
        "0 0 1 1 * 0 2027,2031",
        ["2027-01-01 00:00", "2031-01-01 00:00"],
    ),
    ("@hourly", "UTC", "@hourly", ["2026-01-01 00:00", "2026-01-01 01:00"]),
    ("@weekly", "UTC", "@weekly", ["2026-01-04 00:00", "2026-01-11 00:00"]),
    ("@monthly", "UTC", "@monthly", ["2026-01-01 00:00", "2026-02-01 00:00"]),
    (
        "@quarterly",
        "Europe/Berlin",
        "@quarterly",
        ["2025-12-31 23:00", "2026-03-31 22:00", "2026-06-30 22:00", "2026-09-30 22:00"],
    ),
    ("@yearly", "UTC", "@yearly", ["2026-01-01 00:00", "2027-01-01 00:00"]),
]
IDS = [f"{zone} {what}" for what, zone, _, _ in DATES]


@pytest.mark.parametrize(("what", "zone", "cron", "dates"), DATES, ids=IDS)
def test_ticks_come_in_order(what: str, zone: str, cron: str, dates: list[str]) -> None:
    table, expected = crontab(cron, zone), [utc(date) for date in dates]
    found = [expected[0]]
    while len(found) < len(expected):
        found.append(table.after(found[-1]) or 0)
    assert found == expected


@pytest.mark.parametrize(("what", "zone", "cron", "dates"), DATES, ids=IDS)
def test_from_any_moment_between_two_ticks_both_are_found(
    what: str, zone: str, cron: str, dates: list[str]
) -> None:
    table, expected = crontab(cron, zone), [utc(date) for date in dates]
    for past, coming in pairwise(expected):
        for moment in (past, past + 1, (past + coming) // 2, coming - 60_000_000, coming - 1):
            if past <= moment < coming:
                assert (table.latest(moment), table.after(moment)) == (past, coming)
    assert table.latest(expected[0]) == expected[0]
