"""Boundary exceptions: on a stretch, for a category, another area or unit decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gis.store.tables import area_versions, boundary_exceptions, units
from gis.store.unit_of_work import UnitOfWork

_COLUMNS = (
    boundary_exceptions.c.id,
    boundary_exceptions.c.category,
    boundary_exceptions.c.area_code,
    boundary_exceptions.c.unit_code,
    boundary_exceptions.c.reason,
    boundary_exceptions.c.created_by,
    boundary_exceptions.c.created_at,
    boundary_exceptions.c.expires_at,
    boundary_exceptions.c.ended_at,
    boundary_exceptions.c.ended_by,
    sa.func.ST_AsBinary(boundary_exceptions.c.geometry).label("wkb"),
    sa.func.ST_AsBinary(boundary_exceptions.c.line).label("line_wkb"),
    boundary_exceptions.c.width_m,
)
_LIVE = sa.and_(
    boundary_exceptions.c.ended_at.is_(None), boundary_exceptions.c.expires_at > sa.func.now()
)


@dataclass(frozen=True, slots=True)
class NewException:
    """An exception to be written; ``ewkb`` is a hexadecimal EWKB multipolygon in EPSG:4326.

    ``line_ewkb`` and ``width_m`` are what the ground was made of, where it runs along a line.
    """

    ewkb: str
    category: str | None
    area_code: str
    unit_code: str | None
    reason: str
    expires_at: datetime
    line_ewkb: str | None = None
    width_m: float | None = None


def add(work: UnitOfWork, new: NewException) -> sa.RowMapping:
    """Write an exception in the actor's name; return it as it stands."""
    row = work.rows(
        sa.insert(boundary_exceptions)
        .values(
            geometry=sa.func.ST_GeomFromEWKB(sa.func.decode(new.ewkb, "hex")),
            line=None
            if new.line_ewkb is None
            else sa.func.ST_GeomFromEWKB(sa.func.decode(new.line_ewkb, "hex")),
            width_m=new.width_m,
            category=new.category,
            area_code=new.area_code,
            unit_code=new.unit_code,
            reason=new.reason,
            created_by=work.actor.id,
            expires_at=new.expires_at,
        )
        .returning(*_COLUMNS)
    )
    return row[0]


def end(work: UnitOfWork, exception_id: int) -> sa.RowMapping | None:
    """End a live exception now; None when there is none of that number."""
    return work.row(
        sa.update(boundary_exceptions)
        .where(boundary_exceptions.c.id == exception_id, _LIVE)
        .values(
            ended_at=sa.func.now(),
            ended_by=work.actor.id,
            version=boundary_exceptions.c.version + 1,
        )
        .returning(*_COLUMNS)
    )


def by_id(work: UnitOfWork, exception_id: int) -> sa.RowMapping | None:
    """Return one live exception."""
    return work.row(sa.select(*_COLUMNS).where(boundary_exceptions.c.id == exception_id, _LIVE))


def listing(
    work: UnitOfWork, *, live_only: bool, before: int | None = None, limit: int | None = None
) -> list[sa.RowMapping]:
    """Return exceptions, newest first, those that ended or expired too unless ``live_only``."""
    chosen = sa.select(*_COLUMNS).order_by(boundary_exceptions.c.id.desc()).limit(limit)
    if live_only:
        chosen = chosen.where(_LIVE)
    if before is not None:
        chosen = chosen.where(boundary_exceptions.c.id < before)
    return work.rows(chosen)


def unit_area(work: UnitOfWork, unit_code: str) -> sa.RowMapping | None:
    """Return the area of a unit (``area_code``), None when there is no such unit."""
    return work.row(sa.select(units.c.area_code).where(units.c.code == unit_code))


def lies_in(work: UnitOfWork, ewkb: str, code: str) -> bool:
    """Tell whether a geometry lies wholly in an area as it is valid today."""
    geometry = sa.func.ST_GeomFromEWKB(sa.func.decode(ewkb, "hex"))
    statement = sa.select(sa.literal(1)).where(
        area_versions.c.area_code == code,
        area_versions.c.valid.op("@>")(sa.func.now()),
        sa.func.ST_Covers(area_versions.c.geometry, geometry),
    )
    return work.scalar(statement.limit(1)) is not None
