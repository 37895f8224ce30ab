"""Office time behaves like time: ordered, additive, reversible."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import chinese_calendar
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.governance.calendar import (
    DEFAULT_OFFICE_HOURS,
    SHANGHAI,
    add_working_time,
    due_at,
    resumed_due_at,
    working_time_between,
)
from gis.governance.office_hours import Office, OfficeHours, SeasonalHours

FIRST = datetime(2023, 1, 1, tzinfo=SHANGHAI)
LAST = datetime(2025, 12, 31, tzinfo=SHANGHAI)

instants = st.integers(0, int((LAST - FIRST).total_seconds() * 1_000_000)).map(
    lambda microseconds: FIRST + timedelta(microseconds=microseconds)
)
summer = OfficeHours.parse("08:00-12:00;15:00-18:00")
seasonal = SeasonalHours(
    {
        date(year, month, 1): hours
        for year in (2023, 2024, 2025)
        for month, hours in ((5, summer), (10, DEFAULT_OFFICE_HOURS))
    }
)
offices = st.sampled_from([DEFAULT_OFFICE_HOURS, summer, seasonal])
durations = st.one_of(
    st.timedeltas(timedelta(0), timedelta(hours=100)),
    st.integers(0, 200).map(lambda halves: timedelta(minutes=30 * halves)),
)
hours = st.integers(1, 400).map(lambda quarters: quarters / 4)
days = st.integers(1, 40)

unhurried = settings(deadline=None)  # machines that run tests are shared


def in_office(moment: datetime) -> bool:
    clock = moment.time()
    return chinese_calendar.is_workday(moment.date()) and any(
        opens <= clock <= closes for opens, closes in DEFAULT_OFFICE_HOURS.windows
    )


@unhurried
@given(instants, hours)
def test_hour_limits_end_within_office_hours(start: datetime, amount: float) -> None:
    due = due_at(start, amount, "work_hours")
    assert in_office(due)
    assert due > start


@unhurried
@given(instants, days)
def test_day_limits_end_at_closing_time_after_so_many_working_days(
    start: datetime, amount: int
) -> None:
    due = due_at(start, amount, "work_days")
    assert in_office(due)
    assert due.time() == DEFAULT_OFFICE_HOURS.windows[-1][1]
    day, counted = start.date(), 0
    while day < due.date():
        day += timedelta(days=1)
        counted += chinese_calendar.is_workday(day)
    assert counted == amount


@unhurried
@given(instants, instants, hours, hours)
def test_later_start_or_longer_limit_is_never_due_earlier(
    one: datetime, other: datetime, less: float, more: float
) -> None:
    one, other = sorted((one, other))
    less, more = sorted((less, more))
    for unit in ("work_hours", "urgent_hours"):
        assert due_at(one, less, unit) <= due_at(other, less, unit)
        assert due_at(one, less, unit) <= due_at(one, more, unit)
    assert due_at(one, 3, "work_days") <= due_at(other, 3, "work_days")


@unhurried
@given(instants, durations, durations, offices)
def test_working_time_adds_up(
    start: datetime, first: timedelta, then: timedelta, office: Office
) -> None:
    halfway = add_working_time(start, first, office=office)
    assert add_working_time(halfway, then, office=office) == add_working_time(
        start, first + then, office=office
    )


@unhurried
@given(instants, durations, offices)
def test_between_is_the_inverse_of_add(
    start: datetime, duration: timedelta, office: Office
) -> None:
    due = add_working_time(start, duration, office=office)
    assert working_time_between(start, due, office=office) == duration


@unhurried
@given(instants, instants, instants, offices)
def test_between_is_a_difference(a: datetime, b: datetime, c: datetime, office: Office) -> None:
    def between(one: datetime, other: datetime) -> timedelta:
        return working_time_between(one, other, office=office)

    assert between(a, b) + between(b, c) == between(a, c)
    assert between(a, b) == -between(b, a)


@unhurried
@given(instants, hours, st.timedeltas(timedelta(0), timedelta(days=30)))
def test_working_time_left_is_the_same_before_and_after_a_pause(
    start: datetime, amount: float, pause: timedelta
) -> None:
    due = due_at(start, amount, "work_hours")
    resumed = start + pause
    later = resumed_due_at(due, start, resumed, "work_hours")
    assert working_time_between(resumed, later) == working_time_between(start, due)
