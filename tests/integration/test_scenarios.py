"""Scenarios: saved with what they stand on, compared, repeated, written into files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import geopandas as gpd
import httpx
import openpyxl
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from api.cli import scenarios as commands
from api.routes.scenarios import ScenarioIn
from gis.errors import PlanningInvalid, ScenarioUnknown
from gis.governance.actors import SYSTEM, Actor
from gis.services import scenarios
from gis.store import tables
from gis.store.constraints import ScenarioNameTaken
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
    told = {name for kept in (now, plan) for name in kept["answer"]["question"]}
    told |= {name for column in side["columns"] for name in column["figures"]}
    assert told | set(now["basis"]["data"]) | {"coverage", "siting"} <= set(commands.WORDS)
    with own_demo_city.transaction(SYSTEM) as work:
        work.execute(sa.update(tables.stations).values(closed_at=sa.text("now()")))
        work.execute(
            sa.update(tables.stations)
            .where(tables.stations.c.kind == "job_service")
            .values(closed_at=None)
        )
    later = scenarios.again(own_demo_city, SYSTEM, now["id"])
    assert (later["same_basis"], later["same_figures"]) == (False, False)
    with pytest.raises(ScenarioNameTaken):
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


def test_options_of_a_redraw_are_compared_before_one_is_drafted(own_demo_city: Database) -> None:
    with own_demo_city.reading(SYSTEM) as work:
        community = work.scalar(
            sa.text(
                "select parent_code from area_versions where kind = 'general' group by 1 "
                "having count(*) between 3 and 6 and sum(households) > 900 order by 1 limit 1"
            )
        )
    asked = {"community": community, "low": 1, "high": 10_000}
    saved = [
        scenarios.save(own_demo_city, SYSTEM, f"{k} 格", "redraw", asked | {"grids": k})
        for k in (2, 3)
    ]
    side = scenarios.compared(own_demo_city, SYSTEM, [one["id"] for one in saved])
    assert [column["figures"]["grids"] for column in side["columns"]] == [2, 3]
    assert [column["question"]["grids"] for column in side["columns"]] == [2, 3]
    told = {*side["columns"][0]["figures"], *saved[0]["answer"]["question"], "redraw"}
    assert told | set(saved[0]["basis"]["data"]) <= set(commands.WORDS)
    assert set(saved[0]["basis"]["data"]) == {"buildings", "roads"}
    assert saved[0]["answer"]["question"]["seed"] == 0
    again = scenarios.again(own_demo_city, SYSTEM, saved[1]["id"])
    assert (again["same_basis"], again["same_figures"]) == (True, True)
    written = scenarios.tables_of(saved[1])
    assert [row["geometry"]["type"] for row in written["grids"]] == ["MultiPolygon"] * 3
    with own_demo_city.reading(SYSTEM) as work:
        drafts = "select count(*) from boundary_revisions where status = 'draft'"
        assert work.scalar(sa.text(drafts)) == 0
    # one of that area sees them, past any number of others that are not theirs
    for number in range(3):
        scenarios.save(own_demo_city, SYSTEM, f"全市 {number}", "coverage", {})
    scenarios.save(own_demo_city, SYSTEM, "末", "coverage", {"area": community})
    theirs = Actor("token:9", "planner", community)
    names = [row["name"] for row in scenarios.listed(own_demo_city, theirs, after=0, limit=3)]
    assert names == ["2 格", "3 格", "末"]


def test_a_question_that_makes_no_sense_is_refused_in_words(
    own_demo_city: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield own_demo_city

    monkeypatch.setattr(commands, "open_database", opened)
    monkeypatch.setenv("LANG", "en_US.UTF-8")

    def save(*told: str) -> tuple[int, str]:
        result = CliRunner().invoke(commands.app, ["save", "x", *told])
        return result.exit_code, " ".join(result.output.split())

    assert "changes.0.action: is missing" in save("coverage", '{"changes": [{"code": "S"}]}')[1]
    assert "radius_m: must be a number" in save("coverage", '{"radius_m": "far"}')[1]
    for told in (["coverage", "null"], ["coverage", "{"], ["else", "{}"]):
        assert save(*told)[0] == 2
    assert save("coverage", '{"by": "county"}')[0] == 0
    shown = CliRunner().invoke(commands.app, ["compare", "1", "1"])
    assert "boundary revision" in shown.output
    for both in (ScenarioIn(name="x"), ScenarioIn(name="x", coverage={}, siting={})):  # type: ignore[arg-type]
        with pytest.raises(PlanningInvalid):
            both.parts()
