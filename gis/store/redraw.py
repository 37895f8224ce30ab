"""What a redraw of grids reads and writes: a community, what stands in it, the drafted grids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from gis.store.tables import area_versions, areas, buildings, roads
from gis.store.unit_of_work import UnitOfWork

GeometryArray = npt.NDArray[np.object_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Box = tuple[float, float, float, float]

_STANDING: Final = sa.and_(
    area_versions.c.valid.is_not(None), area_versions.c.retired_revision.is_(None)
)
_COLUMNS: Final = (
    area_versions.c.area_code.label("code"),
    area_versions.c.level,
    area_versions.c.parent_code,
    area_versions.c.name,
    area_versions.c.kind,
    areas.c.code_system,
    sa.func.ST_AsBinary(area_versions.c.geometry).label("wkb"),
)
_INSERT: Final = sa.text(
    "insert into area_versions (draft_id, area_code, level, parent_code, name, kind, geometry, "
    "households, residents, attributes, categories) "
    "select :draft_id, new.code, 'grid', new.parent, new.name, new.kind, "
    "ST_GeomFromEWKB(decode(new.shape, 'hex')), new.households, new.residents, "
    "coalesce(old.attributes, '{}'), coalesce(old.categories, '{}') "
    "from unnest(:codes, :parents, :names, :kinds, :shapes, :households, :residents) "
    "as new (code, parent, name, kind, shape, households, residents) "
    "left join area_versions old on old.area_code = new.code and old.valid is not null "
    "and old.retired_revision is null"
).bindparams(
    *(
        sa.bindparam(name, type_=ARRAY(sa.Text))
        for name in ("codes", "parents", "names", "kinds", "shapes")
    ),
    sa.bindparam("households", type_=ARRAY(sa.Integer)),
    sa.bindparam("residents", type_=ARRAY(sa.Integer)),
)


@dataclass(frozen=True, slots=True)
class Buildings:
    """Buildings with people, by id: places (n, 2) in lon/lat, footprints (None where unknown)."""

    places: FloatArray
    footprints: GeometryArray
    households: IntArray
    residents: IntArray


@dataclass(frozen=True, slots=True)
class GridRow:
    """A grid as it is drafted; ``ewkb`` is a hexadecimal EWKB multipolygon in EPSG:4326.

    Without figures (None) those of a grid that others lie over are not known.
    """

    code: str
    parent: str
    name: str
    kind: str | None
    ewkb: str
    households: int | None
    residents: int | None


def area(work: UnitOfWork, code: str) -> sa.RowMapping | None:
    """Return an area that stands, with its geometry as ``wkb``; None where none does."""
    return work.row(
        sa.select(*_COLUMNS)
        .join(areas, areas.c.code == area_versions.c.area_code)
        .where(area_versions.c.area_code == code, _STANDING)
    )


def grids_of(work: UnitOfWork, parents: Iterable[str]) -> list[sa.RowMapping]:
    """Return the grids of all kinds that stand directly below areas, by code."""
    return work.rows(
        sa.select(*_COLUMNS)
        .join(areas, areas.c.code == area_versions.c.area_code)
        .where(
            area_versions.c.parent_code.in_(list(parents)),
            area_versions.c.level == "grid",
            _STANDING,
        )
        .order_by(area_versions.c.area_code.collate("C"))
    )


def used_codes(work: UnitOfWork, beginning: str) -> set[str]:
    """Return every code that begins so and was ever in force, retired ones too.

    One that was only drafted is free: whichever draft is published second is refused as outdated.
    """
    published = sa.select(area_versions.c.area_code).where(area_versions.c.valid.is_not(None))
    found = work.rows(
        sa.select(areas.c.code).where(
            areas.c.code.startswith(beginning, autoescape=True),
            sa.or_(areas.c.retired_at.is_not(None), areas.c.code.in_(published)),
        )
    )
    return {row["code"] for row in found}


def buildings_in(work: UnitOfWork, box: Box) -> Buildings:
    """Return the buildings of a box (west, south, east, north)."""
    columns = buildings.c
    rows = work.connection.execute(
        sa.select(
            sa.func.ST_X(columns.geometry),
            sa.func.ST_Y(columns.geometry),
            sa.func.ST_AsBinary(columns.footprint),
            columns.households,
            columns.residents,
        )
        .where(columns.geometry.op("&&")(sa.func.ST_MakeEnvelope(*box, 4326)))
        .order_by(columns.id)
    ).all()
    return Buildings(
        places=np.array([row[:2] for row in rows], dtype=np.float64).reshape(-1, 2),
        footprints=_shapes([row[2] for row in rows]),
        households=np.array([row[3] for row in rows], dtype=np.int64),
        residents=np.array([row[4] for row in rows], dtype=np.int64),
    )


def roads_in(work: UnitOfWork, box: Box) -> GeometryArray:
    """Return the lines of the roads that reach into a box, by id."""
    rows = work.connection.execute(
        sa.select(sa.func.ST_AsBinary(roads.c.geometry))
        .where(roads.c.geometry.op("&&")(sa.func.ST_MakeEnvelope(*box, 4326)))
        .order_by(roads.c.id)
    ).all()
    return _shapes([row[0] for row in rows])


def add_grids(work: UnitOfWork, draft_id: int, rows: Iterable[GridRow]) -> None:
    """Write drafted grids; attributes and categories stay those of the grid of that code."""
    listed = list(rows)
    columns: Mapping[str, list[Any]] = {
        "codes": [row.code for row in listed],
        "parents": [row.parent for row in listed],
        "names": [row.name for row in listed],
        "kinds": [row.kind for row in listed],
        "shapes": [row.ewkb for row in listed],
        "households": [row.households for row in listed],
        "residents": [row.residents for row in listed],
    }
    work.execute(_INSERT, draft_id=draft_id, **columns)


def _shapes(found: list[Any]) -> GeometryArray:
    """Return geometries from WKB, in an array of objects whatever they are."""
    shapes = np.empty(len(found), dtype=object)
    shapes[:] = [None if wkb is None else shapely.from_wkb(bytes(wkb)) for wkb in found]
    return shapes
