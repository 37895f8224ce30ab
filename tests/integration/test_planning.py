from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from pyproj import Geod

from gis.cluster import Cluster
from gis.coverage import reach
from gis.errors import (
    AreaUnknown,
    GovernanceError,
    LevelTooCoarse,
    NetworkMissing,
    NoPublishedBoundary,
    OutsideScope,
    RadiusInvalid,
    StationKindUnknown,
)
from gis.governance.actors import SYSTEM, Actor
from gis.services.planning import Level, coverage, coverage_view
from gis.store import city, tables
from gis.store.unit_of_work import Database
from tests import small_city
from tests.conftest import cloned

GEOD = Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def town(cluster: Cluster, template: str) -> Iterator[Database]:
    with cloned(cluster, template) as database:
        small_city.build(database)
        yield database


def test_summary_counts_people_of_buildings_within_reach(town: Database) -> None:
    summary = coverage(town, SYSTEM)["summary"]
    assert summary["people"] == 100 + 50 + 30 + 20 + 7
    assert summary["people_covered"] == 100 + 20
    assert summary["people_uncovered"] == 87
    assert summary["ratio"] == 120 / 207
    assert summary["not_assessable"] == 11
    assert summary["stations"] == 3


def test_areas_are_by_code_with_their_own_people_and_nearest_station(town: Database) -> None:
    answer = coverage(town, SYSTEM)
    rows = {row["code"]: row for row in answer["areas"]}
    assert list(rows) == ["341102001001", "341102001002", "341103001001", "341103001002"]
    people = [(row["people"], row["people_covered"], row["ratio"]) for row in rows.values()]
    assert people == [(150, 100, 100 / 150), (30, 0, 0.0), (0, 0, None), (27, 20, 20 / 27)]
    lon, lat = (118.25 * 100 + 118.29 * 50) / 150, (32.25 * 100 + 32.29 * 50) / 150
    _, _, expected = GEOD.inv(lon, lat, 118.25, 32.25)
    assert rows["341102001001"]["nearest_m"] == pytest.approx(expected, abs=0.001)


def test_area_figures_are_those_of_circles_on_the_ellipsoid(town: Database) -> None:
    summary = coverage(town, SYSTEM)["summary"]
    outline = shapely.segmentize(shapely.box(118.2, 32.2, 118.4, 32.4), 0.001)
    whole, _ = GEOD.geometry_area_perimeter(outline)
    assert summary["area_km2"] == pytest.approx(whole / 1e6, rel=1e-5)
    assert summary["area_covered_km2"] == pytest.approx(2 * np.pi * 9.0, rel=1e-5)


@pytest.mark.parametrize("by", ["city", "county", "subdistrict", "community", "grid"])
@pytest.mark.parametrize("radius_m", [1.0, 3000.0, 7000.0, 50_000.0])
def test_covered_and_gaps_make_up_everybody_at_every_level(
    town: Database, by: Level, radius_m: float
) -> None:
    answer = coverage(town, SYSTEM, by=by, radius_m=radius_m)
    assert sum(row["people"] for row in answer["areas"]) == 207
    assert (
        sum(row["people_covered"] for row in answer["areas"])
        == (answer["summary"]["people_covered"])
    )
    gaps = [feature["properties"] for feature in answer["gaps"]["features"]]
    assert sum(gap["people"] for gap in gaps) == answer["summary"]["people_uncovered"]
    assert gaps == sorted(gaps, key=lambda gap: (-gap["people"], gap["code"]))
    assert [gap["rank"] for gap in gaps] == list(range(1, len(gaps) + 1))
    uncovered_km2 = answer["summary"]["area_km2"] - answer["summary"]["area_covered_km2"]
    assert sum(gap["area_km2"] for gap in gaps) == pytest.approx(uncovered_km2, abs=1e-4)


def test_gap_polygons_are_valid_and_hold_nobody_who_is_covered(town: Database) -> None:
    answer = coverage(town, SYSTEM)
    shapes = [shapely.from_geojson(json.dumps(f["geometry"])) for f in answer["gaps"]["features"]]
    assert all(shape.is_valid and shape.area > 0 for shape in shapes)
    whole = shapely.union_all(shapes)
    assert not whole.contains(shapely.Point(118.25, 32.25))
    assert whole.contains(shapely.Point(118.29, 32.29))


def test_an_area_reads_stations_beyond_its_border(town: Database) -> None:
    answer = coverage(town, SYSTEM, area="341102", radius_m=7000.0, by="grid")
    assert answer["summary"]["people"] == 180
    assert {row["code"][:6] for row in answer["areas"]} == {"341102"}
    east = coverage(town, SYSTEM, area="341103", radius_m=7000.0)
    assert east["summary"]["people_covered"] == 27
    inner = coverage(town, SYSTEM, area="341102001001", by="community")
    assert [row["code"] for row in inner["areas"]] == ["341102001001"]
    assert inner["summary"]["not_assessable"] == 0


def test_kinds_narrow_the_stations(town: Database) -> None:
    answer = coverage(town, SYSTEM, kinds=["job_service"])
    assert answer["summary"]["people_covered"] == 20
    assert answer["question"]["kinds"] == ["job_service"]


@pytest.mark.parametrize(
    ("question", "error", "fact"),
    [
        ({"reach": "network"}, NetworkMissing, "roads"),
        ({"radius_m": 0.0}, RadiusInvalid, "50000"),
        ({"radius_m": 50_000.1}, RadiusInvalid, "50000"),
        ({"radius_m": float("nan")}, RadiusInvalid, "nan"),
        (
            {"kinds": ["bakery", "service_station"]},
            StationKindUnknown,
            "job_service, service_station",
        ),
        ({"area": "999999"}, AreaUnknown, "999999"),
        ({"area": "341102001001001", "by": "county"}, LevelTooCoarse, "grid"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(
    town: Database, question: dict[str, Any], error: type[GovernanceError], fact: str
) -> None:
    with pytest.raises(error) as refused:
        coverage(town, SYSTEM, **question)
    for language in ("zh", "en"):
        assert refused.value.detail(language)
    assert fact in refused.value.detail("en")


def test_an_actor_of_an_area_is_kept_to_it(town: Database) -> None:
    planner = Actor("token:1", "planner", "341103")
    assert coverage(town, planner)["summary"]["people"] == 27
    assert coverage(town, planner, area="341103001002")["summary"]["people"] == 27
    for outside in ("341102", "341100"):
        with pytest.raises(OutsideScope):
            coverage(town, planner, area=outside)


def test_a_new_station_and_a_closed_one_are_seen_at_once(database: Database) -> None:
    small_city.build(database)
    assert coverage(database, SYSTEM)["summary"]["people_covered"] == 120
    with database.transaction(SYSTEM) as work:
        small_city.add_station(work, "S4", "新站", "service_station", lon=118.29, lat=32.29)
    assert coverage(database, SYSTEM)["summary"]["people_covered"] == 177
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.update(tables.stations)
            .where(tables.stations.c.code == "S1")
            .values(closed_at=sa.text("now()"))
        )
    assert coverage(database, SYSTEM)["summary"]["people_covered"] == 77


def test_without_stations_everybody_is_a_gap(database: Database) -> None:
    small_city.build(database)
    with database.transaction(SYSTEM) as work:
        work.execute(sa.update(tables.stations).values(closed_at=sa.text("now()")))
    answer = coverage(database, SYSTEM)
    assert answer["summary"]["people_covered"] == 0
    assert answer["summary"]["area_covered_km2"] == 0.0
    assert [row["nearest_m"] for row in answer["areas"]] == [None] * 4
    view = coverage_view(database, SYSTEM)
    assert view.reach is None
    assert view.stations == []


def test_before_any_boundary_the_answer_is_unavailable(database: Database) -> None:
    with pytest.raises(NoPublishedBoundary):
        coverage(database, SYSTEM)


@pytest.mark.parametrize("radius_m", [500.0, 3000.0, 12_345.678])
def test_sql_answers_with_the_identical_set(database: Database, radius_m: float) -> None:
    rng = np.random.default_rng(5)
    with database.transaction(SYSTEM) as work:
        small_city.write(work)
        for number, (lon, lat) in enumerate(rng.uniform((118.2, 32.2), (118.4, 32.4), (25, 2))):
            small_city.add_station(
                work, f"R{number:02d}", "站", "service_station", lon=lon, lat=lat
            )
        stations = city.open_stations(work)
        homes = [*rng.uniform((118.0, 32.0), (118.6, 32.6), (1500, 2))]
        # on the radius itself, 0.9 mm inside the tolerance and 1.1 mm outside of it
        for lon, lat in stations.positions:
            for extra_m in (0.0, 0.0009, 0.0011, -0.1, 0.1):
                x, y, _ = GEOD.fwd(lon, lat, rng.uniform(0, 360), radius_m + extra_m)
                homes.append(np.array([x, y]))
        work.connection.execute(
            sa.insert(tables.buildings),
            [
                {"kind": "home", "geometry": f"SRID=4326;POINT({x!r} {y!r})", "residents": 1}
                for x, y in np.array(homes).tolist()
            ],
        )
        buildings = city.inhabited_buildings(work)
        in_sql = city.buildings_within(work, radius_m)
    within = reach.covered(buildings.positions, stations.positions, radius_m)
    assert set(buildings.ids[within].tolist()) == in_sql
    assert 0 < len(in_sql) < len(buildings.ids)


def test_the_sql_twin_uses_the_index_of_the_buildings(database: Database) -> None:
    with database.transaction(SYSTEM) as work:
        small_city.write(work)
        work.execute(
            sa.text(
                "insert into buildings (kind, geometry, residents) select 'home', "
                "st_setsrid(st_point(117 + random() * 2, 31 + random() * 2), 4326), 1 "
                "from generate_series(1, 20000)"
            )
        )
    with database.reading(SYSTEM) as work:
        compiled = city.within_statement().params(radius_m=3000.0).compile(work.connection.engine)
        explain = work.driver.execute(f"explain {compiled}", dict(compiled.params))
        plan = "\n".join(row[0] for row in explain)
    assert "ix_buildings_geometry" in plan
