"""A city on its first day: nothing has happened yet, and every list says so and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from api.app import create_app
from gis.cluster import Cluster
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests import small_city
from tests.browser.desk import Sign
from tests.conftest import cloned, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def city(cluster: Cluster, template: str) -> Iterator[Database]:
    with cloned(cluster, template) as database:
        small_city.build(database)
        yield database


@pytest.fixture(scope="module")
def base(city: Database, settings: Settings) -> Iterator[str]:
    with serving(create_app(settings, city)) as address:
        yield address


def test_each_lane_of_the_queue_is_empty_in_words(sign: Sign) -> None:
    page = sign("dispatcher", "/dispatch")
    for lane, words in (
        ("review", "没有待研判的案件"),
        ("unrouted", "没有无人接的案件"),
        ("running", "没有办理中的工单"),
        ("overdue", "没有超期工单"),
    ):
        page.locator(f"#tab-{lane}").click()
        expect(page.locator("#list .gw-nothing p")).to_have_count(2)
        expect(page.locator("#list")).to_contain_text(words)
    expect(page.locator("#case")).to_contain_text("选择左侧的案件")


def test_a_worker_without_cases_is_told_that_they_will_come(sign: Sign) -> None:
    page = sign("grid_worker", "/mine", wide=False, area="341102")
    expect(page.locator("#orders")).to_contain_text("新的派单会自动出现在这里")
    expect(page.locator("#count")).to_have_text("0 件在办")


def test_the_planners_lists_are_empty_in_words(sign: Sign) -> None:
    page = sign("planner", "/plan")
    expect(page.locator("#changes")).to_contain_text("拖动地图上的站点试试", timeout=20_000)
    page.get_by_text("已保存的方案").click()
    expect(page.locator("#saved")).to_contain_text("还没有保存的方案")
    expect(page.locator("#compare")).to_be_hidden()
    page.get_by_role("tab", name="边界").click()
    expect(page.locator("#draft-list")).to_contain_text("没有边界草稿")
    page.route("**/v1/employment/circles*", lambda route: route.fulfill(json={"items": []}))
    page.get_by_role("tab", name="就业圈").click()
    expect(page.locator("#circle-list")).to_contain_text("此范围内没有城市社区")


def test_a_viewer_finds_nothing_and_is_told_what_to_try(sign: Sign) -> None:
    page = sign(None, "/browse")
    expect(page.locator("#here")).to_contain_text("点击地图")
    page.locator("#search").fill("没有这个地方")
    expect(page.locator("#found")).to_contain_text("试试道路加门牌号")


def test_a_map_without_anything_to_draw_says_so(sign: Sign) -> None:
    page = sign("planner", "/maps/event-density")
    expect(page.locator("#gw-panel")).to_contain_text("没有可显示的事件")


def test_every_station_is_on_the_plan_however_many_pages_they_come_in(sign: Sign) -> None:
    page = sign("planner", "/mine", forgive="403")
    page.route(
        "**/collections/stations/items*",
        lambda route: route.continue_(url=route.request.url.replace("limit=1000", "limit=1")),
    )
    page.goto("/plan")
    expect(page.locator("#changes")).to_contain_text("拖动地图上的站点试试")
    drawn = page.evaluate("window.gridward.city.overlays.get('stations').data.features")
    assert {one["properties"]["code"] for one in drawn} == {"S1", "S2", "S3"}
