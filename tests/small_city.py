"""A city of four communities whose numbers can be counted by hand, for planning and map tests.

Two counties side by side, one subdistrict each, two communities each (south, north), two grids in
each community. The ground is near 118.3 E 32.3 N; a community measures 0.1 by 0.1 degrees.
"""

from __future__ import annotations

import shapely
import sqlalchemy as sa

from gis.governance.actors import SYSTEM
from gis.store import tables
from gis.store.unit_of_work import Database, UnitOfWork

WEST, SOUTH, SIDE = 118.2, 32.2, 0.1
HOSTILE = "<img src=x onerror=\"document.title='broken'\">{{ 7*7 }}{% if %}{#</script><b>"

AREAS: list[tuple[str, str, str | None, str, tuple[float, float, float, float]]] = [
    ("341100", "city", None, "小城市", (0, 0, 2, 2)),
    ("341102", "county", "341100", "西区", (0, 0, 1, 2)),
    ("341103", "county", "341100", "东区", (1, 0, 2, 2)),
    ("341102001", "subdistrict", "341102", "西街道", (0, 0, 1, 2)),
    ("341103001", "subdistrict", "341103", "东街道", (1, 0, 2, 2)),
]
for _county, _column in (("341102001", 0), ("341103001", 1)):
    for _row in (0, 1):
        _code = f"{_county}{_row + 1:03d}"
        _name = HOSTILE if _code == "341103001002" else f"第{_code[-3:]}社区"
        _box = (_column, _row, _column + 1, _row + 1)
        AREAS.append((_code, "community", _county, _name, _box))
        for _half in (0, 1):
            _part = (_column + _half / 2, _row, _column + (_half + 1) / 2, _row + 1)
            AREAS.append((f"{_code}{_half + 1:03d}", "grid", _code, f"网格{_half + 1}", _part))

STATIONS = [
    ("S1", "西站", "service_station", 118.25, 32.25),
    ("S2", HOSTILE, "job_service", 118.35, 32.35),
    ("S3", "远站", "service_station", 118.60, 32.25),
]
BUILDINGS = [  # lon, lat, residents, grid
    (118.25, 32.25, 100, "341102001001001"),  # at S1
    (118.29, 32.29, 50, "341102001001002"),  # 5.8 km from S1
    (118.25, 32.35, 30, None),  # found by its position
    (118.35, 32.351, 20, "341103001002001"),  # 111 m from S2
    (118.31, 32.31, 7, "341103001002999"),  # a grid that is no more; 5.8 km from S2
    (117.50, 31.50, 11, None),  # in no area
    (118.26, 32.26, 0, "341102001001001"),  # nobody lives there
]


def box(x0: float, y0: float, x1: float, y1: float) -> str:
    shape = shapely.box(WEST + x0 * SIDE, SOUTH + y0 * SIDE, WEST + x1 * SIDE, SOUTH + y1 * SIDE)
    return f"SRID=4326;{shapely.MultiPolygon([shapely.segmentize(shape, 0.01)]).wkt}"


def build(database: Database) -> None:
    """Write the city as boundary revision 1 and commit."""
    with database.transaction(SYSTEM) as work:
        write(work)


def write(work: UnitOfWork) -> None:
    draft = work.scalar(
        sa.insert(tables.boundary_revisions)
        .values(
            status="published",
            revision=1,
            title="手工数据",
            source={"made": True},
            created_by="test",
            published_at=sa.text("now()"),
            effective_from=sa.text("now() - interval '1 day'"),
        )
        .returning(tables.boundary_revisions.c.id)
    )
    for code, level, parent, name, corners in AREAS:
        work.execute(sa.insert(tables.areas).values(code=code, level=level, code_system="local"))
        work.execute(
            sa.insert(tables.area_versions).values(
                area_code=code,
                draft_id=draft,
                level=level,
                parent_code=parent,
                name=name,
                kind="general" if level == "grid" else None,
                geometry=box(*corners),
                valid=sa.text("tstzrange(now() - interval '1 day', null)"),
                added_revision=1,
            )
        )
    for code, name, kind, lon, lat in STATIONS:
        add_station(work, code, name, kind, lon=lon, lat=lat)
    for lon, lat, residents, grid in BUILDINGS:
        work.execute(
            sa.insert(tables.buildings).values(
                kind="home",
                geometry=f"SRID=4326;POINT({lon} {lat})",
                residents=residents,
                grid_code=grid,
            )
        )


def add_station(
    work: UnitOfWork, code: str, name: str, kind: str, *, lon: float, lat: float
) -> None:
    work.execute(
        sa.insert(tables.stations).values(
            code=code, name=name, kind=kind, geometry=f"SRID=4326;POINT({lon} {lat})"
        )
    )
