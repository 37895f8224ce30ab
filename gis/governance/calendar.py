"""Office time 工作时间: deadlines counted in the hours and days on which offices work.

Rules. Hour limits run from the moment itself. Day limits do not count the first day and end with
the office hours of the last one (Civil Code art. 201, 203). Working days are those of the State
Council's yearly notice 节假日安排: holidays off, make-up workdays 调休 on. All instants are handled
in Asia/Shanghai and returned in it. Counting is in whole microseconds, hence exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cached_property
from itertools import pairwise
from typing import Final, Literal, TypeAlias

from gis.errors import LimitInvalid
from gis.governance.working_days import STATE_COUNCIL, WorkingCalendar

Unit: TypeAlias = Literal["work_hours", "urgent_hours", "work_days"]

UNITS: Final[dict[Unit, tuple[str, str]]] = {
    "work_hours": ("工作时", "working hours"),
    "urgent_hours": ("紧急工作时", "round-the-clock hours"),
    "work_days": ("工作日", "working days"),
}
"""Unit key -> (title_zh, title_en)."""

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Asia/Shanghai as a fixed offset: no summer time since 1991, and no time zone files needed."""

LONGEST: Final = 100_000
"""The largest amount of a limit in any unit; more is a slip of the keyboard."""

_ZERO: Final = timedelta(0)
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class OfficeHours:
    """The hours of a working day on which offices work, as (opens, closes) pairs in order.

    Raises
    ------
    ValueError
        No window, a window that does not end after it begins, or windows out of order.

    Examples
    --------
    >>> DEFAULT_OFFICE_HOURS.day_length
    datetime.timedelta(seconds=25200)
    """

    windows: tuple[tuple[time, time], ...]

    def __post_init__(self) -> None:
        bounds = [bound for window in self.windows for bound in window]
        if not bounds or any(a >= b for a, b in pairwise(bounds)):
            message = f"office hours must be windows in ascending order, not {self.windows}"
            raise ValueError(message)

    @cached_property
    def day_length(self) -> timedelta:
        """Working time of one full working day."""
        return sum((b - a for a, b in self._offsets), _ZERO)

    @cached_property
    def closing(self) -> timedelta:
        """Time from midnight to the end of the last window."""
        return self._offsets[-1][1]

    @cached_property
    def _offsets(self) -> tuple[tuple[timedelta, timedelta], ...]:
        return tuple((_since_midnight(a), _since_midnight(b)) for a, b in self.windows)

    def worked_by(self, moment: time) -> timedelta:
        """Return the working time between midnight and a time of a working day."""
        until = _since_midnight(moment)
        return sum((max(_ZERO, min(b, until) - a) for a, b in self._offsets), _ZERO)

    def reached(self, worked: timedelta) -> timedelta:
        """Return the first time since midnight at which so much is worked (0 < worked <= a day)."""
        rest = worked
        for opens, closes in self._offsets:
            if rest <= closes - opens:
                return opens + rest
            rest -= closes - opens
        message = f"{worked} is more than one working day"
        raise ValueError(message)


DEFAULT_OFFICE_HOURS: Final = OfficeHours(((time(8, 30), time(12, 0)), (time(14, 0), time(17, 30))))
"""08:30-12:00 and 14:00-17:30: seven hours."""


def due_at(
    start: datetime,
    amount: float,
    unit: str,
    *,
    office: OfficeHours = DEFAULT_OFFICE_HOURS,
    calendar: WorkingCalendar = STATE_COUNCIL,
) -> datetime:
    """Return the instant 时限 at which a limit that starts now ends, in Asia/Shanghai.

    ``work_hours`` run from the moment, in office hours only; ``urgent_hours`` round the clock;
    ``work_days`` do not count the first day and end with the office hours of the last day.
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
    """
    check_limit(amount, unit)
    begin = _local(start)
    if unit == "work_hours":
        return add_working_time(begin, timedelta(hours=amount), office=office, calendar=calendar)
    if unit == "urgent_hours":
        return begin + timedelta(hours=amount)
    return _midnight(calendar.nth_after(begin.date(), int(amount))) + office.closing


def add_working_time(
    start: datetime,
    duration: timedelta,
    *,
    office: OfficeHours = DEFAULT_OFFICE_HOURS,
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
    day = begin.date()
    if calendar.is_working_day(day):
        total = office.worked_by(begin.time()) + duration
        if total <= office.day_length:
            return _midnight(day) + office.reached(total)
        total -= office.day_length
    else:
        total = duration
    # A whole number of days ends at closing time of the last one: hence the tick.
    days, rest = divmod(total - _TICK, office.day_length)
    return _midnight(calendar.nth_after(day, days + 1)) + office.reached(rest + _TICK)


def working_time_between(
    start: datetime,
    end: datetime,
    *,
    office: OfficeHours = DEFAULT_OFFICE_HOURS,
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
    days = calendar.count(begin.date(), finish.date())
    worked = days * office.day_length
    if calendar.is_working_day(finish.date()):
        worked += office.worked_by(finish.time())
    if calendar.is_working_day(begin.date()):
        worked -= office.worked_by(begin.time())
    return worked


def resumed_due_at(
    due: datetime,
    paused_at: datetime,
    resumed_at: datetime,
    unit: str,
    *,
    office: OfficeHours = DEFAULT_OFFICE_HOURS,
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
    if unit == "urgent_hours":
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
    countable = 0 < amount <= LONGEST and (unit != "work_days" or amount == int(amount))
    if unit not in UNITS or not countable:
        raise LimitInvalid(amount=str(amount), unit=unit)


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None or moment.utcoffset() is None:
        message = f"a deadline needs an instant with an offset, not the naive {moment.isoformat()}"
        raise ValueError(message)
    return moment.astimezone(SHANGHAI)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=SHANGHAI)


def _since_midnight(moment: time) -> timedelta:
    return timedelta(
        hours=moment.hour,
        minutes=moment.minute,
        seconds=moment.second,
        microseconds=moment.microsecond,
    )
