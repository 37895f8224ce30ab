"""What the atlas maps draw, beside the same counted by SQL and by plain Python on the demo city."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import shapely
import sqlalchemy as sa

from gis.errors import AreaUnknown, NoPublishedBoundary, OutsideScope
from gis.geometry.circles import circles
from gis.governance.actors import ANONYMOUS, SYSTEM, Actor
from gis.services.atlas import (
    CELL_DEGREES,
    FEWEST,
    REACH_M,
    SIMPLE_M,
    AtlasView,
    event_density,
    grid_atlas,
    urban_communities,
)
from gis.store.unit_of_work import Database

COUNTY = "341102"


@pytest.fixture(scope="module")
def atlas(demo_city: Database) -> AtlasView:
    return grid_atlas(demo_city, SYSTEM, None)


def rows(database: Database, statement: str, **values: object) -> list[Any]:
    with database.transaction(SYSTEM) as work:
        return list(work.rows(sa.text(statement), **values))


def shape(feature: dict[str, Any]) -> shapely.Geometry:
    return shapely.from_geojson(json.dumps(feature["geometry"]))


def test_the_atlas_holds_every_grid_in_force_with_its_people_and_workers(
    demo_city: Database, atlas: AtlasView
) -> None:
    told = rows(
        demo_city,
        "select area_code as code, kind, residents, ST_AsBinary(geometry) as wkb "
        "from area_versions where level = 'grid' and valid @> now() order by 1",
    )
    general = {row["code"]: row for row in told if row["kind"] == "general"}
    assert [grid["id"] for grid in atlas.areas] == list(general)
    assert {grid["id"] for grid in atlas.over} == {row["code"] for row in told} - set(general)
    people = {grid["id"]: grid["properties"]["residents"] for grid in atlas.areas}
    assert people == {code: row["residents"] for code, row in general.items()}
    workers = rows(
        demo_city,
        "select d.area_code as code, string_agg(p.name, '、' order by d.deputy, p.id) as names "
        "from duties d join persons p on p.id = d.person_id where d.role = 'grid_worker' "
        "and d.valid @> now() group by 1",
    )
    named = {row["code"]: row["names"] for row in workers}
    assert all(one["properties"]["workers"] == named.get(one["id"]) for one in atlas.areas)


def test_outlines_are_simplified_together_and_little(demo_city: Database, atlas: AtlasView) -> None:
    told = rows(
        demo_city,
        "select area_code as code, ST_AsBinary(geometry) as wkb from area_versions "
        "where level = 'grid' and kind = 'general' and valid @> now() order by 1",
    )
    drawn = [shape(grid) for grid in atlas.areas]
    assert shapely.coverage_is_valid(drawn, gap_width=0.0)
    metre = 1 / 111_000
    for row, simple in zip(told, drawn, strict=True):
        exact = shapely.from_wkb(row["wkb"])
        # a corner that simplification takes away lies no farther than the triangle's height allows
        assert shapely.hausdorff_distance(exact, simple) < 10 * SIMPLE_M * metre
        assert simple.area == pytest.approx(exact.area, rel=0.25)
    assert sum(len(shapely.get_coordinates(one)) for one in drawn) < sum(
        len(shapely.get_coordinates(shapely.from_wkb(row["wkb"]))) for row in told
    )


def test_the_edge_of_reach_lies_at_the_radius_of_some_station(atlas: AtlasView) -> None:
    assert atlas.reach is not None
    at = [one["geometry"]["coordinates"] for one in atlas.stations]
    everywhere = shapely.union_all(circles(at, REACH_M, equal_area=True))
    differing = shapely.symmetric_difference(everywhere, shape(atlas.reach))
    assert differing.area / everywhere.area < 0.01


def test_an_atlas_of_a_county_holds_its_grids_only(demo_city: Database, atlas: AtlasView) -> None:
    view = grid_atlas(demo_city, ANONYMOUS, COUNTY)
    codes = [grid["id"] for grid in view.areas]
    assert codes == [one["id"] for one in atlas.areas if one["id"].startswith(COUNTY)]
    assert view.title == "琅琊区"
    west, south, east, north = view.bounds
    assert all(
        west <= lon <= east and south <= lat <= north
        for lon, lat in (one["geometry"]["coordinates"] for one in view.stations)
    )
    own = grid_atlas(demo_city, Actor("token:1", "planner", COUNTY), None)
    assert [grid["id"] for grid in own.areas] == codes


@pytest.mark.parametrize("view", [grid_atlas, event_density, urban_communities])
def test_wrong_questions_are_refused(
    demo_city: Database,
    shared_database: Database,
    view: Callable[[Database, Actor, str | None], AtlasView],
) -> None:
    with pytest.raises(AreaUnknown):
        view(demo_city, SYSTEM, "999999")
    with pytest.raises(OutsideScope):
        view(demo_city, Actor("token:1", "planner", COUNTY), "341103")
    with pytest.raises(NoPublishedBoundary):
        view(shared_database, SYSTEM, None)


def test_cells_count_the_events_of_the_last_year_and_hide_the_few(demo_city: Database) -> None:
    view = event_density(demo_city, SYSTEM, None)
    told = rows(
        demo_city,
        "select ST_X(geometry) as lon, ST_Y(geometry) as lat from events "
        "where geometry is not null and received_at >= now() - interval '1 year'",
    )
    counted = Counter(
        (math.floor(row["lon"] / CELL_DEGREES), math.floor(row["lat"] / CELL_DEGREES))
        for row in told
    )
    wanted = {f"{x}_{y}": count for (x, y), count in counted.items() if count >= FEWEST}
    assert wanted
    assert {cell["id"]: cell["properties"]["events"] for cell in view.areas} == wanted
    assert 0 < sum(wanted.values()) < len(told)
    for cell in view.areas:
        west, south, east, north = shape(cell).bounds
        inside = [r for r in told if west <= r["lon"] <= east and south <= r["lat"] <= north]
        assert len(inside) >= cell["properties"]["events"]


def test_urban_communities_are_those_that_are_not_rural(demo_city: Database) -> None:
    told = rows(
        demo_city,
        "select area_code as code from area_versions where level = 'community' "
        "and kind = 'urban' and valid @> now() order by 1",
    )
    view = urban_communities(demo_city, SYSTEM, None)
    assert [one["id"] for one in view.areas] == [row["code"] for row in told]
    assert view.areas
    assert {one["properties"]["name"] for one in view.outlines} >= {"琅琊区", "南谯区"}
