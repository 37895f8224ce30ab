"""Scenarios: saved with what they stand on, compared, repeated, written into files."""

from __future__ import annotations

import io

import geopandas as gpd
import httpx
import openpyxl
import pytest
import sqlalchemy as sa

from gis.errors import PlanningInvalid, ScenarioUnknown
from gis.governance.actors import SYSTEM, Actor
from gis.services import scenarios
from gis.store import tables
from gis.store.constraints import AlreadyThere
from gis.store.unit_of_work import Database
from tests.conftest import Token


def test_a_scenario_is_repeated_and_says_when_the_city_changed(own_demo_city: Database) -> None:
    now = scenarios.save(own_demo_city, SYSTEM, "现状", "coverage", {"radius_m": 3000})
    sites = {"k": 2, "kinds": ["job_service"], "seed": 3, "seconds": 5}
    plan = scenarios.save(own_demo_city, SYSTEM, "两个新站", "siting", sites)
    assert plan["answer"]["question"]["seed"] == 3
    again = scenarios.again(own_demo_city, SYSTEM, plan["id"])
    assert (again["same_basis"], again["same_figures"]) == (True, True)
    side = scenarios.compared(own_demo_city, SYSTEM, [now["id"], plan["id"]])
    assert [column["name"] for column in side["columns"]] == ["现状", "两个新站"]
    assert side["same_basis"]
    with own_demo_city.transaction(SYSTEM) as work:
        work.execute(sa.update(tables.stations).values(closed_at=sa.text("now()")))
        work.execute(
            sa.update(tables.stations)
            .where(tables.stations.c.kind == "job_service")
            .values(closed_at=None)
        )
    later = scenarios.again(own_demo_city, SYSTEM, now["id"])
    assert (later["same_basis"], later["same_figures"]) == (False, False)
    with pytest.raises(AlreadyThere):
        scenarios.save(own_demo_city, SYSTEM, "现状", "coverage", {})
    with pytest.raises(PlanningInvalid):
        scenarios.save(own_demo_city, SYSTEM, "x", "coverage", {"wish": 1})
    planner = Actor("token:9", "planner", "341102")
    with pytest.raises(ScenarioUnknown):
        scenarios.one(own_demo_city, planner, now["id"])
    scenarios.remove(own_demo_city, SYSTEM, now["id"])
    with pytest.raises(ScenarioUnknown):
        scenarios.one(own_demo_city, SYSTEM, now["id"])


def test_scenarios_over_http_and_as_files(client: httpx.Client, token: Token) -> None:
    planner = token("planner")
    body = {"name": "=关站", "coverage": {"by": "county", "changes": []}}
    assert client.post("/v1/scenarios", json=body).status_code == 401
    saved = client.post("/v1/scenarios", json=body, headers=planner)
    assert saved.status_code == 201, saved.text
    where = saved.headers["Location"]
    assert client.post("/v1/scenarios", json=body, headers=planner).status_code == 409
    found = client.get(where, headers=planner).json()
    assert found["basis"]["data"]["buildings"]
    listed = client.get("/v1/scenarios", headers=planner).json()["items"]
    assert found["id"] in [row["id"] for row in listed]
    sheet = client.get(f"{where}/export", params={"format": "xlsx"}, headers=planner)
    book = openpyxl.load_workbook(io.BytesIO(sheet.content))
    assert book.sheetnames == ["areas", "gaps", "summary"]
    assert book["summary"]["A2"].value == "'=关站"
    assert book["areas"].max_row == len(found["answer"]["areas"]) + 1
    text = client.get(f"{where}/export", params={"format": "csv"}, headers=planner).text
    assert text.startswith("\ufeffcode,name,people")
    package = client.get(f"{where}/export", params={"format": "gpkg"}, headers=planner)
    gaps = gpd.read_file(io.BytesIO(package.content), layer="gaps")
    assert len(gaps) == len(found["answer"]["gaps"]["features"])
    both = client.get("/v1/scenarios/compare", params={"ids": [found["id"]] * 2}, headers=planner)
    assert both.status_code == 200
    assert client.delete(where, headers=planner).status_code == 204
    assert client.get(where, headers=planner).status_code == 404
