"""Stations 服务站 being imported: read by code, written by code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from gis.store.tables import stations
from gis.store.unit_of_work import UnitOfWork

_LOCK: Final = sa.text("select pg_advisory_xact_lock(hashtext('gridward.stations'))")
_CODES: Final = sa.bindparam("codes", type_=ARRAY(sa.Text))


@dataclass(frozen=True, slots=True)
class StationRow:
    """One station as it is written; ``lon lat`` in WGS84, ``raw`` as it was delivered."""

    code: str
    name: str
    kind: str
    lon: float
    lat: float
    address: str | None
    area_code: str | None
    opening_hours: str | None
    capacity: int | None
    attributes: dict[str, Any]
    raw: dict[str, Any]


def lock(work: UnitOfWork) -> None:
    """Wait until no other import of stations runs; released at the end of the transaction."""
    work.connection.execute(_LOCK)


def by_code(work: UnitOfWork, codes: Sequence[str]) -> dict[str, sa.RowMapping]:
    """Return what is stored under the codes, with lon and lat."""
    columns = stations.c
    found = work.rows(
        sa.select(
            columns.code,
            columns.name,
            columns.kind,
            sa.func.ST_X(columns.geometry).label("lon"),
            sa.func.ST_Y(columns.geometry).label("lat"),
            columns.address,
            columns.area_code,
            columns.opening_hours,
            columns.capacity,
            columns.attributes,
        ).where(columns.code == sa.any_(_CODES)),
        codes=list(codes),
    )
    return {row["code"]: row for row in found}


def put(work: UnitOfWork, rows: Sequence[StationRow]) -> None:
    """Write stations; those whose code is there are overwritten but for when they were made."""
    if not rows:
        return
    place = sa.func.ST_SetSRID(
        sa.func.ST_MakePoint(sa.bindparam("lon"), sa.bindparam("lat")), sa.literal(4326)
    )
    written = [column.name for column in stations.columns if column.name in _WRITTEN]
    statement = insert(stations).values(
        {name: sa.bindparam(name) for name in written} | {"geometry": place}
    )
    changed = {name: statement.excluded[name] for name in (*written, "geometry") if name != "code"}
    upsert = statement.on_conflict_do_update(index_elements=["code"], set_=changed)
    work.connection.execute(upsert, [asdict(row) for row in rows])


_WRITTEN: Final = (
    "code",
    "name",
    "kind",
    "address",
    "area_code",
    "opening_hours",
    "capacity",
    "attributes",
    "raw",
)

_NEAREST: Final = sa.text("""
    select code, name, kind, staffed, opening_hours, ST_X(geometry) as lon, ST_Y(geometry) as lat,
           ST_Distance(geometry::geography, pin) as distance_m
    from (
        -- by degrees through the index first: twice as many as wanted, for degrees are not round
        select * from stations where closed_at is null
        order by geometry <-> ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), code limit 2 * :wanted
    ) as near,
    cast(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) as geography) as pin
    where ST_DWithin(geometry::geography, pin, :within_m)
    order by distance_m, code limit :wanted
""")


def nearest(
    work: UnitOfWork, lon: float, lat: float, *, within_m: float, wanted: int
) -> list[sa.RowMapping]:
    """Return the open stations around a WGS84 point, nearest first (geodesic metres, by code)."""
    return work.rows(_NEAREST, lon=lon, lat=lat, within_m=within_m, wanted=wanted)
