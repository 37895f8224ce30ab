"""Planning, browsing and the maps, as people do it, network cut."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.services.staffing import StaffingQuestion, staffed
from gis.store.unit_of_work import Database
from maps.catalogue import MAPS
from tests.browser.desk import Sign, idle, middle
from tests.browser.test_station_coverage import until

pytestmark = pytest.mark.browser


def scenario(page: Page) -> dict[str, Any]:
    """The scenario that the address carries."""
    kept = page.evaluate("new URLSearchParams(location.hash.slice(1)).get('scenario')")
    told: dict[str, Any] = json.loads(kept)
    return told


# --- plan -----------------------------------------------------------------------------------------


def test_stations_moved_and_added_in_thought_change_the_numbers_and_are_kept(sign: Sign) -> None:
    page = sign("planner", "/plan")
    figure = page.locator("#figures dd").first
    expect(figure).not_to_be_empty(timeout=20_000)
    expect(page.locator("#areas tbody tr").first).to_be_visible()
    expect(page.locator(".gw-legend")).to_contain_text("盲区")
    idle(page)
    place = page.evaluate(
        """() => {
          const {view} = window.gridward.city;
          const [one] = view.queryRenderedFeatures({layers: ["stations-0"]});
          const {x, y} = view.project(one.geometry.coordinates);
          const {left, top} = view.getCanvas().getBoundingClientRect();
          return [x + left, y + top];
        }"""
    )
    page.mouse.move(*place)
    page.mouse.down()
    page.mouse.move(place[0] + 60, place[1] + 30, steps=4)
    page.mouse.up()
    expect(page.locator("#changes")).to_contain_text("移动")
    expect(figure.locator("small")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="新增站点").click()
    page.locator("#map canvas").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#changes")).to_contain_text("新站点 1")
    assert [one["action"] for one in scenario(page)["changes"]] == ["move", "add"]
    page.get_by_role("button", name="保存方案").click()
    page.locator("dialog input").fill("试一试 <b>")
    page.locator("dialog .gw-primary").click()
    expect(page.locator("#saved strong")).to_have_text("试一试 <b>", timeout=15_000)
    said = figure.inner_text()
    colleague = sign("planner", "/plan")  # another browser
    colleague.get_by_text("已保存的方案").click()
    colleague.locator("#saved").get_by_role("button", name="打开").click()
    expect(colleague.locator("#changes")).to_contain_text("新站点 1", timeout=20_000)
    expect(colleague.locator("#figures dd").first).to_have_text(said, timeout=20_000)
    shared = colleague.url
    colleague.goto("/healthz")
    colleague.goto(shared)  # and the link alone carries it, too
    expect(colleague.locator("#figures dd").first).to_have_text(said, timeout=20_000)


def test_where_next_comes_with_its_proof_and_before_beside_after(sign: Sign) -> None:
    page = sign("planner", "/plan")
    page.get_by_role("tab", name="选址").click()
    page.locator("#k").fill("2")
    page.locator("#k").dispatch_event("change")
    page.get_by_role("button", name="寻找位置").click()
    expect(page.locator("#sited ol li")).to_have_count(2, timeout=60_000)
    expect(page.locator("#sited")).to_contain_text("最优")
    page.get_by_role("button", name="前后并排看").click()
    expect(page.locator(".gw-caption")).to_have_count(2, timeout=20_000)
    before, after = page.locator(".gw-caption").all_inner_texts()
    assert "现状" in before
    assert "之后" in after
    table = page.locator("#sited tbody tr").first.locator("td").all_inner_texts()
    assert [table[0] in before, table[1] in after] == [True, True]
    page.get_by_role("button", name="并入方案").click()
    expect(page.locator("#changes li")).to_have_count(2, timeout=20_000)


def test_from_far_the_shares_of_the_level_above_are_exact(sign: Sign, base: str) -> None:
    page = sign("planner", "/plan")
    expect(page.locator("#areas tbody tr").first).to_be_visible()
    bands = dict(
        page.evaluate(
            "window.gridward.city.shared.bands"
            ".map(({key, byCode}) => [key, Object.fromEntries(byCode)])"
        )
    )
    assert list(bands) == ["communities", "subdistricts", "counties"]
    told = httpx.post(f"{base}/v1/coverage", json={"by": "county"}, timeout=60).json()["areas"]
    assert bands["counties"] == pytest.approx({area["code"]: area["ratio"] for area in told})
    idle(page)
    page.evaluate("window.gridward.city.view.jumpTo({zoom: 6.5})")
    idle(page)
    drawn = page.evaluate(
        "window.gridward.city.view.queryRenderedFeatures({layers: ['shares-counties']})"
        ".map((one) => one.state.ratio)"
    )
    assert set(drawn) == set(bands["counties"].values())


def test_circles_say_what_each_urban_community_lacks(sign: Sign, base: str) -> None:
    rows = httpx.get(f"{base}/v1/employment/circles", timeout=60).json()
    page = sign("viewer", "/plan")
    page.get_by_role("tab", name="就业圈").click()
    listed = page.locator("#circle-list tbody tr")
    expect(listed).to_have_count(len(rows["items"]), timeout=20_000)
    figures = page.locator("#circle-list dd").first
    expect(figures).to_have_text(f"{rows['summary']['covered']} / {len(rows['items'])}")
    lacking = [one for one in rows["items"] if not one["covered"]]
    if lacking:
        expect(listed.first).to_contain_text(lacking[0]["why_not"][0]["text_zh"][:3])
    listed.first.get_by_role("button").click()
    page.locator("#area").select_option("341102")
    own = [one for one in rows["items"] if one["code"].startswith("341102")]
    expect(listed).to_have_count(len(own), timeout=20_000)


# --- browse ---------------------------------------------------------------------------------------


def test_a_click_tells_whose_place_it_is_and_the_link_restores_it(sign: Sign) -> None:
    page = sign(None, "/browse")
    idle(page)
    page.mouse.click(*middle(page))
    here = page.locator("#here")
    expect(here.locator("h2")).to_contain_text("网格")
    expect(here).to_contain_text("责任单位")
    expect(here).to_contain_text("附近的站点")
    page.get_by_label("街道乡镇").uncheck()
    assert "pin=" in page.url
    assert "subdistricts" not in page.url
    again = page.url
    page.goto("/healthz")
    page.goto(again)
    expect(page.locator("#here h2")).to_contain_text("网格")
    expect(page.get_by_label("街道乡镇")).not_to_be_checked()
    idle(page)
    hidden = "window.gridward.city.view.getLayoutProperty('subdistricts-line', 'visibility')"
    assert page.evaluate(hidden) == "none"


def test_measure_and_print(sign: Sign) -> None:
    page = sign(None, "/browse")
    idle(page)
    page.get_by_role("button", name="量距离").click()
    x, y = middle(page)
    for step in (0, 80, 160):
        page.mouse.click(x + step, y)
        page.wait_for_timeout(350)  # two clicks at once would zoom
    expect(page.locator("#measured")).to_contain_text("公里")
    canvas = page.locator("#map canvas").first
    on_screen = canvas.evaluate("canvas => [canvas.width, canvas.height]")
    page.emulate_media(media="print")
    expect(page.locator("#map")).to_be_visible()
    # the whole picture, made smaller with its scale bar: not the same scale on a smaller sheet
    on_paper = canvas.evaluate("canvas => [canvas.width, canvas.height]")
    assert all(abs(one - other) <= 4 for one, other in zip(on_screen, on_paper, strict=True))
    assert page.locator("#map").evaluate("map => map.getBoundingClientRect().width") <= 761
    expect(page.locator(".gw-bar")).to_be_hidden()
    expect(page.locator("#layers")).to_be_visible()


def test_browse_by_keyboard_alone(sign: Sign) -> None:
    page = sign(None, "/browse")
    idle(page)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("社区")
    expect(page.locator("#found button").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#found button").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#here h2")).to_contain_text("社区")
    page.locator("#map canvas").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#here")).to_contain_text("责任单位")


# --- maps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [key for key in MAPS if key != "boundary-impact"])
def test_every_map_draws_itself_twice_alike_and_prints(
    sign: Sign, base: str, city: Database, key: str
) -> None:
    secret = issue_token(city, SYSTEM, role="planner", days=1).secret
    headers = {"Authorization": f"Bearer {secret}"}
    address = f"{base}/maps/{key}"
    first, second = (httpx.get(address, headers=headers, timeout=60) for _ in range(2))
    assert first.content == second.content
    assert len(first.content) < 3_000_000
    sheet = httpx.get(f"{address}.pdf", params={"area": "341102"}, headers=headers, timeout=60)
    assert sheet.content.startswith(b"%PDF-")
    page = sign("planner", "/maps")
    page.goto(f"/maps/{key}")
    expect(page.locator("canvas").first).to_be_visible()
    until(page, lambda pixels: pixels > 5_000)
    expect(page.locator(".gw-panel")).to_contain_text("边界版本")


def test_the_staffing_map_tells_what_the_service_counts_and_only_planners_see_it(
    sign: Sign, base: str, city: Database
) -> None:
    told = staffed(city, SYSTEM, StaffingQuestion())["city"]
    page = sign("planner", "/maps/community-staffing")
    full = told["communities"] - told["communities_short"]
    expect(page.locator(".gw-big")).to_have_text(f"{full} / {told['communities']}")
    expect(page.locator(".gw-panel")).to_contain_text(f"合计缺 {told['missing_of_communities']:,}")
    assert httpx.get(f"{base}/maps/community-staffing", timeout=60).status_code == 401
    assert "community-staffing" not in httpx.get(f"{base}/maps", timeout=60).text


def test_at_nightfall_the_same_layers_take_other_colours(sign: Sign) -> None:
    page = sign("planner", "/plan")
    expect(page.locator("#areas tbody tr").first).to_be_visible()
    idle(page)
    look = (
        "() => { const {view} = window.gridward.city; window.layers ??= {...view.style._layers};"
        " const ids = view.getLayersOrder(); return {ids,"
        " same: ids.every((id) => view.getLayer(id) === window.layers[id]),"
        " ground: view.getPaintProperty('ground', 'background-color'),"
        " shares: view.getPaintProperty('shares-communities', 'fill-color')[2],"
        " shown: view.queryRenderedFeatures({layers: ['shares-communities']})"
        ".filter((one) => typeof one.state.ratio === 'number').length}; }"
    )
    day = page.evaluate(look)
    page.emulate_media(color_scheme="dark")
    night = day
    for _ in range(100):  # the page is told a moment later
        if night["ground"] != day["ground"]:
            break
        page.wait_for_timeout(50)
        idle(page)
        night = page.evaluate(look)
    assert night["ground"] != day["ground"]
    assert night["ids"] == day["ids"]
    assert night["same"]
    assert night["shares"] != day["shares"]
    assert night["shown"] == day["shown"] > 0
