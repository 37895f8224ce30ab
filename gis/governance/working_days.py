"""Working days 工作日: which days offices work, by the State Council's yearly notice."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

import chinese_calendar

from gis.errors import CalendarMissing


@dataclass(frozen=True)
class HolidayNotice:
    """The State Council's notice for one year: weekdays off, and weekend days on."""

    days_off: frozenset[date]
    makeup_workdays: frozenset[date] = frozenset()

    def is_working_day(self, day: date) -> bool:
        """Tell whether offices work that day."""
        return day in self.makeup_workdays or (day.weekday() < 5 and day not in self.days_off)


class WorkingCalendar:
    """Which days are working days, year by year.

    Parameters
    ----------
    notices
        Years that the package ``chinesecalendar`` does not know yet (or that a city overrides):
        the notice of the coming year appears in November, the package follows weeks later.

    Examples
    --------
    >>> STATE_COUNCIL.is_working_day(date(2025, 9, 28))  # a Sunday, made up for National Day
    True
    >>> STATE_COUNCIL.nth_after(date(2025, 9, 30), 1)
    datetime.date(2025, 10, 9)
    """

    def __init__(self, notices: Mapping[int, HolidayNotice] = MappingProxyType({})) -> None:
        self._notices = dict(notices)
        self._years: dict[int, tuple[int, ...]] = {}

    def working_days(self, year: int) -> tuple[int, ...]:
        """Return the proleptic ordinals of a year's working days, ascending.

        Raises
        ------
        gis.errors.CalendarMissing
            Nobody knows that year's holidays; a guess would give wrong deadlines in silence.
        """
        known = self._years.get(year)
        if known is None:
            known = self._years[year] = self._load(year)
        return known

    def is_working_day(self, day: date) -> bool:
        """Tell whether offices work that day."""
        days = self.working_days(day.year)
        at = bisect_left(days, day.toordinal())
        return at < len(days) and days[at] == day.toordinal()

    def nth_after(self, day: date, n: int) -> date:
        """Return the n-th working day after a day that itself does not count (n >= 1)."""
        days = self.working_days(day.year)
        left = n - (len(days) - bisect_right(days, day.toordinal()))
        year = day.year
        while left > 0:
            year += 1
            days = self.working_days(year)
            left -= len(days)
        return date.fromordinal(days[left - 1])

    def count(self, first: date, beyond: date) -> int:
        """Count the working days in [first, beyond)."""
        if beyond <= first:
            return 0
        whole = sum(len(self.working_days(year)) for year in range(first.year, beyond.year))
        return whole + self._passed(beyond) - self._passed(first)

    def _passed(self, day: date) -> int:
        return bisect_left(self.working_days(day.year), day.toordinal())

    def _load(self, year: int) -> tuple[int, ...]:
        notice = self._notices.get(year)
        is_working_day = notice.is_working_day if notice else chinese_calendar.is_workday
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        try:
            return tuple(
                day for day in range(first, last + 1) if is_working_day(date.fromordinal(day))
            )
        except NotImplementedError as error:
            raise CalendarMissing(year=year) from error


STATE_COUNCIL: Final = WorkingCalendar()
"""The State Council's calendar as the installed package ``chinesecalendar`` knows it."""
