"""Coverage along roads, with capacities, hours, changes and other counts of people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from gis.cluster import Cluster
from gis.errors import DemandUnknown, GovernanceError, PlanningInvalid, StationUnknown
from gis.governance.actors import SYSTEM
from gis.governance.calendar import SHANGHAI
from gis.services.coverage_question import StationChange
from gis.services.planning import Level, coverage, coverage_view
from gis.store import tables
from gis.store.unit_of_work import Database
from tests import roads, small_city
from tests.conftest import cloned

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)
SUNDAY = datetime(2026, 11, 22, 10, 0, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def town(cluster: Cluster, template: str) -> Iterator[Database]:
    with cloned(cluster, template) as database:
        small_city.build(database)
        with database.transaction(SYSTEM) as work:
            roads.lay(work)
            work.execute(sa.update(tables.buildings).values(households=sa.text("residents / 2")))
        yield database


def exact(answer: dict[str, Any]) -> None:
    """Everybody is somewhere, once: in the sum and in every row."""
    total = answer["summary"]
    assert (
        total["people_all"]
        == total["people_covered"] + total["people_uncovered"] + total["not_assessable"]
    )
    for row in [total, *answer["areas"]]:
        parts = row["people_covered"] + row["people_uncovered"] + row["people_off_network"]
        assert row["people"] == parts
        assert sum(row["uncovered_by_cause"].values()) == row["people_uncovered"]
        assert sum(row["multiplicity"].values()) == row["people"] - row["people_off_network"]


def test_along_roads_a_place_is_covered_uncovered_or_not_assessable(town: Database) -> None:
    answer = coverage(town, SYSTEM, reach="network", radius_m=9000.0, kinds=["service_station"])
    exact(answer)
    total = answer["summary"]
    # 50 people: 4,500 + 4,000 m and two access ways of 11 m; 30 people stand far from every road
    assert total["people_covered"] == 150
    assert total["people_off_network"] == 30
    assert total["people_uncovered"] == 27
    assert total["area_covered_km2"] is None
    near = coverage(town, SYSTEM, reach="network", radius_m=8500.0, kinds=["service_station"])
    assert near["summary"]["people_covered"] == 100
    straight = coverage(town, SYSTEM, radius_m=9000.0, kinds=["service_station"])
    assert straight["question"]["mode"] is None
    assert straight["summary"]["people_off_network"] == 0
    assert "沿路网步行" in answer["denominator"]["covered_when_zh"]
    assert "大地线" in straight["denominator"]["covered_when_zh"]


def test_one_way_streets_bind_riders_in_the_direction_asked(town: Database) -> None:
    def covered(**asked: str) -> int:
        answer = coverage(
            town, SYSTEM, kinds=["job_service"], reach="network", radius_m=7000.0, **asked
        )
        exact(answer)
        found: int = answer["summary"]["people_covered"]
        return found

    assert covered(mode="walk") == 27
    assert covered(mode="ride", towards="stations") == 20  # the 7 cannot ride up the one-way
    assert covered(mode="ride", towards="points") == 27


def test_full_stations_serve_as_many_as_they_can(town: Database) -> None:
    more = [StationChange("add", lon=118.25, lat=32.25, capacity=60, kind="service_station")]
    close = StationChange("close", code="S1")
    answer = coverage(town, SYSTEM, capacity=True, changes=[*more, close])
    exact(answer)
    assert answer["summary"]["people_covered"] == 60 + 20
    assert answer["summary"]["uncovered_by_cause"]["full"] == 40
    loads = {row["code"]: (row["load"], row["full"]) for row in answer["stations"]}
    assert loads["new:1"] == (60, True)
    assert loads["S1"] == (0, False)
    gap = answer["gaps"]["features"][0]["properties"]
    assert (gap["people"], gap["cause"]) == (90, "none_in_reach")


def test_who_is_open_depends_on_the_instant(town: Database) -> None:
    hours = "周一至周五 08:30-12:00 14:00-17:30"
    change = [StationChange("move", code="S1", lon=118.25, lat=32.25, opening_hours=hours)]
    assert coverage(town, SYSTEM, at=MONDAY, changes=change)["summary"]["people_covered"] == 120
    shut = coverage(town, SYSTEM, at=SUNDAY, changes=change)
    exact(shut)
    assert shut["summary"]["people_covered"] == 20
    assert shut["summary"]["uncovered_by_cause"]["closed"] == 100
    unread = [StationChange("move", code="S1", lon=118.25, lat=32.25, opening_hours="看心情")]
    assert coverage(town, SYSTEM, at=SUNDAY, changes=unread)["hours_unread"] == ["S1"]


@pytest.mark.parametrize("reach", ["straight", "network"])
@pytest.mark.parametrize("by", ["community", "grid", "county"])
def test_changes_in_thought_give_what_changes_in_fact_would(
    own_demo_city: Database, reach: str, by: Level
) -> None:
    now = coverage(own_demo_city, SYSTEM, reach=reach, by=by)
    with own_demo_city.reading(SYSTEM) as work:
        codes = [
            row["code"] for row in work.rows(sa.select(tables.stations.c.code).order_by("code"))
        ]
    changes = [
        StationChange("close", code=codes[2]),
        StationChange("move", code=codes[5], lon=118.30, lat=32.30),
        StationChange("add", code="N1", lon=118.33, lat=32.31, kind="job_service"),
    ]
    thought = coverage(own_demo_city, SYSTEM, reach=reach, by=by, changes=changes)
    exact(thought)
    with own_demo_city.transaction(SYSTEM) as work:
        work.execute(
            sa.update(tables.stations)
            .where(tables.stations.c.code == codes[2])
            .values(closed_at=sa.text("now()"))
        )
        work.execute(
            sa.update(tables.stations)
            .where(tables.stations.c.code == codes[5])
            .values(geometry="SRID=4326;POINT(118.30 32.30)")
        )
        small_city.add_station(work, "N1", "新", "job_service", lon=118.33, lat=32.31)
    fact = coverage(own_demo_city, SYSTEM, reach=reach, by=by)
    then, found = thought["summary"], fact["summary"]
    for name in ("people_covered", "people_uncovered", "people_off_network", "stations"):
        assert then[name] == found[name]
    assert then["multiplicity"] == found["multiplicity"]
    # a station closed in thought is still known to be there
    assert then["uncovered_by_cause"]["closed"] > 0 == found["uncovered_by_cause"]["closed"]
    if reach == "straight":
        assert then["area_covered_km2"] == pytest.approx(found["area_covered_km2"], abs=1e-5)
    rows = {row["code"]: row for row in fact["areas"]}
    before = {row["code"]: row for row in now["areas"]}
    listed = {row["code"] for row in thought["areas"]}
    for row in thought["areas"]:
        assert rows[row["code"]]["people_covered"] == row["people_covered"]
        assert before[row["code"]]["people_covered"] == row["people_covered_before"]
    for code, row in rows.items():
        if code not in listed:
            assert row["people_covered"] == before[code]["people_covered"]
    gained = fact["summary"]["people_covered"] - now["summary"]["people_covered"]
    assert thought["change"]["people_gained"] - thought["change"]["people_lost"] == gained


def test_memory_never_outlives_a_change(own_demo_city: Database) -> None:
    first = coverage(own_demo_city, SYSTEM, reach="network")
    with own_demo_city.transaction(SYSTEM) as work:
        work.execute(sa.delete(tables.roads))
        work.execute(
            sa.update(tables.buildings)
            .where(tables.buildings.c.residents > 0)
            .values(residents=tables.buildings.c.residents + 1)
        )
    with pytest.raises(GovernanceError) as refused:
        coverage(own_demo_city, SYSTEM, reach="network")
    assert type(refused.value).__name__ == "NetworkMissing"
    now = coverage(own_demo_city, SYSTEM)
    assert now["summary"]["people"] > first["summary"]["people"]
    assert now["basis"]["data"]["buildings"] >= first["basis"]["data"]["buildings"]


def test_other_counts_are_spread_over_homes_and_the_spread_is_told(town: Database) -> None:
    box = "SRID=4326;MULTIPOLYGON(((118.2 32.2,118.3 32.2,118.3 32.3,118.2 32.3,118.2 32.2)))"
    with town.transaction(SYSTEM) as work:
        work.execute(
            sa.insert(tables.people_counts).values(
                series="普查", code="a", residents=301, geometry=box, households=100
            )
        )
        work.execute(
            sa.insert(tables.people_counts).values(
                series="普查", code="341103001001", residents=80, households=0
            )
        )
    answer = coverage(town, SYSTEM, demand="普查")
    exact(answer)
    assert answer["summary"]["people_all"] == 381
    rows = {row["code"]: row["people"] for row in answer["areas"]}
    assert rows["341102001001"] == 301
    assert rows["341103001001"] == 80  # nobody's home is there: spread by area
    assert answer["demand"]["method"] == "dasymetric"
    assert answer["demand"]["people_by_area_only"] == 80
    shares = coverage(town, SYSTEM, methods=True)["demand"]["ratio_by_method"]
    assert set(shares) == {"buildings", "centroid", "areal", "communities", "普查"}
    assert shares["buildings"] == 120 / 207
    with town.transaction(SYSTEM) as work:
        work.execute(sa.delete(tables.people_counts))


def test_groups_show_no_household(demo_city: Database) -> None:
    groups = ["age_60_plus", "disabled"]
    answer = coverage(demo_city, SYSTEM, by="grid", groups=groups)
    whole = answer["summary"]["groups"]["age_60_plus"]
    assert 0 < whole["people_covered"] <= whole["people"] < answer["summary"]["people"]
    for row in answer["areas"]:
        for group in row["groups"].values():
            if group["people"] is not None:
                left = group["people"] - group["people_covered"]
                assert group["people_covered"] == 0 or group["people_covered"] >= 5
                assert left == 0 or left >= 5
    with pytest.raises(DemandUnknown):
        coverage(demo_city, SYSTEM, groups=["wealth"])


def test_the_map_draws_roads_for_reach_along_roads(town: Database) -> None:
    view = coverage_view(town, SYSTEM, reach="network", radius_m=3000.0)
    assert view.reach is not None
    assert view.reach["geometry"]["type"] == "MultiLineString"
    assert [gap["properties"]["people"] for gap in view.gaps] == [50, 7]


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({"reach": "boat"}, PlanningInvalid),
        ({"mode": "swim", "reach": "network"}, PlanningInvalid),
        ({"snap_m": 1e9, "reach": "network"}, PlanningInvalid),
        ({"demand": "guess"}, DemandUnknown),
        ({"changes": [StationChange("close", code="S9")]}, StationUnknown),
        ({"changes": [StationChange("add", lon=1.3e7, lat=3.8e6)]}, PlanningInvalid),
        ({"changes": [StationChange("add", code="S1", lon=118.0, lat=32.0)]}, PlanningInvalid),
    ],
)
def test_what_has_no_meaning_is_refused_in_words(
    town: Database, question: dict[str, Any], error: type[GovernanceError]
) -> None:
    with pytest.raises(error) as refused:
        coverage(town, SYSTEM, **question)
    assert refused.value.detail("zh")
    assert refused.value.detail("en")


def test_what_if_over_http_is_one_request(client: httpx.Client) -> None:
    body = {
        "radius_m": 3000,
        "reach": "network",
        "changes": [{"action": "add", "lon": 118.3172, "lat": 32.3019}],
    }
    answer = client.post("/v1/coverage", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    exact(found)
    assert found["change"]["before"]["people"] == found["summary"]["people"]
    assert client.post("/v1/coverage", json=body).json()["summary"] == found["summary"]
    wrong = client.post("/v1/coverage", json={**body, "changes": [{"action": "close"}]})
    assert wrong.status_code == 404
    assert wrong.headers["content-type"] == "application/problem+json"


def test_isochrones_over_http(client: httpx.Client, demo_city: Database) -> None:
    with demo_city.reading(SYSTEM) as work:
        at = sa.func.ST_PointN(tables.roads.c.geometry, 1)
        road = work.row(sa.select(sa.func.ST_X(at).label("lon"), sa.func.ST_Y(at).label("lat")))
    assert road is not None
    body = {"points": [dict(road)], "distances_m": [500, 1500]}
    answer = client.post("/v1/isochrones", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    small, large = found["reached"]
    assert 0 < small["road_m"] < large["road_m"]
    assert small["people"] <= large["people"]
    assert len(found["polygons"]["features"]) == 2
    far = client.post("/v1/isochrones", json={**body, "points": [{"lon": 100, "lat": 30}]}).json()
    assert far["not_assessable"] == [0]
    assert far["edges"]["features"] == []
