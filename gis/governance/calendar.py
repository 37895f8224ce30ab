"""Office time 工作时间: deadlines counted in the hours and days on which offices work.

Rules. Hour limits run from the moment itself. Day limits do not count the first day; working days
end with the office hours of the last one, urgent days 紧急工作日 (every day of the calendar) with
its midnight, since such work knows no closing time (Civil Code art. 201, 203). Working days are
those of the State Council's yearly notice 节假日安排: holidays off, make-up workdays 调休 on. All
instants are handled in Asia/Shanghai and returned in it. Counting is in whole microseconds, hence
exact.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Final, Literal, TypeAlias

from gis.errors import LimitInvalid
from gis.governance.office_hours import DEFAULT_OFFICE_HOURS as DEFAULT_OFFICE_HOURS  # noqa: PLC0414
from gis.governance.office_hours import Office
from gis.governance.office_hours import OfficeHours as OfficeHours  # noqa: PLC0414
from gis.governance.working_days import STATE_COUNCIL, WorkingCalendar

Unit: TypeAlias = Literal["work_hours", "urgent_hours", "work_days", "urgent_days"]

UNITS: Final[dict[Unit, tuple[str, str]]] = {
    "work_hours": ("工作时", "working hours"),
    "urgent_hours": ("紧急工作时", "round-the-clock hours"),
    "work_days": ("工作日", "working days"),
    "urgent_days": ("紧急工作日", "calendar days"),
}
"""Unit key -> (title_zh, title_en)."""

ROUND_THE_CLOCK: Final = ("urgent_hours", "urgent_days")
"""Units that run at night and on holidays."""

_IN_DAYS: Final = ("work_days", "urgent_days")

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Asia/Shanghai as a fixed offset: no summer time since 1991, and no time zone files needed."""

LONGEST: Final = 100_000
"""The largest amount of a limit in any unit; more is a slip of the keyboard."""

_ZERO: Final = timedelta(0)


def due_at(
    start: datetime,
    amount: float,
    unit: str,
    *,
    office: Office = DEFAULT_OFFICE_HOURS,
    calendar: WorkingCalendar = STATE_COUNCIL,
) -> datetime:
    """Return the instant 时限 at which a limit that starts now ends, in Asia/Shanghai.

    ``work_hours`` run from the moment, in office hours only; ``urgent_hours`` round the clock;
    ``work_days`` do not count the first day and end with the office hours of the last day,
    ``urgent_days`` count every day after the first and end with the last one, at midnight.
    A limit that ends with a window ends there (12:00, 17:30), not when the next one opens.

    Raises
    ------
    gis.errors.LimitInvalid
        Unknown unit, an amount that is not in (0, 100000], or a broken working day.
    gis.errors.CalendarMissing
        The count reaches a year whose holidays are not known.
    ValueError
        ``start`` is naive.

    Examples
    --------
    >>> friday = datetime(2025, 6, 6, 16, 30, tzinfo=SHANGHAI)
    >>> due_at(friday, 4, "work_hours").isoformat()
    '2025-06-09T11:30:00+08:00'
    >>> due_at(friday, 4, "urgent_hours").isoformat()
    '2025-06-06T20:30:00+08:00'
    >>> due_at(friday, 1, "work_days").isoformat()
    '2025-06-09T17:30:00+08:00'
    >>> due_at(friday, 1, "urgent_days").isoformat()
    '2025-06-08T00:00:00+08:00'
    """
    check_limit(amount, unit)
    begin = _local(start)
    if unit == "work_hours":
        return add_working_time(begin, timedelta(hours=amount), office=office, calendar=calendar)
    if unit == "urgent_hours":
        return begin + timedelta(hours=amount)
    if unit == "urgent_days":
        return _midnight(begin.date() + timedelta(days=int(amount) + 1))
    last = calendar.nth_after(begin.date(), int(amount))
    return _midnight(last) + office.on(last).closing


def add_working_time(
    start: datetime,
    duration: timedelta,
    *,
    office: Office = DEFAULT_OFFICE_HOURS,
    calendar: WorkingCalendar = STATE_COUNCIL,
) -> datetime:
    """Return the first instant at which so much working time has passed since the start.

    A duration of zero gives the start itself, inside office hours or not.

    Raises
    ------
    gis.errors.CalendarMissing
        The count reaches a year whose holidays are not known.
    ValueError
        ``start`` is naive or the duration negative.

    Examples
    --------
    >>> noon = datetime(2025, 6, 6, 12, 30, tzinfo=SHANGHAI)
    >>> add_working_time(noon, timedelta(hours=2)).isoformat()
    '2025-06-06T16:00:00+08:00'
    """
    if duration < _ZERO:
        message = f"working time cannot be added backwards: {duration}"
        raise ValueError(message)
    begin = _local(start)
    if duration == _ZERO:
        return begin
    day, left = begin.date(), duration
    if calendar.is_working_day(day):
        left += office.on(day).worked_by(begin.time())
    else:
        day = calendar.nth_after(day, 1)
    while left > (hours := office.on(day)).day_length:
        left -= hours.day_length
        day = calendar.nth_after(day, 1)
    return _midnight(day) + hours.reached(left)


def working_time_between(
    start: datetime,
    end: datetime,
    *,
    office: Office = DEFAULT_OFFICE_HOURS,
    calendar: WorkingCalendar = STATE_COUNCIL,
) -> timedelta:
    """Return the working time from start to end; negative when the end lies before the start.

    Raises
    ------
    gis.errors.CalendarMissing
        Start or end lies in a year whose holidays are not known, or one between them.
    ValueError
        One of the two is naive.

    Examples
    --------
    >>> friday = datetime(2025, 6, 6, 16, 30, tzinfo=SHANGHAI)
    >>> working_time_between(friday, friday + timedelta(days=3))
    datetime.timedelta(seconds=25200)
    """
    if start > end:
        return -working_time_between(end, start, office=office, calendar=calendar)
    begin, finish = _local(start), _local(end)
    day, last, worked = begin.date(), finish.date(), _ZERO
    if calendar.is_working_day(last):
        worked += office.on(last).worked_by(finish.time())
    if calendar.is_working_day(day):
        worked -= office.on(day).worked_by(begin.time())
    while day < last:  # season by season
        until = min(office.changes_after(day) or last, last)
        worked += calendar.count(day, until) * office.on(day).day_length
        day = until
    return worked


def resumed_due_at(
    due: datetime,
    paused_at: datetime,
    resumed_at: datetime,
    unit: str,
    *,
    office: Office = DEFAULT_OFFICE_HOURS,
    calendar: WorkingCalendar = STATE_COUNCIL,
) -> datetime:
    """Return a deadline after a pause 挂账: it gives back exactly the time that stood still.

    Round-the-clock limits get back the plain time, the others the working time of the pause.

    >>> due = datetime(2025, 6, 9, 11, 30, tzinfo=SHANGHAI)
    >>> paused = datetime(2025, 6, 6, 17, 0, tzinfo=SHANGHAI)
    >>> resumed = datetime(2025, 6, 9, 9, 0, tzinfo=SHANGHAI)
    >>> resumed_due_at(due, paused, resumed, "work_hours").isoformat()
    '2025-06-09T14:30:00+08:00'
    """
    if resumed_at < paused_at:
        message = "a pause ends after it begins"
        raise ValueError(message)
    if unit in ROUND_THE_CLOCK:
        return _local(due) + (resumed_at - paused_at)
    pause = working_time_between(paused_at, resumed_at, office=office, calendar=calendar)
    return add_working_time(due, pause, office=office, calendar=calendar)


def check_limit(amount: float, unit: str) -> None:
    """Refuse a limit that cannot be counted.

    Raises
    ------
    gis.errors.LimitInvalid
        Unknown unit, an amount that is not in (0, 100000], or a broken working day.

    Examples
    --------
    >>> check_limit(1.5, "work_hours")
    >>> check_limit(1.5, "work_days")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    gis.errors.cases.LimitInvalid: The limit 1.5 work_days ...
    """
    countable = 0 < amount <= LONGEST and (unit not in _IN_DAYS or amount == int(amount))
    if unit not in UNITS or not countable:
        raise LimitInvalid(amount=str(amount), unit=unit)


def local_day(moment: datetime) -> date:
    """Return the day of an instant in Asia/Shanghai.

    >>> local_day(datetime(2025, 12, 31, 16, 0, tzinfo=timezone.utc))
    datetime.date(2026, 1, 1)
    """
    return _local(moment).date()


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None or moment.utcoffset() is None:
        message = f"a deadline needs an instant with an offset, not the naive {moment.isoformat()}"
        raise ValueError(message)
    return moment.astimezone(SHANGHAI)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=SHANGHAI)
