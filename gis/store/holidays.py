"""SQL of the holiday notices that a city supplies."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gis.governance.working_days import HolidayNotice
from gis.store.tables import holiday_notices
from gis.store.unit_of_work import UnitOfWork


def all_notices(work: UnitOfWork) -> dict[int, HolidayNotice]:
    """Return the notices that the city supplied, by year."""
    columns = holiday_notices.c
    rows = work.rows(sa.select(columns.year, columns.days_off, columns.makeup_workdays))
    return {
        row["year"]: HolidayNotice(frozenset(row["days_off"]), frozenset(row["makeup_workdays"]))
        for row in rows
    }


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
