"""Office hours 办公时间: the windows of a working day, and those that change with the season.

Most cities close at noon; many open earlier and pause longer in summer 夏季作息. Both are data of
the city: an :class:`OfficeHours` for all days, or :class:`SeasonalHours` by day.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Final, Protocol, Self

_ZERO: Final = timedelta(0)
_WINDOW: Final = re.compile(r"(\d{1,2}:\d{2})\s*[-–—~至]\s*(\d{1,2}:\d{2})")


class Office(Protocol):
    """When offices work, day by day."""

    def on(self, day: date) -> OfficeHours:
        """Return the hours of a day, if it is a working day."""

    def changes_after(self, day: date) -> date | None:
        """Return the first later day with other hours, None when there is none."""


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

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read hours as people write them.

        Raises
        ------
        ValueError
            Something else than windows in ascending order.

        Examples
        --------
        >>> str(OfficeHours.parse("8:00-12:00;15:00-18:00"))
        '08:00-12:00;15:00-18:00'
        """
        windows = []
        for part in re.split(r"[;；,，、]", text):
            found = _WINDOW.fullmatch(part.strip())
            if found is None:
                message = f"no window of office hours: {part!r}"
                raise ValueError(message)
            opens, closes = (time.fromisoformat(one.rjust(5, "0")) for one in found.groups())
            windows.append((opens, closes))
        return cls(tuple(windows))

    def __str__(self) -> str:
        """Return the hours as :meth:`parse` reads them."""
        return ";".join(f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in self.windows)

    def on(self, day: date) -> OfficeHours:  # noqa: ARG002 - every day is alike
        """Return these hours: they hold on every working day."""
        return self

    def changes_after(self, day: date) -> date | None:  # noqa: ARG002
        """Return None: they never change."""
        return None

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
"""08:30-12:00 and 14:00-17:30: seven hours, for a city that has not said its own."""


class SeasonalHours:
    """Hours that hold from a day on, until others do; before the first day the default ones.

    Examples
    --------
    >>> summer = OfficeHours.parse("08:00-12:00;15:00-18:00")
    >>> year = SeasonalHours({date(2026, 5, 1): summer, date(2026, 10, 1): DEFAULT_OFFICE_HOURS})
    >>> str(year.on(date(2026, 9, 30))), str(year.on(date(2026, 4, 30)))
    ('08:00-12:00;15:00-18:00', '08:30-12:00;14:00-17:30')
    >>> year.changes_after(date(2026, 5, 1)), year.changes_after(date(2026, 10, 1))
    (datetime.date(2026, 10, 1), None)
    """

    def __init__(
        self, since: Mapping[date, OfficeHours], before: OfficeHours = DEFAULT_OFFICE_HOURS
    ) -> None:
        self._days = sorted(since)
        self._hours = [before, *(since[day] for day in self._days)]

    def on(self, day: date) -> OfficeHours:
        """Return the hours of a day, if it is a working day."""
        return self._hours[bisect_right(self._days, day)]

    def changes_after(self, day: date) -> date | None:
        """Return the first later day with other hours, None when there is none."""
        following = bisect_right(self._days, day)
        return self._days[following] if following < len(self._days) else None


def _since_midnight(moment: time) -> timedelta:
    return timedelta(
        hours=moment.hour,
        minutes=moment.minute,
        seconds=moment.second,
        microseconds=moment.microsecond,
    )
