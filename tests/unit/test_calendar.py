"""Deadlines in office time, against the worked examples of the domain."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from gis.errors import CalendarMissing, LimitInvalid, Rejected, Unavailable
from gis.governance.calendar import (
    DEFAULT_OFFICE_HOURS,
    SHANGHAI,
    OfficeHours,
    add_working_time,
    due_at,
    resumed_due_at,
    working_time_between,
)
from gis.governance.office_hours import SeasonalHours
from gis.governance.working_days import STATE_COUNCIL, HolidayNotice, WorkingCalendar


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "due"),
    [
        ("2025-06-06 16:30", 4, "work_hours", "2025-06-09 11:30"),
        ("2025-06-06 16:30", 4, "urgent_hours", "2025-06-06 20:30"),
        ("2025-06-06 12:30", 2, "work_hours", "2025-06-06 16:00"),
        ("2025-09-30 17:00", 2, "work_hours", "2025-10-09 10:00"),
        ("2025-09-26 10:00", 2, "work_days", "2025-09-29 17:30"),
        # A limit that ends with a window ends there, not when the next window opens.
        ("2025-06-06 08:30", 3.5, "work_hours", "2025-06-06 12:00"),
        ("2025-06-06 08:30", 7, "work_hours", "2025-06-06 17:30"),
        ("2025-06-06 17:30", 7, "work_hours", "2025-06-09 17:30"),
        ("2025-06-06 17:30", 14, "work_hours", "2025-06-10 17:30"),
        # Before opening, after closing, on a day off.
        ("2025-06-06 03:00", 1, "work_hours", "2025-06-06 09:30"),
        ("2025-06-06 23:59", 1, "work_hours", "2025-06-09 09:30"),
        ("2025-06-07 11:00", 1.5, "work_hours", "2025-06-09 10:00"),
        # Day limits from a day off begin to count on the next working day.
        ("2025-06-07 11:00", 1, "work_days", "2025-06-09 17:30"),
        ("2025-06-06 23:59", 1, "work_days", "2025-06-09 17:30"),
        ("2024-12-31 09:00", 1, "work_days", "2025-01-02 17:30"),
        ("2025-10-03 02:00", 48, "urgent_hours", "2025-10-05 02:00"),
        # Urgent days run on holidays too, without the first one, to the midnight of the last.
        ("2025-09-30 09:00", 2, "urgent_days", "2025-10-03 00:00"),
        ("2025-09-30 23:59", 1, "urgent_days", "2025-10-02 00:00"),
    ],
)
def test_worked_examples(start: str, amount: float, unit: str, due: str) -> None:
    assert due_at(at(start), amount, unit) == at(due)


def test_answer_is_in_shanghai_whatever_the_zone_of_the_question() -> None:
    start = datetime(2025, 6, 6, 8, 30, tzinfo=UTC)  # 16:30 in Shanghai
    due = due_at(start, 4, "work_hours")
    assert due == at("2025-06-09 11:30")
    assert due.utcoffset() == timedelta(hours=8)
    newfoundland = start.astimezone(timezone(timedelta(hours=-3, minutes=-30)))
    assert due_at(newfoundland, 4, "work_hours") == due


@pytest.mark.parametrize(
    ("amount", "unit"),
    [
        (1, "hours"),
        (1, ""),
        (0, "work_hours"),
        (-1, "work_hours"),
        (float("nan"), "urgent_hours"),
        (float("inf"), "work_hours"),
        (1e300, "urgent_hours"),
        (1.5, "work_days"),
        (1.5, "urgent_days"),
    ],
)
def test_limits_that_cannot_be_counted_are_rejected(amount: float, unit: str) -> None:
    with pytest.raises(LimitInvalid) as refused:
        due_at(at("2025-06-06 16:30"), amount, unit)
    assert isinstance(refused.value, Rejected)
    assert unit in refused.value.detail("zh")


def test_naive_instants_are_refused() -> None:
    naive = datetime(2025, 6, 6, 16, 30)  # noqa: DTZ001 - the point of the test
    for unit in ("work_hours", "urgent_hours", "work_days"):
        with pytest.raises(ValueError, match="naive"):
            due_at(naive, 1, unit)
    with pytest.raises(ValueError, match="naive"):
        add_working_time(naive, timedelta(hours=1))
    with pytest.raises(ValueError, match="naive"):
        working_time_between(naive, naive)


def test_year_without_a_calendar_is_a_loud_error() -> None:
    with pytest.raises(CalendarMissing) as missing:
        due_at(at("2001-06-06 16:30"), 1, "work_hours")
    assert isinstance(missing.value, Unavailable)
    assert missing.value.facts == {"year": 2001}
    with pytest.raises(CalendarMissing):
        working_time_between(at("2001-06-06 16:30"), at("2001-06-06 17:00"))


def test_only_a_count_that_reaches_an_unknown_year_fails() -> None:
    calendar = WorkingCalendar()
    last = at("2026-12-31 16:00")  # a Thursday; the package may learn 2027 in a later release
    assert due_at(last, 1.5, "work_hours", calendar=calendar) == at("2026-12-31 17:30")
    assert due_at(last, 40, "urgent_hours", calendar=calendar) == at("2027-01-02 08:00")


def test_a_notice_supplies_a_year_that_the_package_does_not_know() -> None:
    notice = HolidayNotice(
        days_off=frozenset({date(2101, 1, 3), date(2101, 1, 4)}),
        makeup_workdays=frozenset({date(2101, 1, 8)}),  # a Saturday
    )
    calendar = WorkingCalendar({2101: notice})
    start = datetime(2101, 1, 2, 10, tzinfo=SHANGHAI)  # a Sunday
    assert due_at(start, 1, "work_days", calendar=calendar).date() == date(2101, 1, 5)
    assert due_at(start, 4, "work_days", calendar=calendar).date() == date(2101, 1, 8)
    with pytest.raises(CalendarMissing):
        due_at(start, 400, "work_days", calendar=calendar)


def test_pause_gives_back_exactly_the_paused_time() -> None:
    due = at("2025-06-09 11:30")
    paused, resumed = at("2025-06-06 17:00"), at("2025-06-09 09:00")
    assert resumed_due_at(due, paused, resumed, "work_hours") == at("2025-06-09 14:30")
    assert resumed_due_at(due, paused, resumed, "urgent_hours") == due + (resumed - paused)
    assert resumed_due_at(due, paused, resumed, "urgent_days") == due + (resumed - paused)
    assert resumed_due_at(due, paused, paused, "work_hours") == due
    with pytest.raises(ValueError, match="ends after"):
        resumed_due_at(due, resumed, paused, "work_hours")


def test_working_time_between_is_signed_and_skips_what_is_closed() -> None:
    friday, monday = at("2025-06-06 16:30"), at("2025-06-09 11:30")
    assert working_time_between(friday, monday) == timedelta(hours=4)
    assert working_time_between(monday, friday) == timedelta(hours=-4)
    assert working_time_between(at("2025-06-07 00:00"), at("2025-06-08 23:00")) == timedelta(0)
    assert working_time_between(at("2025-06-06 12:00"), at("2025-06-06 14:00")) == timedelta(0)


def test_zero_working_time_moves_nothing_and_negative_is_a_bug() -> None:
    night = at("2025-06-06 23:00")
    assert add_working_time(night, timedelta(0)) == night
    with pytest.raises(ValueError, match="backwards"):
        add_working_time(night, timedelta(seconds=-1))


def test_other_office_hours_are_a_parameter() -> None:
    summer = OfficeHours(((time(8), time(12)), (time(14, 30), time(17, 30))))
    assert due_at(at("2025-07-01 11:30"), 1, "work_hours", office=summer) == at("2025-07-01 15:00")
    assert DEFAULT_OFFICE_HOURS.day_length == timedelta(hours=7)


SUMMER = OfficeHours.parse("08:00-12:00；15:00-18:00")
SEASONS = SeasonalHours({date(2025, 5, 1): SUMMER, date(2025, 10, 1): DEFAULT_OFFICE_HOURS})


@pytest.mark.parametrize(
    ("start", "amount", "unit", "due"),
    [
        # From Wednesday 30 April (Thursday is a holiday, offices work again on Tuesday 6 May).
        ("2025-04-30 16:30", 2, "work_hours", "2025-05-06 09:00"),
        ("2025-04-30 16:30", 5.5, "work_hours", "2025-05-06 15:30"),
        ("2025-04-30 09:00", 1, "work_days", "2025-05-06 18:00"),
        ("2025-04-29 09:00", 1, "work_days", "2025-04-30 17:30"),
        # Back to winter: 30 September ends at 18:00, 9 October at 17:30.
        ("2025-09-30 17:00", 2, "work_hours", "2025-10-09 09:30"),
        ("2025-09-30 17:00", 1, "work_days", "2025-10-09 17:30"),
        ("2025-09-30 17:00", 2, "urgent_hours", "2025-09-30 19:00"),
    ],
)
def test_hours_change_with_the_season(start: str, amount: float, unit: str, due: str) -> None:
    assert due_at(at(start), amount, unit, office=SEASONS) == at(due)
    if unit == "work_hours":
        counted = working_time_between(at(start), at(due), office=SEASONS)
        assert counted == timedelta(hours=amount)


def test_a_long_limit_runs_through_both_seasons() -> None:
    april, november = at("2025-04-28 08:30"), at("2025-11-03 08:30")
    counted = working_time_between(april, november, office=SEASONS)
    summer = STATE_COUNCIL.count(date(2025, 5, 1), date(2025, 10, 1))
    winter = STATE_COUNCIL.count(date(2025, 4, 28), date(2025, 11, 3)) - summer
    assert counted == winter * timedelta(hours=7) + summer * SUMMER.day_length
    assert add_working_time(april, counted, office=SEASONS) == at("2025-10-31 17:30")


@pytest.mark.parametrize(
    "text", ["", "9-17", "08:30-12:00;11:00-17:00", "17:00-08:00", "25:00-26:00", "08:30"]
)
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hours|hour|iso"):
        OfficeHours.parse(text)


@pytest.mark.parametrize(
    "windows",
    [
        (),
        ((time(12), time(8)),),
        ((time(8), time(12)), (time(11), time(17))),
        ((time(8), time(8)),),
    ],
)
def test_impossible_office_hours_are_refused(windows: tuple[tuple[time, time], ...]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        OfficeHours(windows)


def test_days_are_those_of_the_package_for_three_years() -> None:
    import chinese_calendar

    day, end = date(2024, 1, 1), date(2026, 12, 31)
    previous = None
    while day <= end:
        working = chinese_calendar.is_workday(day)
        assert STATE_COUNCIL.is_working_day(day) == working, day
        moment = datetime.combine(day, time(9), tzinfo=SHANGHAI)
        due = due_at(moment, 1, "work_hours") if day < date(2026, 12, 31) else moment
        assert (due.date() == day) == working, day
        assert working_time_between(moment, moment + timedelta(hours=1)) == timedelta(
            hours=1 if working else 0
        )
        if working and previous is not None:
            eve = datetime.combine(previous, time(9), tzinfo=SHANGHAI)
            assert due_at(eve, 1, "work_days").date() == day
            assert STATE_COUNCIL.count(previous, day) == 1
        previous = day if working else previous
        day += timedelta(days=1)
