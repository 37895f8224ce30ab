"""The smallest valid city: one of each level, four square grids, a team."""

from __future__ import annotations

from dataclasses import dataclass

import shapely
import sqlalchemy as sa

from gis.governance.actors import SYSTEM
from gis.governance.categories import load_default
from gis.store import categories
from gis.store.unit_of_work import Database, UnitOfWork

WEST, SOUTH, SIDE = 118.25, 32.25, 2.0**-7  # exact in binary, so that corners really meet
COMMUNITY = "341102001001"


@dataclass(frozen=True)
class SmallCity:
    """Grids 001 to 004 in reading order from the south-west; 004 has nobody on duty."""

    grids: tuple[str, str, str, str] = (
        f"{COMMUNITY}001",
        f"{COMMUNITY}002",
        f"{COMMUNITY}003",
        f"{COMMUNITY}004",
    )
    corner: tuple[float, float] = (WEST + SIDE, SOUTH + SIDE)

    def inside(self, number: int) -> tuple[float, float]:
        """The middle of a grid, by its number from 1 to 4."""
        column, row = (number - 1) % 2, (number - 1) // 2
        return WEST + (column + 0.5) * SIDE, SOUTH + (row + 0.5) * SIDE


def add_area(
    work: UnitOfWork,
    code: str,
    level: str,
    geometry: shapely.Geometry,
    *,
    parent: str | None = None,
    kind: str | None = None,
    name: str | None = None,
    valid_from: str = "2025-01-01T00:00+08",
) -> None:
    work.execute(
        sa.text("insert into areas (code, level, code_system) values (:code, :level, 'local')"),
        code=code,
        level=level,
    )
    work.execute(
        sa.text(
            "insert into area_versions (area_code, draft_id, level, parent_code, name, kind, "
            "geometry, valid, added_revision) select :code, id, :level, :parent, :name, :kind, "
            "ST_Multi(ST_GeomFromText(:wkt, 4326)), tstzrange(:valid_from, null), revision "
            "from boundary_revisions where revision = 1"
        ),
        code=code,
        level=level,
        parent=parent,
        name=name or f"{level} {code}",
        kind=kind,
        wkt=geometry.wkt,
        valid_from=valid_from,
    )


def small_city(database: Database) -> SmallCity:
    """Write the city and publish it as revision 1, effective from 2025-01-01."""
    city = SmallCity()
    whole = shapely.box(WEST, SOUTH, WEST + 2 * SIDE, SOUTH + 2 * SIDE)
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "insert into boundary_revisions (revision, status, title, created_by, "
                "published_at, effective_from) values (1, 'published', 'first', 'tests', now(), "
                "'2025-01-01T00:00+08')"
            )
        )
        add_area(work, "341100", "city", whole.buffer(0.01, join_style="mitre"), name="滁州市")
        add_area(work, "341102", "county", whole, parent="341100", name="琅琊区")
        add_area(work, "341102001", "subdistrict", whole, parent="341102", name="琅琊街道")
        add_area(work, COMMUNITY, "community", whole, parent="341102001", kind="urban")
        for number, code in enumerate(city.grids, start=1):
            lon, lat = city.inside(number)
            half = SIDE / 2
            add_area(
                work,
                code,
                "grid",
                shapely.box(lon - half, lat - half, lon + half, lat + half),
                parent=COMMUNITY,
                kind="general",
            )
        categories.replace_all(work, load_default())
        add_team(work, city)
    return city


def add_team(work: UnitOfWork, city: SmallCity) -> None:
    work.execute(
        sa.text(
            "insert into units (code, name, kind, area_code) "
            "values ('U1', '南门社区', 'committee', :area)"
        ),
        area=COMMUNITY,
    )
    for number, code in enumerate(city.grids[:3], start=1):
        work.execute(
            sa.text(
                "with p as (insert into persons (code, name, phone, unit_code) values "
                "(:code, :name, '19900000000', 'U1') returning id) insert into duties (person_id,"
                " role, area_code, valid) select id, 'grid_worker', :area, "
                "tstzrange('2025-01-01T00:00+08', null) from p"
            ),
            code=f"P{number}",
            name=f"网格员{number}",
            area=code,
        )


def add_person(
    work: UnitOfWork, name: str, role: str, area: str, *, unit: str = "U1", code: str | None = None
) -> int:
    """Put a person on duty since 2025; return the number."""
    number: int = work.scalar(
        sa.text(
            "with p as (insert into persons (code, name, phone, unit_code) values "
            "(:code, :name, '19900000001', :unit) returning id), d as (insert into duties "
            "(person_id, role, area_code, valid) select id, :role, :area, "
            "tstzrange('2025-01-01T00:00+08', null) from p) select id from p"
        ),
        code=code,
        name=name,
        unit=unit,
        role=role,
        area=area,
    )
    return number


def add_upper_levels(work: UnitOfWork) -> None:
    """Put a cadre into the community and a lead into the subdistrict, each with a unit."""
    work.execute(
        sa.text(
            "insert into units (code, name, kind, area_code) values "
            "('U2', '琅琊街道办事处', 'subdistrict', '341102001'), "
            "('U3', '区城管局', 'bureau', '341102')"
        )
    )
    add_person(work, "社区干部甲", "cadre", COMMUNITY, code="C1")
    add_person(work, "街道领导乙", "township_lead", "341102001", unit="U2", code="S1")
    add_person(work, "城管队员丙", "peace_officer", COMMUNITY, unit="U3", code="B1")
