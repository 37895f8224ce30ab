"""The map boundary-impact in a real browser, with the network cut; and the command beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import typer
from playwright.sync_api import Browser, Page, Route, expect
from typer.testing import CliRunner

from api.app import create_app
from api.cli import impact as command
from gis.cluster import Cluster
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.browser.test_station_coverage import until
from tests.conftest import cloned, serving
from tests.factories import SmallCity, small_city
from tests.integration.test_impact import draft_of, put, redrawn_community, strip

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='broken'\">{{ 7*7 }}"


@dataclass(frozen=True)
class Town:
    base: str
    headers: dict[str, str]
    city: SmallCity
    draft: int
    database: Database


@pytest.fixture(scope="module")
def town(cluster: Cluster, template: str, settings: Settings) -> Iterator[Town]:
    with cloned(cluster, template) as database:
        city = small_city(database)
        put(database, column=0.75, row=0.5, residents=1300)
        put(database, column=0.55, row=0.6, residents=20)
        one, two = city.grids[:2]
        draft = draft_of(database, {one: strip(0, 0.5), two: strip(0.5, 2)}, title=HOSTILE)
        issued = issue_token(
            database, SYSTEM, role="planner", area=None, days=1, label="tests"
        ).secret
        with serving(create_app(settings, database)) as base:
            yield Town(base, {"Authorization": f"Bearer {issued}"}, city, draft, database)


@pytest.fixture(params=[(1280, 800), (390, 780)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, chromium: Browser, town: Town) -> Iterator[Page]:
    width, height = request.param
    context = chromium.new_context(
        base_url=town.base,
        locale="zh-CN",
        viewport={"width": width, "height": height},
        extra_http_headers=town.headers,
    )
    faults: list[str] = []

    def guard(route: Route) -> None:
        if route.request.url.startswith((town.base, "data:")):
            route.continue_()
        else:
            faults.append(f"request off the host: {route.request.url}")
            route.abort()

    context.route("**/*", guard)
    opened = context.new_page()
    opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    context.close()
    assert faults == []


def test_it_draws_what_moves_with_figures_and_legend(page: Page, town: Town) -> None:
    page.goto(f"/maps/boundary-impact?draft={town.draft}")
    expect(page.locator("canvas").first).to_be_visible()
    until(page, lambda pixels: pixels > 10_000)
    panel = page.locator("#gw-panel")
    if panel.get_attribute("open") is None:
        panel.locator("summary").click()
    expect(panel).to_contain_text("1,320")
    expect(panel).to_contain_text("501–2,000 人")
    expect(panel).to_contain_text(HOSTILE)
    assert page.locator("img[src='x']").count() == 0
    page.locator("[data-ranked]").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".leaflet-popup .gw-popup")).to_contain_text("人口1,320")
    assert page.title() == f"边界草稿 {town.draft} 的影响"
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]


def test_the_plan_page_shows_a_drafts_findings_and_impact(page: Page, town: Town) -> None:
    place = f"{town.base}/v1/boundaries/drafts/{town.draft}"
    checked = httpx.get(place, headers=town.headers, timeout=60).json()["check"]
    page.add_init_script("localStorage.setItem('gridward-tour-plan', '1')")
    page.goto("/plan")
    page.locator("#tab-drafts").click()
    page.locator("#draft-list button", has_text="<img").click()
    shown = page.locator("#draft-list")
    expect(shown).to_contain_text("1,320")
    expect(shown.locator(".gw-card")).to_have_count(len(checked["findings"]))
    for one in checked["findings"]:
        expect(shown).to_contain_text(one["reason_zh"])
        expect(shown).to_contain_text(checked["kinds"][one["kind"]]["title_zh"])
    drawn = page.evaluate("window.gridward.city.overlays.get('draft').data.features")
    roles = [one["properties"]["role"] for one in drawn]
    assert (roles.count("moved"), roles.count("area")) == (1, 2)
    assert drawn[roles.index("moved")]["properties"]["residents"] == 1320
    assert page.locator("img[src='x']").count() == 0


def test_the_newest_draft_is_taken_and_equal_questions_give_equal_bytes(town: Town) -> None:
    address = f"{town.base}/maps/boundary-impact?lang=en"
    first, second = (httpx.get(address, headers=town.headers, timeout=60) for _ in range(2))
    assert first.status_code == 200
    assert first.content == second.content
    assert b"residents get another area" in first.content
    assert "unsafe" not in first.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("query", "signed_in", "status", "code"),
    [
        ("", False, 401, "sign-in-required"),
        ("?draft=999", True, 404, "draft-unknown"),
        ("?draft=0", True, 422, "request-invalid"),
    ],
)
def test_a_wrong_question_is_a_problem(
    town: Town, query: str, signed_in: bool, status: int, code: str
) -> None:
    answer = httpx.get(
        f"{town.base}/maps/boundary-impact{query}",
        headers=town.headers if signed_in else {},
        timeout=60,
    )
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")
    index = httpx.get(f"{town.base}/maps", headers=town.headers if signed_in else {}, timeout=60)
    assert ("boundary-impact" in index.text) is signed_in


def test_the_command_prints_and_writes_each_report(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield town.database

    monkeypatch.setattr(command, "open_database", opened)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    group = typer.Typer()
    command.register_into(group)
    group.callback()(lambda: None)

    def run(*words: object) -> str:
        result = CliRunner().invoke(group, ["impact", *(str(word) for word in words)])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert json.loads(run(town.draft, "--json"))["summary"]["residents_moved"] == 1320
    table = tmp_path / "impact.csv"
    assert town.city.grids[1] in run(town.draft, "--report", table)
    rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines()))
    assert (rows[0]["residents"], rows[0]["moves"]) == ("1320", "True")
    pieces = tmp_path / "impact.geojson"
    run(town.draft, "--report", pieces)
    assert len(json.loads(pieces.read_text())["features"]) == 1
    drawn = tmp_path / "impact.html"
    run(town.draft, "--report", drawn)
    assert "边界草稿" in drawn.read_text()
    wrong = CliRunner().invoke(group, ["impact", "1", "--report", str(tmp_path / "x.pdf")])
    assert wrong.exit_code == 2


def test_a_redrawn_community_of_the_demo_city_is_drawn(
    own_demo_city: Database, settings: Settings, chromium: Browser, tmp_path: Path
) -> None:
    _, areas = redrawn_community(own_demo_city)
    draft_of(own_demo_city, areas, skip_bad=True)
    secret = issue_token(
        own_demo_city, SYSTEM, role="planner", area=None, days=1, label="tests"
    ).secret
    with serving(create_app(settings, own_demo_city)) as base:
        context = chromium.new_context(
            base_url=base,
            viewport={"width": 1280, "height": 800},
            extra_http_headers={"Authorization": f"Bearer {secret}"},
        )
        opened = context.new_page()
        opened.goto("/maps/boundary-impact?lang=zh")
        expect(opened.locator("canvas").first).to_be_visible()
        until(opened, lambda pixels: pixels > 20_000)
        opened.screenshot(path=tmp_path / "impact.png")
        context.close()
