"""Access scores and staffing over the services and the interface."""

from __future__ import annotations

from fractions import Fraction

import httpx
import pytest

from gis.errors import PlanningInvalid
from gis.governance.actors import SYSTEM
from gis.services.accessibility import AccessQuestion, Method, accessibility
from gis.services.staffing import StaffingQuestion, staffed
from gis.store.unit_of_work import Database
from tests.conftest import Token


@pytest.mark.parametrize("method", ["2sfca", "e2sfca"])
@pytest.mark.parametrize("reach", ["straight", "network"])
def test_scores_share_out_the_supply_and_keep_zeros(
    demo_city: Database, method: Method, reach: str
) -> None:
    answer = accessibility(demo_city, SYSTEM, AccessQuestion(method=method, reach=reach))
    total = answer["summary"]
    assert total["shared_out"] == pytest.approx(total["supply_within_reach_of_somebody"])
    assert total["people_at_zero"] > 0
    assert total["p10"] == 0.0
    rows = answer["areas"]
    assert sum(row["people"] for row in rows) == total["people"]
    assert sum(row["people_at_zero"] for row in rows) == total["people_at_zero"]


def test_steps_must_rise_within_the_radius(demo_city: Database) -> None:
    for steps in (((2000.0, 1.0), (1000.0, 0.5)), ((4000.0, 1.0),), ((1000.0, 2.0),)):
        with pytest.raises(PlanningInvalid):
            accessibility(demo_city, SYSTEM, AccessQuestion(steps=steps))


def test_posts_are_exact_and_the_city_is_rounded_once(demo_city: Database) -> None:
    answer = staffed(demo_city, SYSTEM, StaffingQuestion())
    exact = [Fraction(row["residents"] * 18, 10_000) for row in answer["items"]]
    assert [Fraction(row["posts_exact"]) for row in answer["items"]] == exact
    assert [row["posts"] for row in answer["items"]] == [
        -(-e.numerator // e.denominator) for e in exact
    ]
    whole = sum(exact, Fraction(0))
    assert answer["city"]["posts"] == -(-whole.numerator // whole.denominator)
    assert answer["city"]["posts"] <= answer["city"]["posts_of_communities"]
    for row in answer["items"]:
        assert row["missing"] == max(0, row["posts"] - row["staff"])
        houses = row["compounds"]
        assert houses["with_all"] <= min(houses["with_team"], houses["with_station"])
    loads = [row["households_per_worker"] for row in answer["grids"] if row["workers"]]
    assert loads == sorted(loads, reverse=True)
    with pytest.raises(PlanningInvalid):
        staffed(demo_city, SYSTEM, StaffingQuestion(roles=("wizard",)))


def test_over_http(client: httpx.Client, token: Token) -> None:
    body = {
        "by": "county",
        "steps": [{"metres": 1000, "weight": 1}, {"metres": 3000, "weight": 0.5}],
    }
    answer = client.post("/v1/accessibility", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["question"]["steps"][0][0] == pytest.approx(1000.0, abs=0.01)
    assert client.get("/v1/staffing").status_code == 401
    found = client.get("/v1/staffing", headers=token("planner"))
    assert found.status_code == 200, found.text
    assert found.json()["rule"]["per_10000"] == 18
