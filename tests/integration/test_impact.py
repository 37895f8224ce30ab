"""What a draft changes for whom, counted by hand on a small city and by SQL on the demo city."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa

from gis.errors import DraftUnknown, OutsideScope, RoleNotAllowed, SignInRequired
from gis.governance.actors import ANONYMOUS, SYSTEM, Actor
from gis.services.boundaries import import_areas
from gis.services.impact import FIGURES, impact, impact_view, moved_ground
from gis.services.intake import Report, report_event
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.store.unit_of_work import Database
from tests.factories import SIDE, SOUTH, WEST, SmallCity, small_city


def draft_of(database: Database, areas: dict[str, Any], **options: Any) -> int:  # noqa: ANN401
    frame = gpd.GeoDataFrame(
        {"code": list(areas), "name": [f"网格 {code[-3:]}" for code in areas]},
        geometry=list(areas.values()),
        crs=4326,
    )
    chosen: dict[str, Any] = {"level": "grid", "code_system": "local", "force_crs": True} | options
    report = import_areas(database, SYSTEM, frame, code="code", name="name", **chosen)
    assert report.draft_id is not None
    return report.draft_id


def put(database: Database, *, column: float, row: float, residents: int) -> None:
    """A building with residents, an address and a station at a place in sides of the city."""
    place = f"SRID=4326;POINT({WEST + column * SIDE} {SOUTH + row * SIDE})"
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "insert into buildings (kind, geometry, residents, households) "
                "values ('home', :place, :residents, :households)"
            ),
            place=place,
            residents=residents,
            households=residents // 3,
        )
        work.execute(
            sa.text(
                "insert into gazetteer_entries (kind, full_text, geometry, uncertainty_m, source) "
                "values ('address', 'x', :place, 5, 'test')"
            ),
            place=place,
        )
        work.execute(
            sa.text(
                "insert into stations (code, name, kind, geometry) values (:code, 'x', 'x', :place)"
            ),
            code=f"S{column}-{row}",
            place=place,
        )


def report_at(database: Database, column: float, row: float) -> None:
    pin = Location(WEST + column * SIDE, SOUTH + row * SIDE, accuracy_m=5.0)
    report_event(
        database,
        Boundaries(database),
        SYSTEM,
        Report(request=MatchRequest(pin, source="snap"), source_ref=f"{column}/{row}"),
        now=lambda: datetime.now(UTC),
        auto_threshold=0.5,
    )


@pytest.fixture
def city(database: Database) -> SmallCity:
    made = small_city(database)
    put(database, column=0.2, row=0.5, residents=100)  # stays in 001
    put(database, column=0.75, row=0.5, residents=30)  # 001 -> 002
    put(database, column=0.5, row=0.5, residents=9)  # on the new line: ties go to 001
    put(database, column=1.5, row=0.5, residents=12)  # stays in 002
    put(database, column=0.5, row=1.5, residents=50)  # 003, which is not touched
    report_at(database, 0.8, 0.5)
    report_at(database, 0.1, 0.5)
    return made


def strip(first: float, last: float) -> shapely.Geometry:
    return shapely.box(WEST + first * SIDE, SOUTH, WEST + last * SIDE, SOUTH + SIDE)


def test_every_figure_goes_from_the_old_area_to_the_new_one(
    database: Database, city: SmallCity
) -> None:
    one, two = city.grids[:2]
    answer = impact(database, SYSTEM, draft_of(database, {one: strip(0, 0.5), two: strip(0.5, 2)}))
    (layer,) = answer["layers"]
    assert layer["layer"] == "grid"
    rows = {(row["old"], row["new"]): row for row in layer["matrix"]}
    assert set(rows) == {(one, one), (one, two), (two, two)}
    moved = rows[one, two]
    assert layer["matrix"][0] is moved
    assert {name: moved[name] for name in FIGURES} == {
        "residents": 30, "households": 10, "buildings": 1, "addresses": 1, "stations": 1,
        "open_orders": 1, "events": 1,
    }  # fmt: skip
    assert moved["workers"] == 1
    assert (moved["old_share"], moved["new_share"]) == pytest.approx((0.5, 1 / 3), abs=1e-5)
    assert rows[one, one]["residents"] == 109
    assert rows[two, two]["residents"] == 12
    summary = answer["summary"]
    assert (summary["residents_moved"], summary["residents_in_all"]) == (30, 151)
    assert (summary["areas_changed"], summary["areas_new"], summary["areas_retired"]) == (2, 0, 0)
    assert summary["workers_concerned"] == 2
    areas = {area["code"]: area for area in layer["areas"]}
    assert areas[one]["before"]["residents"] == 139
    assert areas[one]["after"]["residents"] == 109
    assert areas[two]["after"]["open_orders"] == 1


def test_ground_that_moves_and_the_new_outlines_are_given_for_drawing(
    database: Database, city: SmallCity
) -> None:
    one, two = city.grids[:2]
    draft = draft_of(database, {one: strip(0, 0.5), two: strip(0.5, 2)})
    features = moved_ground(database, SYSTEM, draft)["features"]
    by_role: dict[str, list[dict[str, Any]]] = {}
    for feature in features:
        by_role.setdefault(feature["properties"]["role"], []).append(feature)
    (moved,) = by_role["moved"]
    told = {key: moved["properties"][key] for key in ("old", "new", "residents")}
    assert told == {"old": one, "new": two, "residents": 30}
    ground = shapely.from_geojson(json.dumps(moved["geometry"]))
    assert ground.equals_exact(strip(0.5, 1), 2e-6, normalize=True)
    assert [area["properties"]["code"] for area in by_role["area"]] == [one, two]
    with pytest.raises(RoleNotAllowed):
        moved_ground(database, Actor("d", "dispatcher"), draft)


def test_new_areas_and_ground_that_nobody_owns_are_told(
    database: Database, city: SmallCity
) -> None:
    one = city.grids[0]
    new = f"{one[:12]}009"
    answer = impact(
        database, SYSTEM, draft_of(database, {one: strip(0, 0.4), new: strip(0.4, 0.6)})
    )
    rows = {(row["old"], row["new"]): row for row in answer["layers"][0]["matrix"]}
    assert set(rows) == {(one, one), (one, new), (one, None)}
    assert rows[one, None]["residents"] == 30
    assert rows[one, new]["residents"] == 9
    assert answer["summary"]["residents_left_without_area"] == 30
    assert answer["summary"]["areas_new"] == 1
    shares = [rows[one, other]["old_share"] for other in (one, new, None)]
    assert shares == pytest.approx([0.4, 0.2, 0.4], abs=1e-5)


def test_an_area_that_retires_gives_its_people_away(database: Database, city: SmallCity) -> None:
    one, two = city.grids[:2]
    answer = impact(database, SYSTEM, draft_of(database, {two: strip(0, 2)}, retire=[one]))
    rows = {(row["old"], row["new"]): row for row in answer["layers"][0]["matrix"]}
    assert set(rows) == {(one, two), (two, two)}
    assert rows[one, two]["residents"] == 139
    assert rows[one, two]["old_share"] == pytest.approx(1)
    assert answer["summary"]["areas_retired"] == 1


def test_an_untouched_neighbour_that_loses_a_tie_or_ground_is_in_the_matrix(
    database: Database, city: SmallCity
) -> None:
    """Two overlapping owners: the smaller code keeps the people, the matrix says so."""
    one, two = city.grids[:2]
    answer = impact(database, SYSTEM, draft_of(database, {one: strip(0, 2)}))
    rows = {(row["old"], row["new"]): row for row in answer["layers"][0]["matrix"]}
    assert rows[two, one]["residents"] == 12


def test_who_may_not_see_drafts_is_refused(database: Database, city: SmallCity) -> None:
    one = city.grids[0]
    number = draft_of(database, {one: strip(0, 0.5)})
    with pytest.raises(SignInRequired):
        impact(database, ANONYMOUS, number)
    with pytest.raises(RoleNotAllowed):
        impact(database, Actor("token:1", "viewer"), number)
    with pytest.raises(OutsideScope):
        impact(database, Actor("token:1", "planner", "341103"), number)
    with pytest.raises(DraftUnknown):
        impact(database, SYSTEM, number + 1)
    assert impact_view(database, SYSTEM, None).answer["draft_id"] == number


def redrawn_community(database: Database) -> tuple[str, dict[str, Any]]:
    """The grids of the community with most open orders of the demo city, cut another way."""
    with database.reading(SYSTEM) as work:
        rows = work.rows(
            sa.text(
                "select area_code, parent_code, ST_AsBinary(geometry) as wkb from area_versions "
                "where level = 'grid' and kind = 'general' and retired_revision is null "
                "and parent_code = (select g.parent_code from work_orders w "
                "join events e on e.id = w.event_id "
                "join area_versions g on ST_Covers(g.geometry, e.geometry) "
                "where w.closed_at is null and g.level = 'grid' and g.kind = 'general' "
                "group by 1 order by count(*) desc, 1 limit 1) order by 1"
            )
        )
    shapes = {row["area_code"]: shapely.from_wkb(bytes(row["wkb"])) for row in rows}
    whole = shapely.union_all(list(shapes.values()))
    west, south, east, north = whole.bounds
    width = (east - west) / len(shapes)
    cut = {
        code: whole.intersection(
            shapely.box(west + i * width, south, west + (i + 1) * width, north)
        )
        for i, code in enumerate(shapes)
    }
    return rows[0]["parent_code"], {
        code: shape for code, shape in cut.items() if shape.geom_type.endswith("Polygon")
    }


MATRIX = """
    select o.code as old, n.code as new, sum(p.first) as n0, sum(p.second) as n1, count(*) as n2
    from ({points}) as p
    left join lateral (
        select area_code as code from area_versions where level = 'grid' and kind = 'general'
            and valid is not null and retired_revision is null and ST_Covers(geometry, p.place)
        order by area_code collate "C" limit 1
    ) as o on true
    left join lateral (
        select area_code as code from area_versions where level = 'grid' and kind = 'general'
            and ST_Covers(geometry, p.place) and (draft_id = :draft or (
                valid is not null and retired_revision is null and area_code <> all(:codes)))
        order by area_code collate "C" limit 1
    ) as n on true
    where o.code = any(:codes) or n.code = any(:codes)
    group by 1, 2
"""
"""What stands at a place, by who has it and who would: PostGIS's answer, one row per pair."""

POINTS = {
    "select geometry as place, residents as first, households as second from buildings": (
        "residents",
        "households",
        "buildings",
    ),
    "select geometry as place, 1 as first, 0 as second from gazetteer_entries": ("addresses",),
    "select geometry as place, 1 as first, 0 as second from stations where closed_at is null": (
        "stations",
    ),
    "select e.geometry as place, 1 as first, 0 as second from work_orders w "
    "join events e on e.id = w.event_id where w.closed_at is null": ("open_orders",),
    "select geometry as place, 1 as first, 0 as second from events where received_at >= :since": (
        "events",
    ),
}
"""Points with two weights -> the figures that are their sums, and their number."""


def test_the_demo_citys_figures_equal_postgis(own_demo_city: Database) -> None:
    database = own_demo_city
    community, areas = redrawn_community(database)
    number = draft_of(database, areas, skip_bad=True)
    began = time.perf_counter()
    answer = impact(database, SYSTEM, number)
    print(f"impact of {community}: {time.perf_counter() - began:.2f} s")
    (layer,) = answer["layers"]
    assert answer["summary"]["residents_moved"] > 0
    told: dict[str, dict[Any, int]] = {name: {} for name in FIGURES}
    for row in layer["matrix"]:
        for name in FIGURES:
            if row[name]:
                told[name][row["old"], row["new"]] = row[name]
    since = datetime.fromisoformat(answer["events_since"])
    with database.reading(SYSTEM) as work:
        for points, weights in POINTS.items():
            rows = work.rows(
                sa.text(MATRIX.format(points=points)), draft=number, codes=list(areas), since=since
            )
            for column, name in enumerate(weights):
                counted = {(row["old"], row["new"]): int(row[f"n{column}"]) for row in rows}
                assert told[name] == {pair: n for pair, n in counted.items() if n}, name
        teams = {
            row["area_code"]: row["workers"]
            for row in work.rows(
                sa.text(
                    "select area_code, count(distinct person_id) as workers from duties "
                    "where valid @> now() group by 1"
                )
            )
        }
    assert {name for name in FIGURES if told[name]} >= {*FIGURES} - {"stations"}
    for row in layer["matrix"]:
        gives_away = row["old"] != row["new"]
        assert row["workers"] == (teams.get(row["old"], 0) if gives_away else 0), row
    for area in layer["areas"]:
        rows = [row for row in layer["matrix"] if row["old"] == area["code"]]
        assert sum(row["old_share"] or 0 for row in rows) == pytest.approx(1, abs=1e-4)
