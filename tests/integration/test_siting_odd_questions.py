"""Questions at the edge of sense: each gets an answer that adds up, or is refused in words."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import typer

from api.cli.planning import changes_of
from gis.errors import NoPlan
from gis.governance.actors import SYSTEM
from gis.services import siting
from gis.services.coverage_question import StationChange
from gis.services.planning import coverage
from gis.services.siting import OBJECTIVES, SitingQuestion
from gis.services.siting_question import OwnCandidate
from gis.store.unit_of_work import Database
from tests import small_city
from tests.conftest import Token

POLE = {"code": "pole", "lon": 0.0, "lat": 90.0}


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(
    "odd",
    [
        {"k": 100, "candidates": "own", "own": [POLE]},  # more sites than candidates
        {"radius_m": 0.001},
        {"radius_m": 50_000.0, "keep_existing": True},  # everybody is reached already
        {"radius_m": 50_000.0, "keep_existing": False},
        {"keep_existing": False, "reach": "network"},
        {"reach": "network", "snap_m": 0.0},  # nobody stands on a road to the millimetre
        {"reach": "network", "snap_m": 0.0, "mode": "ride", "towards": "points"},
        {"reach": "network", "radius_m": 50_000.0, "mode": "ride"},
        {"reach": "network", "candidates": "own", "own": [POLE], "keep_existing": False},
    ],
    ids=str,
)
def test_odd_questions_are_answered_or_refused(
    client: httpx.Client, token: Token, objective: str, odd: dict[str, Any]
) -> None:
    body = {"k": 3, "area": "341102", "seconds": 1.0, "objective": objective, **odd}
    answer = client.post("/v1/siting", json=body, headers=token("planner"))
    checked(answer)


@pytest.mark.parametrize(
    "odd",
    [
        {"capacity": 50},
        {"capacity": 1, "reach": "network"},
        {"times": 2},
        {"times": 2, "reach": "network", "snap_m": 0.0},
        {"budget": 0.0},
        {"equity_level": "community", "equity_ratio": 1e-9},
        {"equity_level": "grid", "equity_ratio": 1.0, "radius_m": 100.0},
        {"curve": True, "k": 100, "candidates": "communities"},
        {"own": [POLE], "forced": ["own:pole"], "k": 1},
        {"own": [POLE], "candidates": "own", "forbidden": ["own:pole"]},
    ],
    ids=str,
)
def test_odd_limits_are_answered_or_refused(
    client: httpx.Client, token: Token, odd: dict[str, Any]
) -> None:
    body = {"k": 3, "area": "341102", "seconds": 1.0, "keep_existing": False, **odd}
    checked(client.post("/v1/siting", json=body, headers=token("planner")))


def checked(answer: httpx.Response) -> None:
    found = answer.json()
    if answer.status_code != 200:
        assert answer.status_code == 422, answer.text
        assert found["type"] in {"/problems/no-plan", "/problems/siting-invalid"}
        return
    gained = sum(site["properties"]["marginal_people"] for site in found["sites"]["features"])
    assert found["before"]["people_covered"] + gained == found["after"]["people_covered"]
    assert found["after"]["people_covered"] <= found["after"]["people"]
    assert "NaN" not in answer.text


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e400"])
@pytest.mark.parametrize("field", ["radius_m", "k"])
def test_what_is_no_number_is_refused(
    client: httpx.Client, token: Token, field: str, number: str
) -> None:
    headers = {**token("planner"), "Content-Type": "application/json"}
    answer = client.post("/v1/siting", content=f'{{"{field}": {number}}}', headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_radius_of_snapping_of_0_puts_nobody_on_the_roads(demo_city: Database) -> None:
    found = coverage(demo_city, SYSTEM, reach="network", snap_m=0.0)["summary"]
    assert found["people_covered"] == 0
    assert found["people_off_network"] == found["people"] > 0


def test_a_city_without_stations_or_people_has_answers(database: Database) -> None:
    small_city.build(database)
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text("update stations set closed_at = now()"))
    new = (StationChange(action="add", lon=118.25, lat=32.25),)
    answer = siting.site(database, SYSTEM, SitingQuestion(k=1, changes=new))
    assert answer["before"]["people_covered"] == 100
    for question in ({"times": 2}, {"capacity": 10}, {"objective": "min_stations"}):
        json.dumps(siting.site(database, SYSTEM, SitingQuestion(**question)), allow_nan=False)
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text("update buildings set residents = 0"))
    for objective in OBJECTIVES:
        empty = siting.site(database, SYSTEM, SitingQuestion(objective=objective))
        assert empty["after"]["people"] == 0
        assert empty["proof"]["gap"] == 0.0


def test_people_without_any_way_do_not_spoil_the_plan_of_the_others(database: Database) -> None:
    small_city.build(database)
    with database.transaction(SYSTEM) as work:
        for number, ends in enumerate(
            ("118.24 32.25, 118.30 32.29", "118.24 32.35, 118.26 32.35")  # two roads, no bridge
        ):
            work.execute(
                sa.text(
                    "insert into roads (code, class, geometry, length_m) select :code, 'street', "
                    "road, ST_Length(road::geography) "
                    "from ST_GeomFromText(:line, 4326) road"
                ),
                code=f"R{number}",
                line=f"LINESTRING({ends})",
            )
    own = (OwnCandidate("a", 118.25, 32.257), OwnCandidate("b", 118.29, 32.283))
    asked = {"reach": "network", "keep_existing": False, "candidates": "own", "snap_m": 2000.0}
    for objective in ("min_mean_distance", "min_max_distance"):
        question = SitingQuestion(objective=objective, k=1, own=own, **asked)
        answer = siting.site(database, SYSTEM, question)
        assert answer["demand"]["people_without_way"] == 30  # at the northern road
        assert answer["after"]["people_without_way"] == 30
        assert answer["proof"]["status"] == "optimal"
    north = (OwnCandidate("c", 118.25, 32.351),)
    with pytest.raises(NoPlan):  # both roads have a candidate, one station cannot serve both
        siting.site(
            database,
            SYSTEM,
            SitingQuestion(objective="min_max_distance", k=1, own=own + north, **asked),
        )


@pytest.mark.parametrize(
    ("text", "fits"),
    [("118.3,32.3", True), ("118.3,32.3,school", True), ("x", False), ("1,b", False)],
)
def test_stations_added_on_the_command_line_are_read_or_refused(text: str, *, fits: bool) -> None:
    if fits:
        (change,) = changes_of([text], None, None)
        assert (change.lon, change.lat, change.kind) == (118.3, 32.3, [*text.split(","), None][2])
        return
    with pytest.raises(typer.BadParameter):
        changes_of([text], None, None)
