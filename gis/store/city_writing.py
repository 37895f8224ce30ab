"""Buildings, people, openings, seekers and roads being imported: written by code, whole or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE, insert

from gis.store.tables import buildings, job_openings, job_seekers, people_counts, roads
from gis.store.unit_of_work import UnitOfWork

Row = Mapping[str, Any]

_LOCK: Final = sa.text("select pg_advisory_xact_lock(hashtext('gridward.city'))")
_TABLES: Final[dict[str, tuple[sa.Table, tuple[str, ...]]]] = {
    "buildings": (buildings, ("code",)),
    "people": (people_counts, ("series", "code")),
    "openings": (job_openings, ("code",)),
    "seekers": (job_seekers, ("code",)),
}


def lock(work: UnitOfWork) -> None:
    """Wait until no other import of the city's things runs; released at the end."""
    work.connection.execute(_LOCK)


def known(work: UnitOfWork, subject: str, codes: Sequence[str], series: str = "") -> set[str]:
    """Return which codes are stored already."""
    table, _ = _TABLES[subject]
    chosen = sa.select(table.c.code).where(table.c.code == sa.any_(_CODES))
    if subject == "people":
        chosen = chosen.where(table.c.series == series)
    return {row["code"] for row in work.rows(chosen, codes=list(codes))}


_CODES: Final = sa.bindparam("codes", type_=ARRAY(sa.Text))


def building_ids(work: UnitOfWork, codes: Sequence[str]) -> dict[str, tuple[int, float, float]]:
    """Return id, lon, lat of buildings by code."""
    rows = work.rows(
        sa.select(
            buildings.c.code,
            buildings.c.id,
            sa.func.ST_X(buildings.c.geometry).label("lon"),
            sa.func.ST_Y(buildings.c.geometry).label("lat"),
        ).where(buildings.c.code == sa.any_(_CODES)),
        codes=list(codes),
    )
    return {row["code"]: (row["id"], row["lon"], row["lat"]) for row in rows}


def put(work: UnitOfWork, subject: str, rows: Sequence[Row]) -> int:
    """Write rows by code; return how many are new.

    Geometry comes as EWKT. A row that is the same as stored is left alone.
    """
    if not rows:
        return 0
    table, key = _TABLES[subject]
    names = list(rows[0])
    values: dict[str, Any] = {name: sa.bindparam(name) for name in names}
    for name in {"geometry", "footprint"} & set(names):
        values[name] = sa.func.ST_GeomFromEWKT(sa.cast(sa.bindparam(name), sa.Text))
    if "valid" in names:
        values["valid"] = sa.cast(sa.cast(sa.bindparam("valid"), sa.Text), TSTZRANGE)
    statement = insert(table).values(values)
    rest = [name for name in names if name not in key]
    changed = sa.or_(*(table.c[name].is_distinct_from(statement.excluded[name]) for name in rest))
    upsert = statement.on_conflict_do_update(
        index_elements=list(key),
        set_={name: statement.excluded[name] for name in rest},
        where=changed,
    )
    count = sa.select(sa.func.count()).select_from(table)
    before = work.scalar(count)
    work.connection.execute(upsert, [dict(row) for row in rows])
    return int(work.scalar(count)) - int(before)


def period(begin: date, end: date | None) -> str:
    """Return the period of an opening: whole days in the city, the last one included.

    >>> period(date(2026, 11, 1), date(2026, 11, 30))
    '[2026-11-01 00:00:00+08,2026-12-01 00:00:00+08)'
    """
    last = "" if end is None else f"{(end + timedelta(days=1)).isoformat()} 00:00:00+08"
    return f"[{begin.isoformat()} 00:00:00+08,{last})"


def replace_roads(work: UnitOfWork, rows: Sequence[Row]) -> None:
    """Put a whole network in place of the one that is there."""
    work.execute(sa.delete(roads))
    if rows:
        work.connection.execute(
            sa.insert(roads).values(
                {
                    **{
                        name: sa.bindparam(f"{name}_")
                        for name in ("code", "name", "class", "oneway", "walk", "ride", "length_m")
                    },
                    "geometry": sa.func.ST_GeomFromEWKT(
                        sa.cast(sa.bindparam("geometry_"), sa.Text)
                    ),
                }
            ),
            [{f"{name}_": value for name, value in row.items()} for row in rows],
        )


def has_roads(work: UnitOfWork) -> bool:
    """Tell whether there is any road."""
    return work.scalar(sa.select(roads.c.id).limit(1)) is not None
