"""SQL of how a city counts time: its holiday notices and its office hours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from gis.governance.working_days import HolidayNotice
from gis.store.tables import holiday_notices, office_hours
from gis.store.unit_of_work import UnitOfWork

Notices = tuple[tuple[int, frozenset[date], frozenset[date]], ...]
"""(year, days off, weekend days on), by year."""
Hours = tuple[tuple[date, str], ...]
"""(first day, the hours from then on as text), by day."""


def _everything() -> sa.CompoundSelect[*tuple[Any, ...]]:
    """Return both in one statement: every intake asks."""
    notices, hours = holiday_notices.c, office_hours.c
    dates = ARRAY(sa.Date)
    return sa.union_all(
        sa.select(notices.year, notices.days_off, notices.makeup_workdays,
                  sa.null().label("since"), sa.null().label("hours")),
        sa.select(sa.null(), sa.cast(sa.null(), dates), sa.cast(sa.null(), dates),
                  hours.since, hours.hours),
    ).order_by("year", "since")  # fmt: skip


_EVERYTHING = _everything()


def city_time(work: UnitOfWork) -> tuple[Notices, Hours]:
    """Return the notices and the office hours that the city supplied."""
    rows = work.rows(_EVERYTHING)
    return (
        tuple(
            (row["year"], frozenset(row["days_off"]), frozenset(row["makeup_workdays"]))
            for row in rows
            if row["year"] is not None
        ),
        tuple((row["since"], row["hours"]) for row in rows if row["year"] is None),
    )


def put(work: UnitOfWork, notices: Mapping[int, HolidayNotice], source: str) -> None:
    """Write notices in the actor's name; one of the same year is replaced."""
    for year, notice in notices.items():
        values = {
            "days_off": sorted(notice.days_off),
            "makeup_workdays": sorted(notice.makeup_workdays),
            "source": source,
            "imported_by": work.actor.id,
            "imported_at": sa.func.now(),
        }
        work.execute(
            insert(holiday_notices)
            .values(year=year, **values)
            .on_conflict_do_update(index_elements=[holiday_notices.c.year], set_=values)
        )


def put_hours(work: UnitOfWork, hours: Mapping[date, str], source: str) -> None:
    """Write the city's office hours in the actor's name: these, and no others any more."""
    work.execute(sa.delete(office_hours))
    for since, windows in hours.items():
        work.execute(
            sa.insert(office_hours).values(
                since=since, hours=windows, source=source, imported_by=work.actor.id
            )
        )
