"""The employment circle: what lies around each community, and who gets which opening."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import numpy as np
import pytest
import sqlalchemy as sa
from pyproj import Geod

from gis.cluster import Cluster
from gis.errors import GovernanceError, NetworkMissing, OutsideScope, PlanningInvalid
from gis.governance.actors import SYSTEM, Actor
from gis.services.employment import CircleQuestion, circles
from gis.services.offers import OffersQuestion, offers
from gis.store import tables
from gis.store.unit_of_work import Database
from tests import small_city
from tests.conftest import Token, cloned

GEOD = Geod(ellps="WGS84")
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
OPENINGS = [  # code, trade, wage_max, places, lon, lat
    ("J1", "catering", 4000, 1, 118.25, 32.25),
    ("J2", "catering", 6000, 1, 118.26, 32.25),
    ("J3", "retail", 5000, 2, 118.25, 32.26),
    ("J4", "catering", 9000, 5, 118.36, 32.25),
    ("J5", "clerical", 5000, 9, 118.25, 32.25),
]
SEEKERS = [  # code, trade, wage_wish, household, zero, lon, lat
    ("K1", "catering", 3500, "H1", True, 118.25, 32.25),
    ("K2", "catering", 3500, "H2", False, 118.25, 32.25),
    ("K3", "catering", 3500, "H3", False, 118.25, 32.251),
    ("K4", "catering", 8000, None, False, 118.25, 32.25),
    ("K5", "technology", 3000, None, False, 118.25, 32.25),
    ("K6", "retail", None, "H1", True, 118.39, 32.39),
]


@pytest.fixture(scope="module")
def town(cluster: Cluster, template: str) -> Iterator[Database]:
    with cloned(cluster, template) as database:
        small_city.build(database)
        with database.transaction(SYSTEM) as work:
            for code, trade, wage, places, lon, lat in OPENINGS:
                work.execute(
                    sa.insert(tables.job_openings).values(
                        code=code,
                        employer="厂",
                        title="工",
                        trade=trade,
                        wage_min=0,
                        wage_max=wage,
                        openings=places,
                        geometry=f"SRID=4326;POINT({lon} {lat})",
                        valid=sa.text(
                            "tstzrange('2026-01-01', "
                            + ("'2026-02-01')" if code == "J5" else "'2027-01-01')")
                        ),
                    )
                )
            for code, trade, wish, home, zero, lon, lat in SEEKERS:
                work.execute(
                    sa.insert(tables.job_seekers).values(
                        code=code,
                        trade=trade,
                        wage_wish=wish,
                        household_code=home,
                        zero_employment_household=zero,
                        geometry=f"SRID=4326;POINT({lon} {lat})",
                    )
                )
        yield database


def test_a_circle_says_what_is_within_reach_and_why_not(town: Database) -> None:
    answer = circles(town, SYSTEM, CircleQuestion(least_openings=2, at=AT))
    rows = {row["code"]: row for row in answer["items"]}
    assert list(rows) == sorted(rows)
    first = rows["341102001001"]  # its people's centre lies 1.9 km from the openings
    assert (first["openings"], first["seekers"]) == (4, 5)
    assert first["openings_by_trade"] == {"catering": 2, "retail": 2}
    assert [reason["code"] for reason in first["why_not"]] == ["no_station"]
    last = rows["341103001002"]
    assert last["stations_staffed"] == 1
    assert [reason["code"] for reason in last["why_not"]] == ["too_few_openings"]
    assert last["why_not"][0]["missing"] == 2
    assert answer["summary"]["communities"] == 4
    assert answer["summary"]["covered"] == 0
    fair = circles(town, SYSTEM, CircleQuestion(least_openings=0, at=AT))
    assert fair["summary"]["covered"] == 1
    assert all(row["walk"] is None for row in answer["items"])
    with pytest.raises(NetworkMissing):
        circles(town, SYSTEM, CircleQuestion(reach="network"))


def test_nobody_is_sent_beyond_reach_trade_or_wage_and_households_come_first(
    town: Database,
) -> None:
    answer = offers(town, SYSTEM, OffersQuestion(at=AT))
    matches = {row["seeker"]: row["opening"] for row in answer["assignments"]}
    assert matches["K1"] in {"J1", "J2"}
    assert len({"K2", "K3"} & set(matches)) == 1  # two places for three
    why = {row["seeker"]: row for row in answer["unmatched"]}
    assert why["K4"]["reason"]["code"] == "wage_below_wish"
    helps = {change["change"]: change for change in why["K4"]["would_help"]}
    assert helps["lower_wage_wish"]["by_yuan"] == 2000
    assert helps["go_farther"]["opening"] == "J4"
    _, _, metres = GEOD.inv(118.25, 32.25, 118.36, 32.25)
    assert helps["go_farther"]["straight_m"] == pytest.approx(metres, abs=1.0)
    assert why["K5"]["reason"]["code"] == "trade_missing"
    assert why["K5"]["would_help"][0]["places_by_trade"] == {"catering": 2, "retail": 2}
    assert why["K6"]["reason"]["code"] == "none_in_reach"
    total = answer["summary"]
    assert total["zero_employment_households"] == 1
    assert total["zero_employment_households_open"] == 0
    assert total["seekers"] == total["seekers_matched"] + total["seekers_unmatched"]
    assert answer["proof"]["status"] == "optimal"
    anything = offers(town, SYSTEM, OffersQuestion(at=AT, same_trade=False))
    assert anything["summary"]["seekers_matched"] > total["seekers_matched"]


@pytest.mark.parametrize("reach", ["straight", "network"])
def test_the_demo_city_is_assigned_and_proven(demo_city: Database, reach: str) -> None:
    answer = offers(demo_city, SYSTEM, OffersQuestion(reach=reach))
    assert answer["proof"]["status"] == "optimal"
    taken: dict[str, int] = {}
    for row in answer["assignments"]:
        taken[row["opening"]] = taken.get(row["opening"], 0) + 1
        assert row["distance_m"] <= 3000
    with demo_city.reading(SYSTEM) as work:
        places = {
            row["code"]: row["openings"]
            for row in work.rows(
                sa.select(tables.job_openings.c.code, tables.job_openings.c.openings)
            )
        }
    assert all(count <= places[code] for code, count in taken.items())
    listed = [row["seeker"] for row in [*answer["assignments"], *answer["unmatched"]]]
    assert len(listed) == len(set(listed)) == answer["summary"]["seekers"]


def test_circles_agree_with_sql(demo_city: Database) -> None:
    answer = circles(demo_city, SYSTEM, CircleQuestion())
    rng = np.random.default_rng(1)
    for row in rng.choice(np.array(answer["items"], dtype=object), 5, replace=False):
        with demo_city.reading(SYSTEM) as work:
            near = work.scalar(
                sa.text(
                    "select coalesce(sum(openings), 0) from job_openings where valid @> now() and "
                    "st_dwithin(geometry::geography, "
                    "st_setsrid(st_makepoint(:lon, :lat), 4326)::geography, 3000.001)"
                ),
                lon=row["centre"]["lon"],
                lat=row["centre"]["lat"],
            )
        assert row["openings"] == near
        assert row["walk"]["openings"] <= row["openings"]
        assert row["walk"]["residents"] <= row["residents"]


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda town: circles(town, SYSTEM, CircleQuestion(least_openings=-1)), PlanningInvalid),
        (lambda town: offers(town, SYSTEM, OffersQuestion(reach="boat")), PlanningInvalid),
        (
            lambda town: offers(
                town, Actor("t", "planner", "341103"), OffersQuestion(area="341102")
            ),
            OutsideScope,
        ),
    ],
)
def test_what_has_no_answer_is_refused(
    town: Database, ask: Callable[[Database], object], error: type[GovernanceError]
) -> None:
    with pytest.raises(error):
        ask(town)


def test_over_http(client: httpx.Client, token: Token) -> None:
    found = client.get("/v1/employment/circles", params={"reach": "network"})
    assert found.status_code == 200, found.text
    nowhere = token("grid_worker")  # names nobody and no area: told what every visitor is
    asked = {"headers": nowhere, "params": {"reach": "network"}}
    assert client.get("/v1/employment/circles", **asked).json()["items"] == found.json()["items"]
    row = found.json()["items"][0]
    assert {"stations", "openings", "seekers", "residents", "covered", "why_not"} <= set(row)
    assert client.post("/v1/employment/offers", json={}).status_code == 401
    assert client.post("/v1/employment/offers", json={}, headers=token("viewer")).status_code == 403
    body = {"area": "341102", "reach": "network"}
    answer = client.post("/v1/employment/offers", json=body, headers=token("planner"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["summary"]["seekers"] > 0
