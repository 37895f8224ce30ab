"""What stands and lives in the city, read whole for planning: areas, stations, buildings.

Everything comes as arrays, in one order that ties can rely on (by code, compared as bytes).
Buildings travel as one binary string of records of one width, which numpy takes as they are: a
third of the time of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import aggregate_order_by

from gis.store.areas import at_revision
from gis.store.tables import area_versions, boundary_revisions, buildings, stations
from gis.store.unit_of_work import UnitOfWork

FloatArray = npt.NDArray[np.float64]
GeometryArray = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Areas:
    """All areas of one boundary revision, by code; ``ids`` are their versions."""

    revision: int
    ids: npt.NDArray[np.int64]
    codes: list[str]
    names: list[str]
    levels: list[str]
    kinds: list[str | None]
    parents: list[str | None]

    def position(self, code: str) -> int | None:
        """Return where a code stands, None when the revision has no such area."""
        try:
            return self.codes.index(code)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Source:
    """Where the boundaries of a revision come from, as they were drafted."""

    title: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stations:
    """Open stations, by code; ``positions`` are (n, 2) lon, lat.

    ``capacity`` is -1 where none is known; ``hours`` is the text of the opening hours.
    """

    codes: list[str]
    names: list[str]
    kinds: list[str]
    staffed: list[bool]
    positions: FloatArray
    capacity: npt.NDArray[np.int64]
    hours: list[str | None]

    def __len__(self) -> int:
        """Return how many stations there are."""
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Premises:
    """Buildings that are not homes, by id; ``positions`` are (n, 2) lon, lat."""

    ids: npt.NDArray[np.int64]
    names: list[str]
    kinds: list[str]
    positions: FloatArray


@dataclass(frozen=True, slots=True)
class Buildings:
    """Buildings with residents, by id.

    ``ages`` are residents of 0-14, 15-59 and 60 or more years, (n, 3).
    """

    ids: npt.NDArray[np.int64]
    positions: FloatArray
    residents: npt.NDArray[np.int64]
    households: npt.NDArray[np.int64]
    ages: npt.NDArray[np.int64]


def areas_of(work: UnitOfWork, revision: int) -> Areas:
    """Return every area of a boundary revision, without geometry."""
    versions = area_versions.c
    rows = work.rows(
        sa.select(
            versions.id,
            versions.area_code,
            versions.name,
            versions.level,
            versions.kind,
            versions.parent_code,
        )
        .where(at_revision(revision))
        .order_by(versions.area_code.collate("C"))
    )
    return Areas(
        revision=revision,
        ids=np.array([row["id"] for row in rows], dtype=np.int64),
        codes=[row["area_code"] for row in rows],
        names=[row["name"] for row in rows],
        levels=[row["level"] for row in rows],
        kinds=[row["kind"] for row in rows],
        parents=[row["parent_code"] for row in rows],
    )


def geometries_of(work: UnitOfWork, version_ids: npt.NDArray[np.int64]) -> GeometryArray:
    """Return the geometry (lon/lat, EPSG:4326) of area versions, in the order asked."""
    wanted = [int(version) for version in version_ids]
    found = work.rows(
        sa.select(
            area_versions.c.id, sa.func.ST_AsBinary(area_versions.c.geometry).label("wkb")
        ).where(area_versions.c.id == sa.any_(sa.bindparam("ids", type_=_IDS))),
        ids=wanted,
    )
    wkb = {row["id"]: bytes(row["wkb"]) for row in found}
    shapes = shapely.from_wkb(np.array([wkb[version] for version in wanted], dtype=object))
    return np.asarray(shapes, dtype=object)


_IDS: Final = postgresql.ARRAY(sa.BigInteger)


def source_of(work: UnitOfWork, revision: int) -> Source:
    """Return title and source of a published revision."""
    row = work.row(
        sa.select(boundary_revisions.c.title, boundary_revisions.c.source).where(
            boundary_revisions.c.revision == revision
        )
    )
    return Source("", {}) if row is None else Source(row["title"], dict(row["source"]))


def station_kinds(work: UnitOfWork) -> list[str]:
    """Return the kinds of which at least one station is open, sorted."""
    kinds = sa.select(stations.c.kind).where(stations.c.closed_at.is_(None)).distinct()
    return sorted(row["kind"] for row in work.rows(kinds))


def open_stations(work: UnitOfWork, kinds: list[str] | None = None) -> Stations:
    """Return open stations of the kinds (all without), wherever they stand."""
    chosen = (
        sa.select(
            stations.c.code,
            stations.c.name,
            stations.c.kind,
            stations.c.staffed,
            stations.c.capacity,
            stations.c.opening_hours,
            sa.func.ST_X(stations.c.geometry).label("lon"),
            sa.func.ST_Y(stations.c.geometry).label("lat"),
        )
        .where(stations.c.closed_at.is_(None))
        .order_by(stations.c.code.collate("C"))
    )
    if kinds is not None:
        chosen = chosen.where(stations.c.kind.in_(kinds))
    rows = work.rows(chosen)
    return Stations(
        codes=[row["code"] for row in rows],
        names=[row["name"] for row in rows],
        kinds=[row["kind"] for row in rows],
        staffed=[row["staffed"] for row in rows],
        positions=np.array([(row["lon"], row["lat"]) for row in rows]).reshape(-1, 2),
        capacity=np.array(
            [-1 if row["capacity"] is None else row["capacity"] for row in rows], dtype=np.int64
        ),
        hours=[row["opening_hours"] for row in rows],
    )


def inhabited_buildings(work: UnitOfWork) -> Buildings:
    """Return every building with residents."""
    columns: list[sa.ColumnElement[Any]] = [
        sa.func.int8send(buildings.c.id),
        sa.func.float8send(sa.func.ST_X(buildings.c.geometry)),
        sa.func.float8send(sa.func.ST_Y(buildings.c.geometry)),
        *(
            sa.func.int8send(sa.cast(buildings.c[name], sa.BigInteger))
            for name in ("residents", "households", "age_0_14", "age_15_59", "age_60_plus")
        ),
    ]
    record = columns[0]
    for column in columns[1:]:
        record = record.op("||", return_type=sa.LargeBinary())(column)
    packed = sa.select(
        sa.func.string_agg(record, aggregate_order_by(_NOTHING, buildings.c.id))
    ).where(buildings.c.residents > 0)
    rows = np.frombuffer(bytes(work.scalar(packed) or b""), dtype=_RECORD)
    return Buildings(
        ids=rows["id"].astype(np.int64),
        positions=np.column_stack([rows["lon"], rows["lat"]]).astype(np.float64),
        residents=rows["residents"].astype(np.int64),
        households=rows["households"].astype(np.int64),
        ages=np.column_stack([rows[name] for name in ("young", "middle", "old")]).astype(np.int64),
    )


def premises(work: UnitOfWork) -> Premises:
    """Return every building that is not of a kind in :data:`HOMES`."""
    rows = work.rows(
        sa.select(
            buildings.c.id,
            buildings.c.name,
            buildings.c.kind,
            sa.func.ST_X(buildings.c.geometry).label("lon"),
            sa.func.ST_Y(buildings.c.geometry).label("lat"),
        )
        .where(buildings.c.kind.not_in(HOMES))
        .order_by(buildings.c.id)
    )
    return Premises(
        ids=np.array([row["id"] for row in rows], dtype=np.int64),
        names=[row["name"] or "" for row in rows],
        kinds=[row["kind"] for row in rows],
        positions=np.array([(row["lon"], row["lat"]) for row in rows]).reshape(-1, 2),
    )


HOMES: Final = ("residential", "farmhouse", "home")
"""Kinds of buildings that are for living in."""

_NOTHING: Final[sa.ColumnElement[bytes]] = sa.literal_column("''::bytea")
_RECORD: Final = np.dtype(
    [
        ("id", ">i8"),
        ("lon", ">f8"),
        ("lat", ">f8"),
        ("residents", ">i8"),
        ("households", ">i8"),
        ("young", ">i8"),
        ("middle", ">i8"),
        ("old", ">i8"),
    ]
)


def buildings_within(work: UnitOfWork, radius_m: float, kinds: list[str] | None = None) -> set[int]:
    """Return ids of the inhabited buildings within a radius of an open station: the SQL twin.

    The same rule as :func:`gis.coverage.reach.covered`, distances by PostGIS on the spheroid, in
    join form behind the GiST index of the buildings.
    """
    found = work.rows(within_statement(kinds), radius_m=radius_m + 0.001)
    return {int(row["id"]) for row in found}


def within_statement(kinds: list[str] | None = None) -> sa.Select[Any]:
    """Return the join of buildings and stations; it takes ``radius_m``, tolerance included."""
    statement = sa.select(buildings.c.id).distinct().join(stations, REACHES)
    statement = statement.where(stations.c.closed_at.is_(None), buildings.c.residents > 0)
    return statement if kinds is None else statement.where(stations.c.kind.in_(kinds))


# The box of the index: a degree of latitude is at least 110,574 m, one of longitude at least
# 111,319 m x cos(lat) at the far end of the radius; 1 % is added to both.
_RADIUS: Final = sa.bindparam("radius_m", type_=sa.Double)
REACHES: Final = sa.and_(
    buildings.c.geometry.intersects(
        sa.func.ST_Expand(
            stations.c.geometry,
            _RADIUS
            * 1.01
            / (
                111_319.0
                * sa.func.cos(
                    sa.func.radians(
                        sa.func.abs(sa.func.ST_Y(stations.c.geometry)) + _RADIUS * 1.01 / 110_574.0
                    )
                )
            ),
            _RADIUS * 1.01 / 110_574.0,
        )
    ),
    sa.func.ST_DWithin(
        sa.func.geography(buildings.c.geometry), sa.func.geography(stations.c.geometry), _RADIUS
    ),
)
