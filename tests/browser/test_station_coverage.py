"""The map station-coverage in a real browser, with the network cut, on a city of hostile names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from api.app import create_app
from gis.cluster import Cluster
from gis.settings import Settings
from tests import small_city
from tests.conftest import cloned, serving

pytestmark = pytest.mark.browser

MAP = "/maps/station-coverage"
PAINTED = """() => [...document.querySelectorAll("canvas")].reduce((sum, canvas) => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let at = 3; at < data.length; at += 4) { if (data[at] > 0) { count++; } }
  return sum + count;
}, 0)"""


@pytest.fixture(scope="module")
def town(cluster: Cluster, template: str, settings: Settings) -> Iterator[str]:
    """The base URL of a server on the small city."""
    with cloned(cluster, template) as database:
        small_city.build(database)
        with serving(create_app(settings, database)) as base:
            yield base


@pytest.fixture(params=[(1280, 800), (390, 780)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, chromium: Browser, town: str) -> Iterator[Page]:
    """A page that may only talk to the town's server, and whose console must stay silent."""
    width, height = request.param
    context = chromium.new_context(
        base_url=town, locale="zh-CN", viewport={"width": width, "height": height}
    )
    faults: list[str] = []

    def guard(route: Route) -> None:
        if route.request.url.startswith((town, "data:")):
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


def show(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("canvas").first).to_be_visible()
    until(page, lambda pixels: pixels > 20_000)


def until(page: Page, enough: Callable[[int], bool]) -> None:
    """Wait until so many pixels are painted (the page's policy forbids to poll inside it)."""
    for _ in range(400):
        if enough(painted(page)):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{painted(page)} pixels are painted")


def open_panel(page: Page) -> None:
    panel = page.locator("#gw-panel")
    if panel.get_attribute("open") is None:
        panel.locator("summary").click()


def painted(page: Page) -> int:
    """Return how many pixels of the map's canvases are not empty."""
    return int(page.evaluate(PAINTED))


def test_it_draws_with_figures_legend_and_scale(page: Page, tmp_path: Path) -> None:
    show(page, MAP)
    assert page.title() == "小城市服务站点覆盖图"
    open_panel(page)
    panel = page.locator("#gw-panel")
    expect(panel).to_contain_text("57.9%")  # 120 of 207, rounded down
    expect(panel).to_contain_text("120 / 207")
    expect(panel).to_contain_text("就业服务站 (1)")
    expect(panel).to_contain_text("边界版本 1")
    expect(panel).to_contain_text("演示数据")
    expect(page.locator(".leaflet-control-scale")).to_contain_text("km")
    page.screenshot(path=tmp_path / "map.png")


def test_the_whole_city_is_in_view_and_controls_do_not_lie_on_each_other(page: Page) -> None:
    show(page, MAP)
    size = page.viewport_size
    assert size is not None
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.evaluate("document.documentElement.scrollHeight") <= size["height"]
    shown = page.locator(".folium-map").bounding_box()
    panel = page.locator("#gw-panel").bounding_box()
    assert shown is not None
    assert panel is not None
    assert shown["width"] > 300
    beside = panel["x"] + panel["width"] <= shown["x"] + 1
    below = panel["y"] >= shown["y"] + shown["height"] - 1
    assert beside or below


def test_a_hostile_name_stays_text(page: Page) -> None:
    show(page, MAP)
    open_panel(page)
    button = page.locator("[data-ranked]", has_text="<img src=x onerror=")
    expect(button).to_contain_text("{{ 7*7 }}{% if %}{#</script><b>")
    button.click()
    popup = page.locator(".leaflet-popup .gw-popup strong")
    expect(popup).to_have_text(small_city.HOSTILE)
    assert page.locator(".leaflet-popup img").count() == 0
    assert page.title() == "小城市服务站点覆盖图"


def test_gaps_are_reached_by_keyboard_most_people_first(page: Page) -> None:
    show(page, MAP)
    open_panel(page)
    buttons = page.locator("[data-ranked]")
    assert [text.split("社区")[0] for text in buttons.all_text_contents()][:2] == ["第001", "第002"]
    buttons.first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".leaflet-popup .gw-popup")).to_contain_text("未覆盖人口50")


def test_language_switch_keeps_the_question(page: Page) -> None:
    show(page, f"{MAP}?area=341103&radius_m=7000")
    page.get_by_text("English").click()
    expect(page.locator("h1")).to_have_text("东区 station coverage")
    expect(page.locator(".gw-head")).to_contain_text("straight-line reach of 7 km")
    assert page.locator("html").get_attribute("lang") == "en"


def test_layers_switch_off(page: Page) -> None:
    show(page, MAP)
    seen = [0]
    while len(set(seen[-4:])) > 1 or len(seen) < 4:  # the last layer is painted, the zoom at rest
        page.wait_for_timeout(200)
        seen.append(painted(page))
    before = seen[-1]
    page.get_by_role("button", name="图层").press("Enter")
    box = page.locator(".leaflet-control-layers-overlays label", has_text="覆盖人口占比")
    expect(box).to_be_visible()
    page.wait_for_timeout(200)  # Leaflet ignores a click in the moment of opening
    box.locator("input").press("Space")
    expect(box.locator("input")).not_to_be_checked()
    until(page, lambda pixels: pixels < before)


def test_the_index_leads_to_the_map(page: Page) -> None:
    page.goto("/maps")
    page.get_by_role("link", name="服务站点覆盖图").click()
    expect(page.locator("canvas").first).to_be_visible()
    page.go_back()
    page.locator(f"form[action='{MAP}'] .primary").click()  # with no area chosen
    expect(page.locator("canvas").first).to_be_visible()
    assert "area=&" in page.url


def test_the_same_question_gives_the_same_bytes_and_a_policy_without_unsafe_inline(
    town: str,
) -> None:
    first, second = (httpx.get(town + MAP, timeout=60) for _ in range(2))
    assert first.status_code == 200
    assert first.content == second.content
    policy = first.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    loads = rb"<(?:script|link|img|iframe)[^>]+(?:src|href)=.?(?:https?:)?//"
    assert re.findall(loads, first.content) == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?area=999999", 404, "area-unknown"),
        ("?kinds=bakery", 422, "station-kind-unknown"),
        ("?radius_m=0", 422, "request-invalid"),
        ("?radius_m=nan", 422, "request-invalid"),
    ],
)
def test_a_wrong_question_is_a_problem(town: str, query: str, status: int, code: str) -> None:
    answer = httpx.get(town + MAP + query, timeout=60)
    assert answer.status_code == status
    assert answer.json()["type"] == f"/problems/{code}"
    assert (
        httpx.get(f"{town}/maps/no-such-map", timeout=60).json()["type"] == "/problems/map-unknown"
    )


def test_post_coverage_answers_in_the_shape_of_the_contract(town: str) -> None:
    answer = httpx.post(f"{town}/v1/coverage", json={"radius_m": 3000, "by": "county"}, timeout=60)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    wanted = {"people", "people_covered", "ratio", "area_km2", "area_covered_km2"}
    assert wanted <= set(body["summary"])
    assert [row["code"] for row in body["areas"]] == ["341102", "341103"]
    assert {"code", "name", "people", "people_covered", "ratio", "nearest_m"} <= set(
        body["areas"][0]
    )
    assert body["gaps"]["type"] == "FeatureCollection"
    assert body["boundary_revision"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"radius_m": -1},
        {"radius_m": 50_001},
        {"reach": "flight"},
        {"by": "street"},
        {"kinds": ["bakery"]},
        {"radius": 3000},
    ],
)
def test_post_coverage_refuses_what_it_cannot_answer(town: str, body: dict[str, object]) -> None:
    assert httpx.post(f"{town}/v1/coverage", json=body, timeout=60).status_code == 422


def test_a_city_without_roads_says_so(town: str) -> None:
    answer = httpx.post(f"{town}/v1/coverage", json={"reach": "network"}, timeout=60)
    assert answer.status_code == 503
    assert "gridward import roads" in answer.json()["detail"]


def test_the_demo_city_is_drawn_and_says_that_it_is_made(browser_page: Page) -> None:
    show(browser_page, MAP)
    expect(browser_page.locator("h1")).to_have_text("滁州市服务站点覆盖图")
    expect(browser_page.locator(".gw-made")).to_contain_text("合成数据")
    expect(browser_page.locator("#gw-panel")).to_contain_text("服务驿站")
    assert len(browser_page.content()) < 3_000_000
