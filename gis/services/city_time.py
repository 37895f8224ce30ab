"""By what time a city counts: its office hours, and its calendar with the notices it supplied."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from gis.errors import CalendarMissing
from gis.governance.actors import SYSTEM
from gis.governance.calendar import local_day
from gis.governance.clocks import Clock, Ruler, begin
from gis.governance.office_hours import OfficeHours, SeasonalHours
from gis.governance.working_days import HolidayNotice, WorkingCalendar
from gis.store import holidays
from gis.store import orders as store
from gis.store.unit_of_work import Database, UnitOfWork

AHEAD: Final = timedelta(days=90)
"""Limits of today reach so far, weekends and holidays included."""

_lock: Final = threading.Lock()
_made: dict[tuple[object, ...], Ruler] = {}
"""Calendars by their notices: days are counted once per process, not once per case."""


def ruler_of(work: UnitOfWork) -> Ruler:
    """Return how time is counted, as this transaction sees the city's notices and hours."""
    known = holidays.city_time(work)
    with _lock:
        found = _made.get(known)
        if found is None:
            found = _made[known] = _ruler(*known)
            while len(_made) > 16:
                _made.pop(next(iter(_made)))
    return found


def _ruler(notices: holidays.Notices, hours: holidays.Hours) -> Ruler:
    calendar = WorkingCalendar({year: HolidayNotice(off, on) for year, off, on in notices})
    if not hours:
        return Ruler(calendar=calendar)
    return Ruler(SeasonalHours({day: OfficeHours.parse(text) for day, text in hours}), calendar)


def check(database: Database, now: datetime) -> dict[str, Any]:
    """Return what of the city's time an operator should know: nothing here makes it unready.

    Limits that reach into a year of ``missing_years`` stay open until its notice is imported.
    """
    with database.reading(SYSTEM) as work:
        ruler = ruler_of(work)
    missing = missing_years(ruler.calendar, now)
    return {"missing_years": missing, "office_hours": str(ruler.office.on(local_day(now)))}


def missing_years(calendar: WorkingCalendar, now: datetime) -> list[int]:
    """Return the years within reach of today's deadlines for which no calendar is known."""
    missing = []
    for year in range(local_day(now).year, local_day(now + AHEAD).year + 1):
        try:
            calendar.working_days(year)
        except CalendarMissing:
            missing.append(year)
    return missing


def put_notices(work: UnitOfWork, notices: dict[int, HolidayNotice], source: str) -> int:
    """Write notices, and give orders that were waiting for them the limit that they lacked.

    Returns
    -------
    int
        How many clocks got a limit.
    """
    holidays.put(work, notices, source)
    ruler = ruler_of(work)
    given = 0
    for row in store.clocks_without_end(work):
        clock: Clock = begin(row["stage"], store.limit_of_row(row), row["started_at"], ruler)
        if clock.due_at is None:
            continue
        store.change_clock(
            work,
            row["id"],
            {"due_at": clock.due_at, "warn_at": clock.warn_at, "next_at": clock.next_at},
        )
        if row["stage"] == "handle" and row["work_order_code"] is not None:
            store.set_due(work, row["work_order_code"], clock.due_at)
        given += 1
    return given


def put_hours(work: UnitOfWork, hours: Mapping[date, OfficeHours], source: str) -> None:
    """Write the city's office hours; limits that were set before stay as they are."""
    holidays.put_hours(work, {day: str(windows) for day, windows in hours.items()}, source)
