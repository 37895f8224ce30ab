"""SQL of readiness and of the numbers on the start page."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic.migration import MigrationContext

from gis.store.areas import at_revision
from gis.store.tables import area_versions, events, stations
from gis.store.unit_of_work import UnitOfWork

_VERSIONS: Final = sa.text(
    "select current_setting('server_version') as postgresql, "
    "(select extversion from pg_extension where extname = 'postgis') as postgis"
)
_TODAY: Final = sa.func.timezone(
    "Asia/Shanghai", sa.func.date_trunc("day", sa.func.timezone("Asia/Shanghai", sa.func.now()))
)
"""Midnight in the city: the trade's day is that of Asia/Shanghai, wherever the server stands."""


def versions(work: UnitOfWork) -> tuple[str, str | None]:
    """Return the versions of PostgreSQL and of PostGIS (None: not installed)."""
    row = work.rows(_VERSIONS)[0]
    return row["postgresql"], row["postgis"]


def migration(work: UnitOfWork) -> str | None:
    """Return the migration that the schema stands at, None for an empty database."""
    return MigrationContext.configure(work.connection).get_current_revision()


def areas_by_level(work: UnitOfWork, revision: int) -> dict[str, int]:
    """Return how many areas of each level a revision has."""
    level = area_versions.c.level
    counted = (
        sa.select(level, sa.func.count().label("areas"))
        .where(at_revision(revision))
        .group_by(level)
    )
    return {row["level"]: row["areas"] for row in work.rows(counted)}


def city_names(work: UnitOfWork, revision: int) -> list[str]:
    """Return the names of the cities of a revision, by code: one, as a rule."""
    versions_ = area_versions.c
    named = (
        sa.select(versions_.name)
        .where(at_revision(revision), versions_.level == "city")
        .order_by(versions_.area_code.collate("C"))
    )
    return [row["name"] for row in work.rows(named)]


def extent(work: UnitOfWork, revision: int, code: str | None) -> tuple[float, ...] | None:
    """Return west, south, east, north of an area, of all areas without a code; None of nothing."""
    versions_ = area_versions.c
    box = sa.func.ST_Extent(versions_.geometry)
    asked = sa.select(
        sa.func.ST_XMin(box), sa.func.ST_YMin(box), sa.func.ST_XMax(box), sa.func.ST_YMax(box)
    ).where(at_revision(revision))
    if code is None:
        asked = asked.where(versions_.level.in_(("city", "county")))
    else:
        asked = asked.where(versions_.area_code == code)
    found = work.connection.execute(asked).one()
    return None if found[0] is None else tuple(float(degrees) for degrees in found)


def area_name(work: UnitOfWork, revision: int, code: str) -> str | None:
    """Return the name of an area at a revision."""
    versions_ = area_versions.c
    name: str | None = work.scalar(
        sa.select(versions_.name).where(at_revision(revision), versions_.area_code == code)
    )
    return name


def open_stations(work: UnitOfWork) -> int:
    """Return how many stations are open."""
    return int(
        work.scalar(
            sa.select(sa.func.count()).select_from(stations).where(stations.c.closed_at.is_(None))
        )
    )


def events_today(work: UnitOfWork) -> int:
    """Return how many events came in since midnight in the city."""
    return int(
        work.scalar(
            sa.select(sa.func.count()).select_from(events).where(events.c.received_at >= _TODAY)
        )
    )
